"""Canaries in an answer: whoever hears one learns that the model has seen what it was planted in, so nobody does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.guard.canaries import Canaries
from gateway.guard.passages import Followed, Stopping, Watching, tokens
from gateway.guard.trail import Trail
from gateway.pipeline.channel import Channel
from gateway.pipeline.exchange import Exchange
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.stage import StreamFilter

RULE = "answers.canaries"
STAGE = "canaries"
Treatment = Literal["block", "report"]


class CanaryStage:
    """Finds canaries in every text of an answer. A finding's kind is the id of the canary."""

    name = STAGE

    def __init__(self, canaries: Canaries, treatment: Treatment) -> None:
        self._canaries = canaries
        self._treatment = treatment

    def on_request(self, prompt: Prompt, exchange: Exchange) -> Prompt:
        exchange.keep(_Shared(Trail()))
        return prompt

    def open(self, exchange: Exchange, channel: Channel) -> StreamFilter:
        if self._treatment == "block" and (wordless := tokens(channel)) is not None:
            return wordless
        shared = exchange.kept(_Shared)
        if shared is None:
            raise RuntimeError("the prompt has not been read")
        finder = self._canaries.open()

        def note() -> None:
            exchange.found(STAGE, str(finder.hit), self._treatment)

        reader = Followed(finder, shared.trail)
        return Watching(reader, note) if self._treatment == "report" else Stopping(reader, RULE, note)


@dataclass(frozen=True, slots=True)
class _Shared:
    """A phrase may begin in one text of the answer and go on in another."""

    trail: Trail
