"""Texts read behind their encodings, also when these are nested.

A *step* finds what of a text is written in one family of notations and what it means. Each step that finds something
makes a view, to which all steps are put again: at most three encodings deep, and within a budget of characters.
Notations that only shrink what they are undone in (percent, HTML, backslashes) may go on until the budget is spent.

What can be read further but may not (a fourth layer, a bomb that spends the budget) is a finding itself, ENCODED, over
the run: it is text that nobody looked into. What does not decode to clean text is no encoding and costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gateway.pipeline.span import Span
from gateway.redact.views.normal import folded, tagged
from gateway.redact.views.opaque import opaque
from gateway.redact.views.transparent import form, quoted_printable, written
from gateway.redact.views.view import ENCODED_SOURCE, Edit, View, edited

ENCODED = "ENCODED"
"""The entity type of what is encoded more deeply than it is read."""
MAX_DEPTH = 3
MAX_VIEWS = 24
_SPARE_CHARS = 64 * 1024
_UNREAD = ENCODED_SOURCE + "unread"


@dataclass(frozen=True, slots=True)
class _Step:
    """`layers`: by how much it brings a view nearer to the greatest depth. `closed`: unread is a finding."""

    edits: Callable[[str], Sequence[Edit]]
    layers: int
    closed: bool


_STEPS = (
    _Step(written, 0, closed=True),
    _Step(opaque, 1, closed=True),
    _Step(quoted_printable, 1, closed=False),
    _Step(form, 1, closed=False),
    _Step(tagged, 1, closed=False),
    _Step(folded, 0, closed=False),
)


def readings(base: View) -> list[View]:
    """`base` and every view that decoding it or folding its characters gives."""
    spare = 2 * len(base) + _SPARE_CHARS
    views, depths, seen = [base], [0], {base.text}
    # The list grows while it is walked: a view that was made is read like the first.
    for view, depth in zip(views, depths, strict=False):
        for step in _STEPS:
            edits = step.edits(view.text)
            if not edits:
                continue
            if depth + step.layers > MAX_DEPTH or spare <= 0 or len(views) > MAX_VIEWS:
                view.given += _unread(view.text, edits) if step.closed else ()
                continue
            made = edited(view, edits)
            if made.text not in seen:
                seen.add(made.text)
                spare -= len(made)
                views.append(made)
                depths.append(depth + step.layers)
    return views


def _unread(text: str, edits: Sequence[Edit]) -> Iterator[Span]:
    """One span for the edits of each word."""
    start, end = edits[0].start, edits[0].end
    for edit in edits[1:]:
        gap = text[end : edit.start]
        if gap and (len(gap) > 1 or gap.isspace()):
            yield Span(start, end, ENCODED, 1.0, _UNREAD)
            start = edit.start
        end = edit.end
    yield Span(start, end, ENCODED, 1.0, _UNREAD)
