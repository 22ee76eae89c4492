"""One request and its answer: who asked, by when, what was found. It dies with the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from gateway.pipeline.ports import Clock
from gateway.pipeline.timing import Timings

State = TypeVar("State")


class DeadlineExceeded(Exception):
    """The time for the analysis of a request is used up."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on a clock, in seconds. Long work asks `left()` between its steps."""

    clock: Clock
    at_s: float

    @classmethod
    def after(cls, clock: Clock, seconds: float) -> Deadline:
        return cls(clock, clock() + seconds)

    def left(self) -> float:
        """Seconds left. Raises DeadlineExceeded when there are none."""
        left = self.at_s - self.clock()
        if left <= 0:
            raise DeadlineExceeded
        return left


@dataclass(frozen=True, slots=True)
class Finding:
    """A stage saw `count` things of one kind and did `action`. Never what they were."""

    stage: str
    kind: str
    action: str
    count: int


class Exchange:
    """What the stages of one request share. Whoever opens it calls `close` when the answer has gone."""

    __slots__ = ("_found", "_states", "deadline", "id", "model", "scopes", "subject", "tenant", "timings")

    def __init__(
        self,
        *,
        id: str,
        tenant: str,
        subject: str,
        model: str,
        deadline: Deadline,
        scopes: frozenset[str] = frozenset(),
    ) -> None:
        """`scopes`: which protected documents may be quoted to whoever asks."""
        self.id = id
        self.tenant = tenant
        self.subject = subject
        self.model = model
        self.deadline = deadline
        self.scopes = scopes
        self.timings = Timings(deadline.clock)
        self._found: dict[tuple[str, str, str], int] = {}
        self._states: dict[type, object] = {}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, each kind once, in the order of first appearance."""
        # A copy in one step: a thread that nobody waits for any more may still find something.
        return tuple(Finding(*what, count) for what, count in tuple(self._found.items()))

    def found(self, stage: str, kind: str, action: str, count: int = 1) -> None:
        """A stage tells what it saw and did."""
        what = (stage, kind, action)
        self._found[what] = self._found.get(what, 0) + count

    def keep(self, state: object) -> None:
        """Hold an object of a stage until the exchange ends; one per type."""
        self._states[type(state)] = state

    def kept(self, kind: type[State]) -> State | None:
        """The object of that type that a stage keeps here, if any."""
        state = self._states.get(kind)
        return state if isinstance(state, kind) else None

    def close(self) -> None:
        """Forget everything that stages keep."""
        self._states.clear()
