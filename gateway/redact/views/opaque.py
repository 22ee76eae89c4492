"""Notations in which no character of a value can be told by itself: base64, hexadecimal, base32, data: URLs.

A run of them is read as the text that it decodes to, in its place in the text around it, and what is found in it is the
whole run. Keys, hashes, images and long words decode to no clean text and are left alone.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence

from gateway.redact.pieces import pieces
from gateway.redact.views.octets import clean_text
from gateway.redact.views.view import Edit, disjoint

BASE64, HEX, BASE32, DATA_URL = "encoded:base64", "encoded:hex", "encoded:base32", "encoded:data-url"
_MIN_CHARS = 10
_RUN = re.compile(rf"[A-Za-z0-9+/_-]{{{_MIN_CHARS},}}={{0,6}}")
_RUN_HINT = re.compile(r"[A-Za-z0-9+/_=-]{12}")
_HINT_CHARS = 12
_HEX_DIGITS = re.compile(r"(?:0[xX])?((?:[0-9a-fA-F]{2}){6,})")
_BASE32 = re.compile(r"[A-Z2-7]{16,}")
# Each character below U+0080 that is printable begins with one of 2 to 7.
_HEX_PAIR = r"(?:0x|\\x)?[0-9a-fA-F]{2}"
_HEX_PAIRS = re.compile(
    rf"(?<![0-9a-zA-Z])(?:0x|\\x)?[2-7][0-9a-fA-F](?:[ ,:;-]{{1,2}}{_HEX_PAIR}){{5,}}(?![0-9a-zA-Z])"
)
_HEX_HINT = re.compile(rf"[2-7][0-9a-fA-F][ ,:;-]{{1,2}}{_HEX_PAIR}[ ,:;-]")
_NO_HEX = re.compile(r"0x|[^0-9a-fA-F]")
_WRAP = re.compile(r"""["'\\]?[ \t]*[+,]?[ \t]*\r?\n[ \t>]*["']?""")
_LAST_LINE = re.compile(rf"(?:{_WRAP.pattern})([A-Za-z0-9+/_-]+={{0,2}})(?![\w+/-])")
_PUNCTUATION = re.compile(r"[+/_-]")
_URL_SAFE = str.maketrans("-_", "+/")
_DATA_MARK = ";base64,"
_DATA_CHARS = 120
_WORD_CHARS = 24
_MIN_PART_CHARS = 16
_MAX_PATH_CHARS = 4096


def opaque(text: str) -> list[Edit]:
    """The runs of a text that decode to clean text, in order."""
    edits = list(_pairs(text))
    # Words are split faster than an expression finds out that none of them is long.
    if _longest_word(text) >= _HINT_CHARS and _RUN_HINT.search(text):
        runs = [(m.start(), m.end()) for m in _RUN.finditer(text) if not _is_word(m[0])]
        edits += [edit for group in _wrapped(text, runs) for edit in _read(text, group)]
    return disjoint(edits)


def _longest_word(text: str) -> int:
    return max(max(map(len, piece.split()), default=0) for piece in pieces(text))


def _is_word(run: str) -> bool:
    """A word of a language: base64 of a text has a capital or a digit within the first few characters."""
    return len(run) < _WORD_CHARS and run[1:].islower() and run.isalpha()


def _wrapped(text: str, runs: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Runs in groups: lines of equal length, one below the other, the last one maybe shorter, are one value."""
    group: list[tuple[int, int]] = []
    for start, end in runs:
        if group and not _goes_on(text, group, start, end):
            yield group
            group = []
        group.append((start, end))
    if group:
        yield group


def _goes_on(text: str, group: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    length, (last_start, last_end) = group[0][1] - group[0][0], group[-1]
    if last_end - last_start != length or end - start > length or start - last_end > _DATA_CHARS:
        return False
    return bool(_WRAP.fullmatch(text, last_end, start))


def _read(text: str, group: Sequence[tuple[int, int]]) -> Iterator[Edit]:
    last = _LAST_LINE.match(text, group[-1][1])
    if last and len(last[1]) <= group[0][1] - group[0][0]:
        lines = [*group, last.span(1)]
        decoded = _base64("".join(text[a:b] for a, b in lines))
        if decoded:
            yield _edit(text, group[0][0], last.end(), decoded, BASE64)
            return
    if len(group) > 1:
        found = _decoded("".join(text[a:b] for a, b in group))
        if found:
            yield _edit(text, group[0][0], group[-1][1], *found)
            return
    for start, end in group:
        yield from _single(text, start, end)


def _single(text: str, start: int, end: int) -> Iterator[Edit]:
    if found := _decoded(text[start:end]):
        yield _edit(text, start, end, *found)
    elif end - start <= _MAX_PATH_CHARS:
        # The last part of a path, or a key before the value: `v1/bWlu…`, `key_bWlu…`.
        at = start
        for part in _PUNCTUATION.split(text[start:end]):
            if len(part) >= _MIN_PART_CHARS and not _is_word(part) and (found := _decoded(part)):
                yield _edit(text, at, at + len(part), *found)
            at += len(part) + 1


def _edit(text: str, start: int, end: int, decoded: str, kind: str) -> Edit:
    """A data: URL is hidden with its head, which would be left without a meaning."""
    if text.endswith(_DATA_MARK, 0, start):
        head = text.rfind("data:", max(0, start - _DATA_CHARS), start)
        if head >= 0 and " " not in text[head:start]:
            return Edit(head, end, decoded, DATA_URL, apart=True)
    return Edit(start, end, decoded, kind, apart=True)


def _decoded(run: str) -> tuple[str, str] | None:
    if digits := _HEX_DIGITS.fullmatch(run):
        text = clean_text(bytes.fromhex(digits[1]))
        return (text, HEX) if text else None
    bare = run.rstrip("=")
    if _BASE32.fullmatch(bare) and (text := _base32(bare)):
        return text, BASE32
    text = _base64(run)
    return (text, BASE64) if text else None


def _base64(run: str) -> str | None:
    bare = run.rstrip("=").translate(_URL_SAFE)
    try:
        return clean_text(binascii.a2b_base64(bare + "=" * (-len(bare) % 4)))
    except binascii.Error:
        return None


def _base32(bare: str) -> str | None:
    try:
        return clean_text(base64.b32decode(bare + "=" * (-len(bare) % 8)))
    except binascii.Error:
        return None


def _pairs(text: str) -> Iterator[Edit]:
    if not _HEX_HINT.search(text):
        return
    for match in _HEX_PAIRS.finditer(text):
        if decoded := clean_text(bytes.fromhex(_NO_HEX.sub("", match[0]))):
            yield Edit(match.start(), match.end(), decoded, HEX, apart=True)
