"""How long the parts of an exchange took, by a clock that is passed in. Times and counts, never content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.pipeline.ports import Clock


class Timings:
    """What the stages of one exchange took, in seconds, and how much their filters held back.

    It is written to in passing and read once, at the end.
    """

    __slots__ = ("_names", "_request", "clock", "most_held", "spent")

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._request: dict[str, float] = {}
        self._names: Sequence[str] = ()
        self.spent: list[float] = []
        """By filter, of all texts of the answer together."""
        self.most_held: list[int] = []
        """By filter: the most characters that it held of one text."""

    def on_request(self, stage: str, seconds: float) -> None:
        """A stage has read the prompt, or given up."""
        self._request[stage] = self._request.get(stage, 0.0) + seconds

    def on_answer(self, names: Sequence[str]) -> None:
        """Filters of these names are opened for a text of the answer: the same for each."""
        if len(self.spent) != len(names):
            self._names, self.spent, self.most_held = names, [0.0] * len(names), [0] * len(names)

    @property
    def request(self) -> Mapping[str, float]:
        """Seconds by stage."""
        # A copy in one step: a thread that nobody waits for any more may still be at work.
        return dict(self._request)

    @property
    def answer(self) -> Mapping[str, float]:
        """Seconds by stage."""
        return dict(zip(self._names, self.spent, strict=False))

    @property
    def held(self) -> Mapping[str, int]:
        """The most characters by stage. A replacement counts by the difference of its length."""
        return dict(zip(self._names, self.most_held, strict=False))


class UpstreamTimes:
    """When a call was with the model, by the clock of whoever measures it. `asked_s` is None for one that was not."""

    __slots__ = ("asked_s", "done_s", "first_s", "model", "name", "queued_s")

    def __init__(self) -> None:
        self.name = ""
        """Of the upstream, as the policy has it."""
        self.model = ""
        """What the upstream calls the model."""
        self.queued_s = 0.0
        """How long it waited for a place."""
        self.asked_s: float | None = None
        self.first_s: float | None = None
        """When the first event of a stream came."""
        self.done_s: float | None = None
