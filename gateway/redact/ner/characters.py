"""What the network may know of a character: its kind, its case, and its letter without case and accents.

The tables are built from Python's own Unicode data, so that no word ever needs to be remembered: reading a text is a
look-up by code point.
"""

import sys
import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

SPACE, LETTER, DIGIT, OTHER, DROPPED = 0, 1, 2, 3, 4
# Code points from here on are read as one character that is neither letter nor digit (emoji, rare scripts).
LIMIT = 0x1E000
# Scripts whose letters have no case and no accents: skipping them makes the tables ten times faster to build.
_PLAIN = ((0x3400, 0x9FFF), (0xA000, 0xA4CF), (0xAC00, 0xD7A3), (0x17000, 0x1B2FF))
_UNTOUCHED = ((0xD800, 0xF8FF), (0x10000, 0x16FFF), (0x1B300, 0x1D3FF), (0x1D800, LIMIT))
# Letters that Unicode does not take apart, written as their nearest letter.
_NEAREST = {"ß": "s", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "t", "æ": "a", "œ": "o", "ı": "i", "ħ": "h"}


class CharacterTables(NamedTuple):
    """One entry for every code point below `LIMIT`, and a last one for all others."""

    kind: npt.NDArray[np.uint8]  # one of SPACE, LETTER, DIGIT, OTHER, DROPPED
    upper: npt.NDArray[np.uint8]  # 1 for capital letters
    lower: npt.NDArray[np.uint8]  # 1 for small letters
    base: npt.NDArray[np.uint32]  # the letter without case and accents; 0 for white space


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)


def _kind(char: str) -> int:
    category = unicodedata.category(char)
    if char.isspace() or category in {"Zs", "Zl", "Zp"}:
        return SPACE
    if category in {"Mn", "Me", "Cf"}:
        return DROPPED
    if category[0] == "L" or category == "Mc":
        return LETTER
    return DIGIT if category == "Nd" else OTHER


def _base(char: str) -> int:
    """The first letter of the decomposed form in lower case."""
    low = unicodedata.normalize("NFKD", char)[:1].lower()[:1]
    return ord(_NEAREST.get(low, low)) if low else ord(char)


@cache
def character_tables() -> CharacterTables:
    """The tables; built once per process, in some 30 ms."""
    kind = np.full(LIMIT + 1, OTHER, np.uint8)
    upper, lower = np.zeros(LIMIT + 1, np.uint8), np.zeros(LIMIT + 1, np.uint8)
    base = np.arange(LIMIT + 1, dtype=np.uint32)
    for first, last in _PLAIN:
        kind[first : last + 1] = LETTER
    for code in range(min(LIMIT, sys.maxunicode)):
        if _within(code, _UNTOUCHED) or _within(code, _PLAIN):
            continue
        char = chr(code)
        kind[code] = of = _kind(char)
        if of == LETTER:
            upper[code], lower[code] = char.isupper() or char.istitle(), char.islower()
        if of in {LETTER, DIGIT}:
            base[code] = _base(char)
        elif of == SPACE:
            base[code] = 0
    return CharacterTables(kind, upper, lower, base)
