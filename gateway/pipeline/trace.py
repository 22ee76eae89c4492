"""What the stages make of one text, step by step, for whoever looks at a text of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import Blocked
from gateway.pipeline.channel import Channel
from gateway.pipeline.exchange import Exchange
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.span import Span
from gateway.pipeline.stage import Chain, StreamFilter


@dataclass(frozen=True, slots=True)
class Replaced:
    """A span of a text, and what stands there for the model."""

    span: Span
    action: str
    by: str


@dataclass(slots=True)
class Trace:
    """Kept by an exchange that is looked at; it dies with it. Others keep none, and nothing is noted."""

    replaced: list[Sequence[Replaced]] = field(default_factory=list)
    """For each segment, in order."""


class Tap:
    """A stage that changes nothing and hears what passes. In front of the stage that puts values back, it hears only
    what all filters have let go."""

    def __init__(self) -> None:
        self.heard: dict[Channel, list[str]] = {}

    def on_request(self, prompt: Prompt, exchange: Exchange) -> Prompt:
        return prompt

    def open(self, exchange: Exchange, channel: Channel) -> StreamFilter:
        return _Listener(self.heard.setdefault(channel, []))


class _Listener:
    hold_chars = 0

    def __init__(self, heard: list[str]) -> None:
        self._heard = heard

    def push(self, text: str) -> str:
        self._heard.append(text)
        return text

    def flush(self) -> str:
        return ""


def inspected(chain: Chain, prompt: Prompt, exchange: Exchange) -> dict[str, Any]:
    """What the stages find in a prompt and make of it: `pieces` of its texts in order, and the rule that refuses it.

    A piece is `{"text"}`, or what was found with what stands there for the model (`becomes`). Raises what a stage
    raises, but Blocked.
    """
    trace = Trace()
    exchange.keep(trace)
    blocked = ""
    try:
        chain.on_request(prompt, exchange)
    except Blocked as error:
        blocked = error.rule
    finally:
        exchange.close()
    texts = [segment.text for segment in prompt.segments]
    replaced = trace.replaced if len(trace.replaced) == len(texts) else [()] * len(texts)
    pieces = [piece for text, found in zip(texts, replaced, strict=True) for piece in _pieces(text, found)]
    return {"pieces": pieces, "blocked": blocked}


def _pieces(text: str, replaced: Sequence[Replaced]) -> list[Mapping[str, Any]]:
    pieces: list[Mapping[str, Any]] = []
    at = 0
    for one in replaced:
        span = one.span
        if span.start > at:
            pieces.append({"text": text[at : span.start]})
        pieces.append(
            {
                "text": text[span.start : span.end],
                "entity": span.entity,
                "score": round(span.score, 2),
                "recognizer": span.source,
                "action": one.action,
                "becomes": one.by,
            }
        )
        at = span.end
    if at < len(text):
        pieces.append({"text": text[at:]})
    return pieces
