"""A text in which to look for values, and the way back from what was found in it to the text that somebody sent.

A view is made of pieces. Each shows a stretch of the text below it: of a request's segments for a root, of another view
for one that goes a step further (a base64 run within a percent-encoded word). What is found goes back step by step.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace as replace_fields
from typing import NamedTuple

from gateway.pipeline.span import Span

PLAIN = ""
"""The kind of a piece that is shown as it stands."""
_ALL_PLAIN = [PLAIN]
ENCODED_SOURCE = "encoded:"
"""How the sources of spans begin that only a decoded text shows."""
_WINDOW_CHARS = 160
"""How much of the text around a change is read together with it, when a long text is changed in few places."""
_WORD_CHARS = 80
_WHOLE_CHARS = 1000
"""Shorter texts are always shown whole."""


class Edit(NamedTuple):
    """Code points [start, end) of a text read as `text`; `kind` names the notation and becomes the source of spans."""

    start: int
    end: int
    text: str
    kind: str
    apart: bool = False
    """Whether it is a text for itself, not to be read together with what stands around it."""


class View:
    """Pieces of the text below and text of its own between them."""

    __slots__ = ("_at", "_ends", "_kinds", "_length", "_lengths", "_names", "_segments", "_starts", "_texts",
                 "given", "is_document", "parent", "reading")  # fmt: skip

    def __init__(self, parent: View | None = None) -> None:
        self.parent = parent
        self.is_document = False
        """Whether this is a JSON document's text, its escapes undone."""
        self.given: list[Span] = []
        """What is a finding of this view without any detector: runs that could not be read to the end."""
        self.reading = ""
        """A way of reading that is good for some findings only: see `digits.admits`."""
        self._texts: list[str] = []
        self._length = 0
        # A column for each field of a piece: a megabyte of `%41` has 300,000 of them.
        self._at, self._lengths = array("l"), array("l")
        self._segments, self._starts, self._ends = array("l"), array("l"), array("l")
        self._kinds = array("B")
        self._names = [PLAIN]

    @property
    def text(self) -> str:
        if len(self._texts) != 1:
            self._texts = ["".join(self._texts)]
        return self._texts[0]

    @property
    def last(self) -> int:
        """The last of the segments that it shows."""
        return max(self._segments, default=0) if self.parent is None else self.parent.last

    def __len__(self) -> int:
        return self._length

    def own(self, text: str) -> View:
        """Go on with text that shows nothing of what is below."""
        self._texts.append(text)
        self._length += len(text)
        return self

    def show(self, text: str, start: int, end: int, kind: str = PLAIN, segment: int = 0) -> View:
        """Go on with a text that shows [start, end) of what is below; one of equal length shows it one to one."""
        if text:
            self._at.append(self._length)
            self._lengths.append(len(text))
            self._segments.append(segment)
            self._starts.append(start)
            self._ends.append(end)
            if kind not in self._names:
                self._names.append(kind)
            self._kinds.append(self._names.index(kind))
            self._texts.append(text)
            self._length += len(text)
        return self

    @property
    def is_plain(self) -> bool:
        """Whether it shows one segment as it stands, perhaps after its label: by far the most texts do."""
        is_one = self.parent is None and len(self._at) == 1 and self._names == _ALL_PLAIN
        return is_one and self._ends[0] == self._lengths[0]

    @property
    def alone(self) -> int | None:
        """The segment that it shows as it stands, with nothing else, so that spans are where they are."""
        if not self.is_plain or self._length != self._lengths[0]:
            return None
        return self._segments[0]

    def found(self, span: Span) -> Iterable[tuple[int, Span]]:
        """The segments in which a span of this view lies, and where."""
        return self._shifted(span, self._at[0]) if self.is_plain else self._found(span)

    def _shifted(self, span: Span, by: int) -> Iterable[tuple[int, Span]]:
        start, end = max(0, span.start - by), min(self._lengths[0], span.end - by)
        if (start, end) == (span.start, span.end):
            return ((self._segments[0], span),)
        return ((self._segments[0], replace_fields(span, start=start, end=end)),) if start < end else ()

    def _found(self, span: Span) -> Iterator[tuple[int, Span]]:
        for segment, shown in self._below(span):
            if self.parent is None:
                yield segment, shown
            else:
                yield from self.parent.found(shown)

    def kinds(self, span: Span) -> set[str]:
        """The notations of the pieces that a span touches."""
        return {self._names[self._kinds[piece]] for piece in self._touched(span)}

    def _touched(self, span: Span) -> range:
        first = max(0, bisect_right(self._at, span.start) - 1)
        if first < len(self._at) and self._at[first] + self._lengths[first] <= span.start:
            first += 1
        return range(first, bisect_left(self._at, span.end, lo=min(first, len(self._at))))

    def _below(self, span: Span) -> Iterator[tuple[int, Span]]:
        touched = self._touched(span)
        at = touched.start
        while at < touched.stop:
            last = at
            while last + 1 < touched.stop and self._segments[last + 1] == self._segments[at]:
                last += 1
            start, end = self._start(at, span.start), self._end(last, span.end)
            kinds = {self._names[kind] for kind in self._kinds[at : last + 1]}
            yield self._segments[at], replace_fields(span, start=start, end=end, source=_source(span.source, kinds))
            at = last + 1

    def _is_one_to_one(self, piece: int) -> bool:
        return self._lengths[piece] == self._ends[piece] - self._starts[piece]

    def _start(self, piece: int, at: int) -> int:
        into = max(0, at - self._at[piece]) if self._is_one_to_one(piece) else 0
        return self._starts[piece] + into

    def _end(self, piece: int, at: int) -> int:
        if not self._is_one_to_one(piece):
            return self._ends[piece]
        return self._starts[piece] + min(self._lengths[piece], at - self._at[piece])


