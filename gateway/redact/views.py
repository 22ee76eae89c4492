"""Other ways to read a request's texts, so that what stands in them is found as if it stood in plain words.

A text that is a JSON document is read with its escapes undone (`\\n` before a number would be a letter otherwise).
Beside the texts as they are, three kinds of views are read: with escapes undone (regular expressions, pasted code),
without the underscores and unspaced scripts that hide where words begin, and the parts of one message as one text.
What is found in a view is found in the segments that it shows.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_fields
from itertools import groupby

from gateway.pipeline.prompt import Kind, Segment
from gateway.pipeline.span import Span

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?|(.))", re.DOTALL)
_NAMED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_GLUE = re.compile(r"_+|[\u2e80-\ud7ff](?=[0-9A-Za-z+])|(?<=[0-9A-Za-z])[\u2e80-\ud7ff]")
IN_ESCAPES = "escapes"
"""The source of a span that only the text without its escapes shows."""
_JOINTS = ("", "\n")
_EDGE_CHARS = 256
"""How much of a part of a message is read together with the part beside it."""


Value = tuple[str, bool]
"""A value, and whether it is in the notation of its text: then it must not be escaped once more."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Characters of a view that show code points [start, end) of a segment. Pieces of equal length map one to one."""

    at: int
    length: int
    segment: int
    start: int
    end: int

    def shown(self, start: int, end: int) -> tuple[int, int]:
        """The code points of the segment that [start, end) of the view shows, as far as it lies in this piece."""
        if self.length != self.end - self.start:
            return self.start, self.end
        return self.start + max(0, start - self.at), self.start + min(self.length, end - self.at)


class View:
    """A text made of pieces of segments and of text of its own."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._pieces: list[_Piece] = []
        self._length = 0

    @property
    def text(self) -> str:
        return "".join(self._texts)

    def add(self, text: str, segment: int = -1, start: int = 0, end: int = 0) -> View:
        """Go on with a text, which shows [start, end) of a segment if one is given."""
        if text and segment >= 0:
            self._pieces.append(_Piece(self._length, len(text), segment, start, end))
        self._texts.append(text)
        self._length += len(text)
        return self

    def found(self, span: Span) -> Iterator[tuple[int, Span]]:
        """The segments in which a span of this view lies, and where."""
        first = max(0, bisect_right(self._pieces, span.start, key=lambda piece: piece.at) - 1)
        last = bisect_right(self._pieces, span.end - 1, key=lambda piece: piece.at)
        shown = [p for p in self._pieces[first:last] if p.at < span.end and p.at + p.length > span.start]
        for segment, pieces in groupby(shown, key=lambda piece: piece.segment):
            across = list(pieces)
            start, end = across[0].shown(span.start, span.end)[0], across[-1].shown(span.start, span.end)[1]
            source = IN_ESCAPES if end - start != span.length else span.source
            yield segment, replace_fields(span, start=start, end=end, source=source)


class Views:
    """All texts of a request in which to look for values. `texts` go to the detector, `back` brings its spans home."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._documents = frozenset(i for i, s in enumerate(segments) if "\\" in s.text and _is_document(s.text))
        self._count = len(segments)
        self._views = [self._base(i, s) for i, s in enumerate(segments)]
        self._views += (_unescaped(i, s) for i, s in enumerate(segments) if self._may_be_escaped(i, s))
        self._views += (_loosened(i, s) for i, s in enumerate(segments) if _GLUE.search(s.text))
        self._views += _joined(segments)
        self.texts = [view.text for view in self._views]

    def _base(self, index: int, segment: Segment) -> View:
        if index in self._documents:
            return _unescaped(index, segment)
        view = View()
        if segment.kind is not Kind.KEY and segment.label:
            view.add(f"{segment.label}: ")
        return view.add(segment.text, index, 0, len(segment.text))

    def _may_be_escaped(self, index: int, segment: Segment) -> bool:
        return index not in self._documents and "\\" in segment.text

    def back(self, found: Sequence[Iterable[Span]]) -> list[list[Span]]:
        """For each segment the spans that lie in it, in whatever view they were found."""
        spans: list[list[Span]] = [[] for _ in range(self._count)]
        for view, views_spans in zip(self._views, found, strict=True):
            for span in views_spans:
                for segment, shown in view.found(span):
                    spans[segment].append(shown)
        return spans

    def value(self, segment: int, span: Span, text: str) -> Value:
        """What a piece of a segment says: in a JSON document without its escapes, elsewhere as it is written there."""
        if segment in self._documents:
            return _ESCAPE.sub(_meant, text), False
        return text, span.source == IN_ESCAPES


def _is_document(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _meant(escape: re.Match[str]) -> str:
    if escape[3]:
        return _NAMED.get(escape[3], escape[3])
    if escape[2] and "d800" <= escape[1].lower() < "dc00":
        return chr(0x10000 + ((int(escape[1], 16) - 0xD800) << 10) + int(escape[2], 16) - 0xDC00)
    return chr(int(escape[1], 16)) + (chr(int(escape[2], 16)) if escape[2] else "")


def _unescaped(index: int, segment: Segment) -> View:
    view, text, at = View(), segment.text, 0
    for escape in _ESCAPE.finditer(text):
        view.add(text[at : escape.start()], index, at, escape.start())
        view.add(_meant(escape), index, escape.start(), escape.end())
        at = escape.end()
    return view.add(text[at:], index, at, len(text))


def _loosened(index: int, segment: Segment) -> View:
    text = _GLUE.sub(lambda match: " " * len(match[0]), segment.text)
    return View().add(text, index, 0, len(text))


def _joined(segments: Sequence[Segment]) -> Iterator[View]:
    """The texts of a message's parts as one text, as chat templates put them together, without their insides."""
    for message, group in groupby(enumerate(segments), key=lambda numbered: numbered[1].message):
        parts = list(group)
        if message is None or len(parts) < 2:
            continue
        for joint in _JOINTS:
            view = View()
            for index, segment in parts:
                _add_edges(view, index, segment.text)
                view.add(joint)
            yield view


def _add_edges(view: View, index: int, text: str) -> None:
    length = len(text)
    if length <= 2 * _EDGE_CHARS:
        view.add(text, index, 0, length)
        return
    view.add(text[:_EDGE_CHARS], index, 0, _EDGE_CHARS).add("\n\n")
    view.add(text[-_EDGE_CHARS:], index, length - _EDGE_CHARS, length)
