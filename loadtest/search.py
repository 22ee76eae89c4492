"""Finds canaries in bytes: as they were sent, with other separators, percent-encoded, and in base64.

Any match is a leak, whether anybody remembers the value or not. Digits must stand alone: hashes and times of logs hold
long rows of them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from loadtest.canaries import AFTER_HYPHEN, BANK_CODE, BEFORE_HYPHEN, CARD_PREFIX, DOMAIN, PHONE_PREFIX, luhn_sum

_PIECE_BYTES = 1 << 20
_OVERLAP_BYTES = 256
_GAP = rb"[ .\-]?"
_ESCAPED_BLANK = re.compile(rb"\\[nrt]")
_SEPARATORS = re.compile(r"[\s.\-]")


def _spaced(digits: str) -> bytes:
    return _GAP.join(digit.encode() for digit in digits)


_SURNAMES = "|".join((*BEFORE_HYPHEN, *AFTER_HYPHEN)).encode()
_MARKED = re.compile(
    rb"(?<![\w.+-])(?P<email>[\w.+-]++@" + re.escape(DOMAIN.encode()) + rb")"
    rb"|(?<![\w+])(?P<iban>DE"
    + _GAP
    + rb"\d"
    + _GAP
    + rb"\d"
    + _GAP
    + _spaced(BANK_CODE)
    + rb"(?:"
    + _GAP
    + rb"\d){10})"
    rb"|(?<![0-9A-Za-z])(?P<card>" + _spaced(CARD_PREFIX) + rb"(?:" + _GAP + rb"\d){10})(?![0-9A-Za-z])"
    rb"|(?<![0-9A-Za-z])(?P<phone>(?:\+|00)?49"
    + _GAP
    + _spaced(PHONE_PREFIX)
    + rb"(?:"
    + _GAP
    + rb"\d){7})(?![0-9A-Za-z])"
    rb"|(?<![A-Za-z])(?P<name>(?:[A-Z][a-z]+ )?(?:" + _SURNAMES + rb")(?:-(?:" + _SURNAMES + rb"))?)(?![A-Za-z])"
)


def _in_base64(mark: str) -> Iterator[bytes]:
    """What a text holds of a mark that is in base64 there, wherever the mark begins in the text."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + mark.encode())
        yield encoded[(0, 2, 3)[before] :].rstrip(b"=")[:-1]


_ENCODED = re.compile(
    b"|".join(re.escape(form) for mark in (DOMAIN, BANK_CODE, "4539 62") for form in _in_base64(mark))
)


@dataclass(frozen=True, slots=True)
class Found:
    """A value of a kind; numbers without their separators, so that equal ones are equal."""

    kind: str
    value: str


def found(raw: bytes) -> list[Found]:
    """All canaries, in the order in which they stand."""
    seen = [_read(match) for match in _MARKED.finditer(raw)]
    for undone in _undone(raw):
        seen += [one for match in _MARKED.finditer(undone) if (one := _read(match)) not in seen]
    seen += [Found("base64", match[0].decode()) for match in _ENCODED.finditer(raw)]
    return [one for one in seen if one is not None]


def _undone(raw: bytes) -> Iterator[bytes]:
    """The same without what may stand before a value and look like a part of it."""
    if b"%" in raw and (unquoted := unquote_to_bytes(raw)) != raw:
        yield unquoted
    if (unescaped := _ESCAPED_BLANK.sub(b" ", raw)) != raw:
        yield unescaped


def marked(raw: bytes) -> list[tuple[int, bytes]]:
    """Where values stand as they were sent, and how they are written there."""
    return [(match.start(), match[0]) for match in _MARKED.finditer(raw)]


def of_value(value: str) -> Found:
    """How a value looks when it is found."""
    return found(value.encode())[0]


def in_file(path: Path) -> list[Found]:
    """All canaries in a file of any length."""
    seen: list[Found] = []
    with path.open("rb") as file:
        rest = b""
        while piece := file.read(_PIECE_BYTES):
            seen += found(rest + piece)
            rest = piece[-_OVERLAP_BYTES:]
    return seen


def _read(match: re.Match[bytes]) -> Found | None:
    kind = match.lastgroup or ""
    text = match[0].decode("latin-1")
    if kind in ("email", "name"):
        return Found(kind, text)
    digits = _SEPARATORS.sub("", text).removeprefix("+").removeprefix("00")
    if kind == "card" and luhn_sum(digits) % 10:
        return None
    return Found(kind, digits)
