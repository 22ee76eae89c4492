"""What the users of one process met with, added up as it happens and written to a file every other second."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_MOST_KEPT = 200


def _by_second() -> defaultdict[str, Counter[int]]:
    return defaultdict(Counter)


@dataclass(slots=True)
class Kind:
    """All requests of one kind of user. `times_ms`: how many took so long; three figures are kept of each time."""

    times_ms: Counter[int] = field(default_factory=Counter)
    seconds: Counter[int] = field(default_factory=Counter)
    errors: defaultdict[str, Counter[int]] = field(default_factory=_by_second)
    checked: int = 0
    notes: Counter[str] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        return sum(self.times_ms.values())

    @property
    def failed(self) -> int:
        return sum(sum(when.values()) for when in self.errors.values())

    def percentile(self, part: float) -> int:
        """Milliseconds within which this part of the requests was done."""
        left = part * self.requests
        for took_ms in sorted(self.times_ms):
            left -= self.times_ms[took_ms]
            if left <= 0:
                return took_ms
        return 0

    def add(self, other: Kind) -> None:
        self.times_ms.update(other.times_ms)
        self.seconds.update(other.seconds)
        self.notes.update(other.notes)
        self.checked += other.checked
        for name, when in other.errors.items():
            self.errors[name].update(when)


@dataclass(slots=True)
class Tally:
    """By kind of user. `wrong`: answers with other values than they should have, `leaks`: errors that quote values;
    both with their number and the first of them."""

    kinds: defaultdict[str, Kind] = field(default_factory=lambda: defaultdict(Kind))
    wrong: list[str] = field(default_factory=list)
    wrongs: int = 0
    leaked: list[str] = field(default_factory=list)
    leaks: int = 0
    listener: Callable[[str, float, str], None] | None = None
    """Told of each request too: kind, seconds, error."""

    def note(self, kind: str, took_s: float, error: str = "", *, checked: bool = False, note: str = "") -> None:
        """One request is done. `error`: what went wrong, in a word. `checked`: its values were looked at."""
        now, of_kind = int(time.time()), self.kinds[kind]
        of_kind.times_ms[_three_figures(took_s * 1e3)] += 1
        of_kind.seconds[now] += 1
        of_kind.checked += checked
        if error:
            of_kind.errors[error][now] += 1
        if note:
            of_kind.notes[note] += 1
        if self.listener is not None:
            self.listener(kind, took_s, error)

    def restored_wrongly(self, kind: str, problems: Iterable[str]) -> None:
        """An answer that should have had other values."""
        self.wrongs += 1
        if len(self.wrong) < _MOST_KEPT:
            self.wrong.append(f"{kind}: {'; '.join(problems)}")

    def leaked_to(self, kind: str, what: str) -> None:
        """A value where there should be none."""
        self.leaks += 1
        if len(self.leaked) < _MOST_KEPT:
            self.leaked.append(f"{kind}: {what}")

    def add(self, other: Tally) -> None:
        for name, of_kind in other.kinds.items():
            self.kinds[name].add(of_kind)
        self.wrong = (self.wrong + other.wrong)[:_MOST_KEPT]
        self.leaked = (self.leaked + other.leaked)[:_MOST_KEPT]
        self.wrongs += other.wrongs
        self.leaks += other.leaks

    def write(self, path: Path) -> None:
        """As a whole or not at all."""
        kinds = {
            name: {
                "times_ms": one.times_ms,
                "seconds": one.seconds,
                "errors": one.errors,
                "checked": one.checked,
                "notes": one.notes,
            }
            for name, one in self.kinds.items()
        }
        document = {
            "kinds": kinds,
            "wrong": self.wrong,
            "wrongs": self.wrongs,
            "leaked": self.leaked,
            "leaks": self.leaks,
        }
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(document), "utf-8")
        beside.replace(path)


def read(path: Path) -> Tally:
    """What `write` has written."""
    document = json.loads(path.read_text("utf-8"))
    made = Tally(wrong=document["wrong"], wrongs=document["wrongs"], leaked=document["leaked"], leaks=document["leaks"])
    for name, raw in document["kinds"].items():
        made.kinds[name] = _kind(raw)
    return made


def _kind(raw: dict[str, Any]) -> Kind:
    errors = _by_second()
    errors.update({name: _counter(when) for name, when in raw["errors"].items()})
    return Kind(_counter(raw["times_ms"]), _counter(raw["seconds"]), errors, raw["checked"], Counter(raw["notes"]))


def _counter(raw: dict[str, int]) -> Counter[int]:
    return Counter({int(name): count for name, count in raw.items()})


def _three_figures(took_ms: float) -> int:
    return round(took_ms) if took_ms < 1_000 else int(float(f"{took_ms:.2e}"))
