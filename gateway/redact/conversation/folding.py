"""Texts in the one form in which values are compared, with the way back to where a character stood.

Letters are folded and composed, so that neither case nor NFC and NFD matter; apostrophes, hyphens and spaces have one
form each. Only the few characters that change a text's length need the way back, so plain texts cost next to nothing.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from types import MappingProxyType

from gateway.redact.pieces import matches, pieces

# A letter with combining marks, Hangul in pieces, and letters that casefold() makes into more than one.
_RESIZED = re.compile(
    "\\w[\u0300-\u036f\u3099\u309a]+"
    "|[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?"
    "|[ßİŉǰΐΰև\u1e96-\u1e9e\u1f50-\u1fff\ufb00-\ufb17]"
)
_SAME = MappingProxyType(
    {ord(c): to for to, many in {"'": "’‘ʼ′´＇", "-": "‐‑‒–", " ": "\u00a0\u202f\u2009\u2007"}.items() for c in many}
)


class Folded:
    """`text` is the folded form; `origin` finds the code points of the given text that a piece of it shows."""

    __slots__ = ("_ends", "_origins", "_starts", "text")

    def __init__(self, text: str) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._origins: list[tuple[int, int]] = []
        self.text = text.lower() if text.isascii() else self._fold(text)

    def _fold(self, text: str) -> str:
        folded_pieces: list[str] = []
        at = length = 0
        for match in matches(_RESIZED, text):
            folded_pieces.append(plain := _plain(text[at : match.start()]))
            length += len(plain)
            folded_pieces.append(folded := unicodedata.normalize("NFC", match[0]).casefold())
            self._starts.append(length)
            length += len(folded)
            self._ends.append(length)
            at = match.end()
            self._origins.append((match.start(), at))
        folded_pieces.append(_plain(text[at:]))
        return "".join(folded_pieces)

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Where [start, end) of the folded text comes from; a piece of a letter is the whole letter."""
        if not self._starts:
            return start, end
        first = bisect_right(self._starts, start) - 1
        if first >= 0:
            origin = self._origins[first]
            over = start - self._ends[first]
            start = origin[0] if over < 0 else origin[1] + over
        last = bisect_right(self._starts, end - 1) - 1
        if last >= 0:
            end = self._origins[last][1] + max(0, end - self._ends[last])
        return start, end


def _plain(text: str) -> str:
    return "".join(piece.translate(_SAME).casefold() for piece in pieces(text))


def folded(value: str) -> str:
    """A value in the form in which it is compared."""
    return value.lower() if value.isascii() else Folded(value).text
