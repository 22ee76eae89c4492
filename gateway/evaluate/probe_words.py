"""Texts as words, and what two texts have in common, in time that grows with their length and not with its square.

Words are what is left of a text after NFKC, case folding and the loss of all punctuation: a model that quotes in
capitals, with other dashes or on other lines has quoted. Ideographs and kana count one by one: nothing parts them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_ALONE = re.compile(f"[{_UNSPACED}]")
PIECES = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")
"""What a text is cut at when its beginning is given away: words as they stand, with their punctuation."""
_JOINING = "'\u2019\u02bc\uff07"


def words(text: str) -> list[str]:
    """The words of a text, in order."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return folded.translate({ord(char): _standing(char) for char in set(folded)}).split()


def _standing(char: str) -> str:
    """What stands for a character: itself in a word, nothing, or a gap."""
    category = unicodedata.category(char)
    if _ALONE.match(char):
        return f" {char} "
    if category[0] in "LNM":
        return char
    return "" if char in _JOINING or category == "Cf" else " "


def in_order(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words two texts have in common in the same order: the length of a longest common subsequence.

    By whole rows of bits: H. Hyyrö, "Bit-parallel LCS-length computation revisited" (2004).
    """
    places: dict[str, int] = {}
    for at, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << at
    every = (1 << len(one)) - 1
    row = every
    for word in other:
        met = row & places.get(word, 0)
        row = ((row + met) | (row - met)) & every
    return len(one) - row.bit_count()


def similarity(one: Sequence[str], other: Sequence[str]) -> float:
    """2 · common / (words of both), 0 to 1; 1 for equal texts. Words in another order do not count."""
    total = len(one) + len(other)
    return 2 * in_order(one, other) / total if total else 0.0


class Quoted:
    """All runs of words of one text (a suffix automaton), to read others against.

    A. Blumer et al., "The smallest automaton recognizing the subwords of a text" (1985).
    """

    def __init__(self, text: Sequence[str]) -> None:
        self._next: list[dict[str, int]] = [{}]
        self._shorter = [-1]
        self._length = [0]
        last = 0
        for word in text:
            last = self._grown(last, word)

    def _grown(self, last: int, word: str) -> int:
        new = self._state(self._length[last] + 1, {})
        at = last
        while at >= 0 and word not in self._next[at]:
            self._next[at][word] = new
            at = self._shorter[at]
        self._shorter[new] = 0 if at < 0 else self._ending(at, word)
        return new

    def _ending(self, at: int, word: str) -> int:
        """The state of the run that ends with this word after state `at`; a state of longer runs is split first."""
        longer = self._next[at][word]
        if self._length[longer] == self._length[at] + 1:
            return longer
        split = self._state(self._length[at] + 1, dict(self._next[longer]))
        self._shorter[split] = self._shorter[longer]
        self._shorter[longer] = split
        while at >= 0 and self._next[at].get(word) == longer:
            self._next[at][word] = split
            at = self._shorter[at]
        return split

    def _state(self, length: int, leads: dict[str, int]) -> int:
        self._next.append(leads)
        self._shorter.append(-1)
        self._length.append(length)
        return len(self._next) - 1

    def runs(self, text: Sequence[str]) -> Iterator[int]:
        """For each word of a text: how many words, it being the last, stand in the quoted one in a row."""
        at = length = 0
        for word in text:
            while at and word not in self._next[at]:
                at = self._shorter[at]
                length = self._length[at]
            if word in self._next[at]:
                at = self._next[at][word]
                length += 1
            yield length
