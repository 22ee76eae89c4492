"""Passages of protected documents in an answer, in whatever channel, choice or turn they come.

What the prompt itself says may be repeated, but not what the model said in earlier turns: that may be the first half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.guard.passages import Cutting, Followed, Stopping, Watching, tokens
from gateway.guard.regurgitation import Echo, Watch, joined
from gateway.guard.said import Said
from gateway.guard.trail import Trail
from gateway.guard.turns import Turns
from gateway.pipeline.channel import Channel
from gateway.pipeline.exchange import Exchange
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.stage import StreamFilter

RULE = "answers.regurgitation"
Treatment = Literal["block", "regenerate", "redact", "report"]
_HISTORY_CHARS = 4000
"""So much of what the model said before is read again: the end of it is what may go on."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the filters of one answer share."""

    echo: Echo
    trail: Trail


class MemorisedStage:
    """`stopping` ends at a passage, `cutting` cuts passages out; both are of the same indexes."""

    name = "regurgitation"

    def __init__(self, stopping: Watch, cutting: Watch, treatment: Treatment, turns: Turns) -> None:
        self._stopping = stopping
        self._cutting = cutting
        self._treatment = treatment
        self._turns = turns

    def on_request(self, prompt: Prompt, exchange: Exchange) -> Prompt:
        said = Said.in_prompt(prompt)
        echo = self._stopping.echo((*said.system, *said.others))
        person = (exchange.tenant, exchange.subject)
        before = joined(self._turns.last(person), self._carried(said.model, exchange, echo))
        exchange.keep(_Reading(echo, Trail(before, lambda end: self._turns.keep(person, end))))
        return prompt

    def _carried(self, earlier: Sequence[str], exchange: Exchange, echo: Echo) -> bytes:
        """Where the last turns have got to, as the client tells it. What was stopped is not in there."""
        carried = b""
        for text in _last(earlier, _HISTORY_CHARS):
            reader = self._cutting.open(echo, exchange.scopes, carried)
            reader.push(text)
            reader.flush()
            carried = joined(carried, reader.carry())
        return carried

    def open(self, exchange: Exchange, channel: Channel) -> StreamFilter:
        if self._treatment != "report" and (wordless := tokens(channel)) is not None:
            return wordless
        reading = exchange.kept(_Reading)
        if reading is None:
            raise RuntimeError("the prompt has not been read")

        def note() -> None:
            exchange.found("regurgitation", "passage", self._treatment)

        # A mark could end a string of JSON, so there an answer is stopped.
        if self._treatment == "redact" and not channel.is_json:
            return Cutting(self._cutting.open(reading.echo, exchange.scopes), reading.trail, note)
        reader = Followed(self._stopping.open(reading.echo, exchange.scopes), reading.trail)
        if self._treatment == "report":
            return Watching(reader, note)
        return Stopping(reader, RULE, note, again=self._treatment == "regenerate")


def _last(texts: Sequence[str], chars: int) -> list[str]:
    """The last texts, so many characters of them."""
    taken: list[str] = []
    for text in reversed(texts):
        taken.append(text[-chars:])
        chars -= len(text)
        if chars <= 0:
            break
    return taken[::-1]
