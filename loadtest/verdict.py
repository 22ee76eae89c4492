"""Whether a run was good: no leak, no wrong restore, no error but those that the chaos explains, and enough done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from loadtest.afterwards import Search
from loadtest.chaos import Harm
from loadtest.memory import Points, Series, growth
from loadtest.tally import Kind, Tally

EXCUSED = frozenset(
    {"503 overloaded", "429 rate_limit_exceeded", "502 upstream_failed", "200 upstream_failed", "connection lost"}
    | {"broken off"}
)
"""What chaos may do to a well-behaved user. 502, and 200 where a stream had begun: the model was killed; the two last:
the worker was."""

_MOST_MIB = 300
_MOST_GROWTH_MIB = 2.0
"""A minute, of a worker that has served for minutes."""
_WARM_S = 300


@dataclass(slots=True)
class Outcome:
    """All that a run has shown."""

    seconds: float
    tally: Tally
    search: Search
    memory: Series
    harms: Sequence[Harm] = ()
    chaos: bool = False
    problems: list[str] = field(default_factory=list)
    """What went wrong with the run itself."""

    @property
    def leaks(self) -> int:
        return sum(self.search.leaks.values()) + self.tally.leaks

    @property
    def errors_out_of_bounds(self) -> dict[str, int]:
        """By kind of user and of error, those that nothing excuses."""
        counted = {
            f"{name}: {error}": sum(count for second, count in when.items() if not self._excused(error, second))
            for name, kind in sorted(self.tally.kinds.items())
            for error, when in sorted(kind.errors.items())
        }
        return {name: count for name, count in counted.items() if count}

    def _excused(self, error: str, second: int) -> bool:
        return error in EXCUSED and any(harm.excuses(second) for harm in self.harms)

    @property
    def total(self) -> Kind:
        """All kinds of users together."""
        everybody = Kind()
        for kind in self.tally.kinds.values():
            everybody.add(kind)
        return everybody

    def failures(self) -> list[str]:
        """Why the run was not good; nothing if it was."""
        said = list(self.problems)
        if self.leaks:
            said.append(f"{self.leaks} leaks")
        if self.tally.wrongs:
            said.append(f"{self.tally.wrongs} wrong restores")
        said += [f"{count} errors of {name}" for name, count in self.errors_out_of_bounds.items()]
        said += [f"nothing was there to search: {place}" for place, size in self.search.sizes.items() if not size]
        said += [f"no answer was checked: {name}" for name, kind in self.tally.kinds.items() if not kind.checked]
        said += [line for pid, points in self.memory.items() for line in _of_memory(pid, points)]
        if not self.tally.kinds:
            said.append("no request was made")
        return said


def _of_memory(pid: int, points: Points) -> Iterator[str]:
    if not points:
        return
    most, grows = max(mib for _, mib in points), growth(points)
    if most > _MOST_MIB:
        yield f"worker {pid} took {most:.0f} MiB of memory"
    if points[-1][0] - points[0][0] >= _WARM_S and grows > _MOST_GROWTH_MIB:
        yield f"worker {pid} grew by {grows:.1f} MiB a minute"
