"""What was found in one text of a request is hidden in all of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from gateway.pipeline.exchange import Deadline
from gateway.pipeline.span import Span

_MIN_CHARS = 3
_SURE_CHARS = 7
_SEPARATOR = "\x00"
# From here on scripts write words without spaces between them, so there are no word bounds to ask for.
_UNSPACED_SCRIPTS = 0x2E80


def spread(texts: Sequence[str], found: Sequence[Sequence[Span]], deadline: Deadline) -> list[list[Span]]:
    """`found` and, in every text, the further places where a found value stands literally.

    A value with a digit or an @ and at least seven characters counts wherever it stands; other values count as
    whole words only, so that a person called Ann is not found inside "Annual". Raises DeadlineExceeded.
    """
    values: dict[str, Span] = {}
    for text, spans in zip(texts, found, strict=True):
        for span in spans:
            values.setdefault(text[span.start : span.end], span)
    everywhere = [list(spans) for spans in found]
    if not values:
        return everywhere
    joined = _SEPARATOR.join(texts)
    starts = _starts(texts)
    for value, span in values.items():
        deadline.left()
        if len(value) < _MIN_CHARS or _SEPARATOR in value:
            continue
        for at in _places(joined, value):
            index = bisect_right(starts, at) - 1
            start = at - starts[index]
            everywhere[index].append(Span(start, start + len(value), span.entity, span.score, span.source))
    return everywhere


def _starts(texts: Iterable[str]) -> list[int]:
    starts, at = [], 0
    for text in texts:
        starts.append(at)
        at += len(text) + len(_SEPARATOR)
    return starts


def _places(joined: str, value: str) -> Iterable[int]:
    anywhere = len(value) >= _SURE_CHARS and any(c.isdigit() or c == "@" for c in value)
    at = joined.find(value)
    while at >= 0:
        end = at + len(value)
        if anywhere or not (_runs_on(joined[at - 1 : at], value[0]) or _runs_on(value[-1], joined[end : end + 1])):
            yield at
        at = joined.find(value, at + 1)


def _runs_on(left: str, right: str) -> bool:
    """Whether two neighbouring characters belong to one word."""
    return all(c.isalnum() and ord(c) < _UNSPACED_SCRIPTS for c in (left, right) if c) and bool(left and right)