def _source(source: str, kinds: set[str]) -> str:
    """A decoded text says so even if it was read in further ways; for the rest the first notation below counts."""
    if source.startswith(ENCODED_SOURCE):
        return source
    for kind in sorted(kinds, key=lambda kind: (not kind.startswith(ENCODED_SOURCE), kind)):
        if kind != PLAIN:
            return kind
    return source


def edited(parent: View, edits: Sequence[Edit]) -> View:
    """`parent` with each (disjoint, ordered, at least one) edit made. A long text is shown around its edits only."""
    view, text, at = View(parent), parent.text, 0
    for edit in edits:
        _show_between(view, text, at, edit.start)
        if edit.apart:
            view.own(" ").show(edit.text, edit.start, edit.end, edit.kind).own(" ")
        else:
            view.show(edit.text, edit.start, edit.end, edit.kind)
        at = edit.end
    if len(text) - at > _WINDOW_CHARS and len(text) > _WHOLE_CHARS:
        end = _word_end(text, at + _WINDOW_CHARS)
        return view.show(text[at:end], at, end)
    return view.show(text[at:], at, len(text))


def _show_between(view: View, text: str, start: int, end: int) -> None:
    """What stands before an edit; of a long stretch only its two ends."""
    if len(text) > _WHOLE_CHARS and end - start > 2 * _WINDOW_CHARS + 2 * _WORD_CHARS:
        if start:
            stop = _word_end(text, start + _WINDOW_CHARS)
            view.show(text[start:stop], start, stop).own("\n\n")
        start = _word_start(text, end - _WINDOW_CHARS)
    if start < end:
        view.show(text[start:end], start, end)


def _word_end(text: str, at: int) -> int:
    """`at` or the end of the word in which it lies, if that is near: half a value may look like another one."""
    return next((i for i in range(at, min(len(text), at + _WORD_CHARS)) if text[i].isspace()), at)


def _word_start(text: str, at: int) -> int:
    return next((i for i in range(at, max(0, at - _WORD_CHARS), -1) if text[i - 1].isspace()), at)


def disjoint(edits: Iterable[Edit]) -> list[Edit]:
    """Edits in order; of two that overlap the first, or the longer one if they begin together."""
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        if not kept or edit.start >= kept[-1].end:
            kept.append(edit)
    return kept
