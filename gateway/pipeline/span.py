"""A piece of text that was found to be something, and the set operations that redaction needs on such pieces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """Code points [start, end) of a text hold a value of type `entity`. `score` is 0..1, `source` names the finder."""

    start: int
    end: int
    entity: str
    score: float
    source: str = ""

    @property
    def length(self) -> int:
        return self.end - self.start


def merge(spans: Iterable[Span]) -> list[Span]:
    """Disjoint spans in order, hiding every character that any given span hides.

    Spans that overlap become one over their union, so that no rest of a loser stays readable. The widest gives
    the type; among equals the higher score, then the name that sorts first, so that the result is the same
    whatever the order of the input.
    """
    merged: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            best = min(last, span, key=lambda s: (-s.length, -s.score, s.entity))
            merged[-1] = Span(last.start, max(last.end, span.end), best.entity, best.score, best.source)
        elif span.length > 0:
            merged.append(span)
    return merged


def replace(text: str, replacements: Iterable[tuple[Span, str]]) -> str:
    """`text` with each (disjoint, ordered) span exchanged for its replacement, and nothing else changed."""
    parts: list[str] = []
    position = 0
    for span, replacement in replacements:
        parts += (text[position : span.start], replacement)
        position = span.end
    parts.append(text[position:])
    return "".join(parts)
