"""Canaries in an answer: whoever hears one learns that the model has seen what it was planted in, so nobody does."""

from __future__ import annotations

from typing import Literal

from gateway.guard.canaries import Canaries
from gateway.guard.passages import Stopping, Watching, tokens
from gateway.pipeline.channel import Channel
from gateway.pipeline.exchange import Exchange, Finding
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.stage import StreamFilter

RULE = "answers.canaries"
STAGE = "canaries"
Treatment = Literal["block", "report"]


class CanaryStage:
    """Finds canaries in every text of an answer. A finding's kind is the id of the canary."""

    def __init__(self, canaries: Canaries, treatment: Treatment) -> None:
        self._canaries = canaries
        self._treatment = treatment

    def on_request(self, prompt: Prompt, exchange: Exchange) -> Prompt:
        exchange.keep(_Carried())
        return prompt

    def open(self, exchange: Exchange, channel: Channel) -> StreamFilter:
        if self._treatment == "block" and (wordless := tokens(channel)) is not None:
            return wordless
        # A phrase may begin in one text of the answer and go on in the next.
        carried = exchange.kept(_Carried) or _Carried()
        finder = self._canaries.open(carried.end)

        def note() -> None:
            exchange.findings.append(Finding(STAGE, str(finder.hit), self._treatment, 1))

        if self._treatment == "report":
            return Watching(finder, note, carried.take)
        return Stopping(finder, RULE, note, carried=carried.take)


class _Carried:
    """What the last text of this answer ended with."""

    def __init__(self) -> None:
        self.end = b""

    def take(self, end: bytes) -> None:
        self.end = end
