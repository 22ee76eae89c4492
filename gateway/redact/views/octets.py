"""Bytes that stand written in a text, as the characters that they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

MIN_CHARS = 6
"""Shorter texts hold no value that a detector would know."""
_CLEAN_SHARE = 0.85
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
_WORDS = re.compile(r"[0-9A-Za-z@]")


def characters(octets: bytes) -> Iterator[tuple[int, int, str]]:
    """Each character with the bytes [start, end) that it is made of: as UTF-8, or else one byte each (Latin-1)."""
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        yield from ((at, at + 1, chr(octet)) for at, octet in enumerate(octets))
        return
    at = 0
    for character in text:
        code = ord(character)
        length = 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4
        yield at, at + length, character
        at += length


def clean_text(octets: bytes) -> str | None:
    """The text that bytes are, if they are one: UTF-8, UTF-16 (as PowerShell's) or Latin-1, and nearly all printable.

    Keys, hashes, images and compressed bytes are none.
    """
    if len(octets) < MIN_CHARS:
        return None
    text = _decoded(octets)
    if text is None or len(text) < MIN_CHARS:
        return None
    unprintable = len(_UNPRINTABLE.findall(text))
    return text if unprintable <= (1 - _CLEAN_SHARE) * len(text) else None


def _decoded(octets: bytes) -> str | None:
    if wide := _utf16(octets):
        return octets.decode(wide, errors="replace")
    try:
        return octets.decode()
    except UnicodeDecodeError:
        text = octets.decode("latin-1")
        # Any bytes are Latin-1: here most of them have to be plain letters and digits.
        return text if len(_WORDS.findall(text)) >= 0.7 * len(text) else None


def _utf16(octets: bytes) -> str | None:
    if octets.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    half = len(octets) // 2
    if octets[1::2].count(0) >= 0.9 * half:
        return "utf-16-le"
    if octets[::2].count(0) >= 0.9 * half:
        return "utf-16-be"
    return None
