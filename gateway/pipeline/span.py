"""A piece of text that was found to be something, and the set operations that redaction needs on such pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter


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


_PLACE = attrgetter("start", "end")


def merge(spans: Iterable[Span], strictness: Callable[[str], int] = lambda _: 0) -> list[Span]:
    """Disjoint spans in order, hiding every character that any given span hides.

    Spans that overlap become one over their union, so that no rest of a loser stays readable. The type that is
    treated most strictly names it; among equals the widest, then the higher score, then the name that sorts first,
    so that the result is the same whatever the order of the input.
    """
    merged: list[Span] = []
    best: list[Span] = []

    def rank(span: Span) -> tuple[int, int, float, str]:
        return (-strictness(span.entity), -span.length, -span.score, span.entity)

    end = 0
    for span in sorted(spans, key=_PLACE):
        if span.start == span.end:
            continue
        if span.start < end:
            best[-1] = min(best[-1], span, key=rank)
            end = max(end, span.end)
            merged[-1] = _over(best[-1], merged[-1].start, end)
        else:
            merged.append(span)
            best.append(span)
            end = span.end
    return merged


def _over(span: Span, start: int, end: int) -> Span:
    if (span.start, span.end) == (start, end):
        return span
    return Span(start, end, span.entity, span.score, span.source)


def replace(text: str, replacements: Iterable[tuple[Span, str]]) -> str:
    """`text` with each (disjoint, ordered) span exchanged for its replacement, and nothing else changed."""
    parts: list[str] = []
    position = 0
    for span, replacement in replacements:
        parts += (text[position : span.start], replacement)
        position = span.end
    parts.append(text[position:])
    return "".join(parts)
