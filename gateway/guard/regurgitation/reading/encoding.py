"""Bytes to text: by the mark at their beginning, else UTF-8, else the encoding that old Windows files are in.

Nothing is replaced on the way: a character lost in the middle of a passage would hide it.
"""

from __future__ import annotations

import codecs
import re

from gateway.guard.regurgitation.reading.extracted import Extracted, Unreadable

# Longest first: the mark of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LOOKED_AT = 2**16
_BINARY = "is binary, not text"
# C0 controls that no text has: not tab, line feed, vertical tab, form feed, return, or the escape of terminal colours.
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_HALVES = re.compile("[\ud800-\udfff]")


def decoded(raw: bytes) -> Extracted:
    """The text of `raw`. Raises Unreadable for what is none."""
    for mark, marked in _MARKS:
        if raw.startswith(mark):
            return Extracted(_strict(raw[len(mark) :], marked))
    if encoding := _unmarked_utf16(raw[:_LOOKED_AT]):
        return Extracted(_strict(raw, encoding), f"has no byte order mark; read as {encoding}")
    if _is_binary(raw):
        raise Unreadable(_BINARY)
    try:
        return Extracted(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return Extracted(_strict(raw, "cp1252"), "is not UTF-8; read as Windows-1252, convert it if that is wrong")


def declared(raw: bytes, encoding: str) -> Extracted:
    """The same for a format that can say its encoding; a mark goes over what is said, and what is no text by what is
    said is read as if nothing had been said."""
    if any(raw.startswith(mark) for mark, _ in _MARKS):
        return decoded(raw)
    try:
        name = codecs.lookup(encoding).name
        # A codec of the standard library that makes no text of bytes, such as zlib, is refused by `decode`.
        return Extracted(raw.decode(name))
    except (LookupError, ValueError):
        return decoded(raw)


def without_halves(text: str) -> str:
    """Without halves of surrogate pairs, which JSON can spell and no file can hold. The length stays."""
    return text if text.isascii() else _HALVES.sub("\ufffd", text)


def _strict(raw: bytes, encoding: str) -> str:
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        raise Unreadable(f"is neither UTF-8 nor {encoding} text") from None
    if "\0" in text:
        raise Unreadable(_BINARY)
    return text


def _unmarked_utf16(head: bytes) -> str | None:
    """In which order the bytes are, if every other one of most is zero, as in European text."""
    half = len(head) // 2
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = head[first::2].count(0)
        others = head[1 - first :: 2].count(0)
        if half and zeros > half * 0.6 and others == 0:
            return encoding
    return None


def _is_binary(raw: bytes) -> bool:
    if b"\0" in raw:
        return True
    head = raw[:_LOOKED_AT]
    return len(_CONTROLS.findall(head)) * 100 > len(head)
