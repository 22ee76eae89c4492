"""The frozen table by which characters are folded, and how it was made.

An index outlives the Python that made it, and Unicode versions differ between Pythons: so the table ships as a file,
fold.bin (zlib; 0x20000 numbers u32, little endian), and is compiled into the engine. This module documents it and is
not used while the gateway runs. Changing the table changes all seeds: it would be a new version of the index.

A number is 0 for what is dropped (marks, format characters, apostrophes, emphasis), 0xFFFFFFFF for what separates
words, else up to four symbols, the first in the low byte: 1-26 for a-z, 27-36 for 0-9, 37-255 for other letters.
Characters are read by NFKD and full case folding, and as the Latin letters that they look like.
"""

from __future__ import annotations

import array
import sys
import unicodedata
import zlib
from importlib.resources import files

SIZE = 0x20000
SEPARATOR = 0xFFFFFFFF
_ALIKE = dict(
    zip(
        "асеорхуіјѕһԁԛԝАВЕКМНОРСТХУІЈЅαβγεηικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧıɡɑʟøłđħŧØŁĐ",
        "aceopxyijshdqwabekmhopctxyijsabyenikvoptuxabezhikmnoptyxigaloldhtold",
        strict=True,
    )
) | {"æ": "ae", "œ": "oe"}
_JOINING = frozenset("'’‘ʼ`´*~\u00b7\ufeff")


def frozen() -> array.array[int]:
    """The table that ships."""
    table = array.array("I", zlib.decompress((files(__package__) / "fold.bin").read_bytes()))
    if sys.byteorder == "big":
        table.byteswap()
    return table


def made() -> array.array[int]:
    """The table as this Python's Unicode data would make it."""
    return array.array("I", [_folded(code_point) for code_point in range(SIZE)])


def _folded(code_point: int) -> int:
    character = chr(code_point)
    category = unicodedata.category(character)
    if character in _JOINING or category in ("Mn", "Me", "Cf"):
        return 0
    if category in ("Cn", "Cs", "Co", "Cc"):
        return SEPARATOR
    once = _plain(_ALIKE.get(character, character))
    symbols = [_symbol(one) for one in _plain(once) if unicodedata.category(one)[0] in "LN"][:4]
    return sum(symbol << 8 * place for place, symbol in enumerate(symbols)) if symbols else SEPARATOR


def _plain(text: str) -> str:
    return "".join(_ALIKE.get(one, one) for one in unicodedata.normalize("NFKD", text).casefold())


def _symbol(character: str) -> int:
    if "a" <= character <= "z":
        return ord(character) - ord("a") + 1
    if "0" <= character <= "9":
        return ord(character) - ord("0") + 27
    return 37 + (ord(character) * 2654435761 >> 16) % 219
