"""Texts as one byte a character, such that what a pattern matches can be said in bytes.

ASCII stays what it is. The few other characters that a pattern without regard to case takes for an ASCII letter share
the byte of that letter; all the rest share one byte per kind: digit, other word character, white space, anything else.
Which bytes a piece of a pattern may match is asked of the `regex` library, over all characters that a byte shows. So
the bytes are never fewer than the characters, whatever Unicode version the library follows, and no encoding can fail:
half of a surrogate pair is a character as well.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import regex

_ASCII = 128
_CODE_POINTS = 0x110000
# A piece of a pattern made of ASCII characters alone, not of all but some: what it matches is ASCII or alike.
_ASCII_ONLY = re.compile(
    r"(?:\(\?-?i:)?(?:\[(?!\^))?(?:[^\\\[\]^.\x80-\U0010ffff]|\\[^0-9A-Za-z\x80-\U0010ffff])+\]?\)?"
)
_KINDS = (r"\d", r"[^\W\d]", r"\s", r"[^\w\s]")


@dataclass(frozen=True, slots=True)
class Alphabet:
    """`shown`: for each byte all the characters that it shows. `table`: the byte of each code point."""

    shown: tuple[str, ...]
    table: npt.NDArray[np.uint8]

    def encode(self, text: str) -> bytes:
        """One byte for each character."""
        if text.isascii():
            return text.encode("ascii")
        return self.table[_code_points(text)].tobytes()


@lru_cache(maxsize=1)
def alphabet() -> Alphabet:
    """The same for all patterns; made once in a process, which takes a fifth of a second."""
    rest = "".join(map(chr, range(_ASCII, _CODE_POINTS)))
    shown = [chr(byte) for byte in range(_ASCII)]
    shown += ["".join(regex.findall(f"{kind}+", rest)) for kind in _KINDS]
    for letter in string.ascii_letters:
        shown[ord(letter)] += "".join(regex.findall(letter, rest, flags=regex.IGNORECASE))
    table = np.zeros(_CODE_POINTS, np.uint8)
    # Letters come last, so that what is taken for one has its byte and not that of its kind.
    for byte in reversed(range(len(shown))):
        table[_code_points(shown[byte])] = byte
    return Alphabet(tuple(shown), table)


def _code_points(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


@lru_cache(maxsize=4096)
def bytes_of(source: str, flags: int) -> frozenset[int]:
    """The bytes that show some character that `source`, the pattern of one character, matches."""
    compiled = regex.compile(source, flags=flags)
    shown = alphabet().shown
    asked = shown[:_ASCII] if _ASCII_ONLY.fullmatch(source) else shown
    return frozenset(byte for byte, characters in enumerate(asked) if compiled.search(characters))
