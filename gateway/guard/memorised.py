"""Passages of protected documents in an answer, in whatever channel, choice or turn they come.

What the prompt itself says may be repeated, but not what the model said in earlier turns: that may be the first half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.guard.passages import Cutting, Stopping, Watching, tokens
from gateway.guard.regurgitation import Echo, Watch
from gateway.guard.said import Said
from gateway.guard.turns import Turns
from gateway.pipeline.channel import Channel
from gateway.pipeline.exchange import Exchange, Finding
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.stage import StreamFilter

RULE = "answers.regurgitation"
Treatment = Literal["block", "regenerate", "redact", "report"]
_HISTORY_CHARS = 4000
"""So much of what the model said before is read again: the end of it is what may go on."""


@dataclass(slots=True)
class _Reading:
    """What the filters of one answer share."""

    echo: Echo
    carried: bytes


class MemorisedStage:
    """`stopping` ends at a passage, `cutting` cuts passages out; both are of the same indexes."""

    def __init__(self, stopping: Watch, cutting: Watch, treatment: Treatment, turns: Turns) -> None:
        self._stopping = stopping
        self._cutting = cutting
        self._treatment = treatment
        self._turns = turns

    def on_request(self, prompt: Prompt, exchange: Exchange) -> Prompt:
        said = Said.in_prompt(prompt)
        echo = self._stopping.echo((*said.system, *said.others))
        exchange.keep(_Reading(echo, self._carried(said.model, exchange)))
        return prompt

    def _carried(self, earlier: Sequence[str], exchange: Exchange) -> bytes:
        """What the last turns ended with: as the client tells it, or as this process remembers it."""
        carried = b""
        for text in _last(earlier, _HISTORY_CHARS):
            reader = self._cutting.open(None, exchange.scopes, carried)
            reader.push(text)
            reader.flush()
            carried = reader.carry()
        return carried or self._turns.last((exchange.tenant, exchange.subject))

    def open(self, exchange: Exchange, channel: Channel) -> StreamFilter:
        if self._treatment != "report" and (wordless := tokens(channel)) is not None:
            return wordless
        reading = exchange.kept(_Reading)
        if reading is None:
            raise RuntimeError("the prompt has not been read")

        def carried(left: bytes) -> None:
            reading.carried = left
            self._turns.keep((exchange.tenant, exchange.subject), left)

        def note() -> None:
            exchange.findings.append(Finding("regurgitation", "passage", self._treatment, 1))

        # A mark could end a string of JSON, so there an answer is stopped.
        if self._treatment == "redact" and not channel.is_json:
            return Cutting(self._cutting.open(reading.echo, exchange.scopes, reading.carried), note, carried)
        reader = self._stopping.open(reading.echo, exchange.scopes, reading.carried)
        if self._treatment == "report":
            return Watching(reader, note, carried)
        return Stopping(reader, RULE, note, again=self._treatment == "regenerate", carried=carried)


def _last(texts: Sequence[str], chars: int) -> list[str]:
    """The last texts, so many characters of them."""
    taken: list[str] = []
    for text in reversed(texts):
        taken.append(text[-chars:])
        chars -= len(text)
        if chars <= 0:
            break
    return taken[::-1]
