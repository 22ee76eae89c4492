"""Long texts are read in overlapping windows, so that time grows with length alone and other requests get their turn.

Each window is cut at white space and reads further than its own part, by more than any finding or context is long:
what is found is what the uncut text would show. A finding that reaches the end of its window all the same is looked at
again in a window that reads further.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_fields

from gateway.pipeline.exchange import Deadline
from gateway.pipeline.ports import Detector
from gateway.pipeline.span import Span

OWN_CHARS = 16_384
"""How much of a text a window answers for."""
BEFORE_CHARS = 2_048
"""What is read before it: more than the words that count as context of a finding."""
AFTER_CHARS = 4_096
"""What is read after it: more than the longest findings (keys in PEM blocks) have characters."""
_MOST_CHARS_AFTER = 8 * AFTER_CHARS
"""Where findings are longer still, each window hides its part of them."""
_SEARCHED_CHARS = 512
_LINE = re.compile(r"\n")
_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class Window:
    """Code points [start, end) of a text are read, [own_start, own_end) are answered for."""

    start: int
    end: int
    own_start: int
    own_end: int


def windows(text: str) -> Iterator[Window]:
    """Windows whose own parts are the whole text, in order and disjoint."""
    length, start = len(text), 0
    while start < length:
        end = length if length - start <= OWN_CHARS else _bound(text, start + OWN_CHARS)
        yield Window(
            _bound(text, start - BEFORE_CHARS) if start > BEFORE_CHARS else 0,
            _bound(text, end + AFTER_CHARS) if end + AFTER_CHARS < length else length,
            start,
            end,
        )
        start = end


def _bound(text: str, at: int) -> int:
    """A place near `at`, not before it, where a line or at least a word begins; `at` itself where there is none."""
    for boundary in (_LINE, _SPACE):
        if found := boundary.search(text, at, at + _SEARCHED_CHARS):
            return found.end()
    return at


class WindowedDetector:
    """Reads long texts in windows with one detector, and whole with another: layout has no bounds."""

    def __init__(self, windowed: Detector, whole: Detector, entities: frozenset[str] = frozenset()) -> None:
        """`entities`: all types that the two can name."""
        self.entities = entities
        self._windowed = windowed
        self._whole = whole

    def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
        """Raises what the detectors raise."""
        layout = self._whole.detect(texts, deadline)
        return [spans + self._read(text, deadline) for spans, text in zip(layout, texts, strict=True)]

    def _read(self, text: str, deadline: Deadline) -> list[Span]:
        if len(text) <= OWN_CHARS:
            return self._windowed.detect([text], deadline)[0]
        spans: list[Span] = []
        for window in windows(text):
            deadline.left()
            spans += self._read_window(text, window, deadline)
        return list(dict.fromkeys(spans))

    def _read_window(self, text: str, window: Window, deadline: Deadline) -> list[Span]:
        own, is_cut = self._own(text, window, deadline)
        if is_cut:
            further = replace_fields(window, end=min(len(text), window.own_end + _MOST_CHARS_AFTER))
            own, _ = self._own(text, further, deadline)
        return own

    def _own(self, text: str, window: Window, deadline: Deadline) -> tuple[list[Span], bool]:
        """What was found in the window's own part, and whether any of it may go on behind the window."""
        start, end = window.start, window.end
        found = self._windowed.detect([text[start:end]], deadline)[0]
        moved = (replace_fields(span, start=start + span.start, end=start + span.end) for span in found)
        # Also what begins before its part and reaches into it: of an endless finding nobody else sees the middle.
        own = [span for span in moved if span.start < window.own_end and span.end > window.own_start]
        return own, end < len(text) and any(span.end == end for span in own)
