"""The words of a request that matter, indexed once, so that thousands of values cost no more than one look-up each."""

from __future__ import annotations

import re
from collections.abc import Set
from itertools import accumulate

from gateway.pipeline.exchange import Deadline
from gateway.redact.conversation.folding import Folded

UNSPACED_SCRIPTS = 0x2E80
"""From here on scripts write words without spaces between them, so there are no word bounds to ask for."""
WORD = re.compile("[^\\W_\u2e80-\U0010ffff]+")
_APART = re.compile(f"({WORD.pattern})")
_PIECE_CHARS = 1 << 16


class Words:
    """A text, its folded form, and where those of its words stand in that which somebody will ask for."""

    def __init__(self, given: str, wanted: Set[str], deadline: Deadline, first: str = "", last: str = "") -> None:
        """`wanted`: the words to note, beside all that begin with a character of `first` or end with one of `last`.

        Raises DeadlineExceeded.
        """
        deadline.left()
        folded = Folded(given)
        self.given = given
        self.text = folded.text
        self.origin = folded.origin
        self.places: dict[str, list[int]] = {}
        at = 0
        while at < len(self.text):
            deadline.left()
            at = self._read(at, wanted, first, last)

    def _read(self, at: int, wanted: Set[str], first: str, last: str) -> int:
        """Note the words of a piece, which ends behind a word or where there is none; where the next one begins."""
        text, end = self.text, at + _PIECE_CHARS
        if end < len(text) and (cut := WORD.match(text, end)):
            end = cut.end()
        # Splitting is several times faster than looking for one word after the other.
        pieces = _APART.split(text[at:end])
        starts = list(accumulate(map(len, pieces), initial=at))
        for word, start in zip(pieces[1::2], starts[1::2], strict=False):
            if word in wanted or word[0] in first or (last and word[-1] in last):
                self.places.setdefault(word, []).append(start)
        return end


def words_of(key: str) -> list[tuple[str, int]]:
    """The words of a folded value and where they begin."""
    return [(match[0], match.start()) for match in WORD.finditer(key)]


def runs_on(left: str, right: str) -> bool:
    """Whether two neighbouring characters belong to one word."""
    return bool(left and right) and all(c.isalnum() and ord(c) < UNSPACED_SCRIPTS for c in (left, right))
