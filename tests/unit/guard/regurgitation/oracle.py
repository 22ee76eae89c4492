"""Folding, seeds and check codes once more, slowly and in Python: what the engine must agree with."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.guard.regurgitation.folding import SEPARATOR, SIZE, frozen

SEED, GAP, LONG_TOKEN, UNIT = 14, 5, 20, 5
_TABLE = frozen()
_MASK = (1 << 64) - 1
_DIGITS = "0123456789"
_TAGS = (
    "b i u s p em br hr li ul ol td th tr h1 h2 h3 h4 tt div sub sup pre code span strong small mark table text"
).split()
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "nbsp": " ", "apos": "'"}
_ESCAPE = re.compile(
    r"\\(?P<short>[nrt\"\\/])|\\u(?P<u>[0-9a-fA-F]{4})|\\x(?P<x>[0-9a-fA-F]{2})"
    r"|&(?P<name>amp|lt|gt|quot|nbsp|apos);|&\#(?P<dec>[0-9]{1,7});|&\#[xX](?P<hex>[0-9a-fA-F]{1,6});"
    rf"|%(?P<byte>[0-9a-fA-F]{{2}})|<(?P<tag>/?(?:{'|'.join(_TAGS)})/?)>",
    re.ASCII,
)


def siphash(key: bytes, message: bytes) -> int:
    """SipHash-2-4 of whole words of 8 bytes."""
    k0, k1 = (int.from_bytes(key[i : i + 8], "little") for i in (0, 8))
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    words = [int.from_bytes(message[i : i + 8], "little") for i in range(0, len(message), 8)]
    for word in [*words, len(message) % 256 << 56]:
        v[3] ^= word
        _rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xFF
    _rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _rounds(v: list[int], count: int) -> None:
    for _ in range(count):
        for a, b, turn, half in ((0, 1, 13, True), (2, 3, 16, False), (0, 3, 21, False), (2, 1, 17, True)):
            v[a] = (v[a] + v[b]) & _MASK
            v[b] = _left(v[b], turn) ^ v[a]
            if half:
                v[a] = _left(v[a], 32)


def _left(word: int, turn: int) -> int:
    return (word << turn | word >> (64 - turn)) & _MASK


def _undone(text: str) -> Iterator[int]:
    """Code points with escapes undone."""
    at = high = 0
    raw = bytearray()
    while at < len(text):
        found = _ESCAPE.match(text, at)
        if (
            not found
            or (found["dec"] and int(found["dec"]) > 0x10FFFF)
            or (found["hex"] and int(found["hex"], 16) > 0x10FFFF)
        ):
            raw.clear()
            yield ord(text[at])
            at += 1
            continue
        at = found.end()
        if found["byte"]:
            yield from _utf8(raw, int(found["byte"], 16))
            continue
        code = int(found["u"] or found["x"] or "0", 16)
        if found["u"] or found["x"]:
            if 0xD800 <= code < 0xDC00:
                high = code
                continue
            if 0xDC00 <= code < 0xE000 and high:
                code = 0x10000 + ((high - 0xD800) << 10) + code - 0xDC00
            high = 0
            yield code
        else:
            yield _simple(found)


def _simple(found: re.Match[str]) -> int:
    if short := found["short"]:
        return ord({"n": "\n", "r": " ", "t": " "}.get(short, short))
    if found["name"]:
        return ord(_NAMED[found["name"]])
    if found["dec"]:
        return int(found["dec"])
    return int(found["hex"], 16) if found["hex"] else ord(" ")


def _utf8(raw: bytearray, byte: int) -> Iterator[int]:
    """A code point if the byte ends one; what makes no sense is dropped."""
    if not raw:
        if byte < 0x80:
            yield byte
        elif 0xC2 <= byte < 0xF5:
            raw.append(byte)
        return
    if byte & 0xC0 != 0x80:
        raw.clear()
        return
    raw.append(byte)
    length = 2 if raw[0] < 0xE0 else 3 if raw[0] < 0xF0 else 4
    if len(raw) == length:
        code = raw[0] & (0x7F >> length)
        for more in raw[1:]:
            code = code << 6 | more & 63
        raw.clear()
        yield code


class _Folder:
    """Folds code points in turn; numbers of lists at a line's start are left out."""

    def __init__(self) -> None:
        self.symbols: list[int] = []
        self.starts: list[bool] = []
        self._line_start, self._token_open, self._number, self._dot = True, False, "", False

    def put(self, code: int) -> None:
        folded = _TABLE[code] if code < SIZE else SEPARATOR
        if not folded or (self._number and self._in_number(code)):
            return
        if folded == SEPARATOR:
            self._token_open = False
            self._line_start = self._line_start or code == ord("\n")
        elif self._line_start and not self._token_open and chr(code) in _DIGITS:
            self._number, self._line_start = chr(code), False
        else:
            self._line_start = False
            self._emit(folded)

    def end(self) -> None:
        """What was taken for a list's number is none."""
        for digit in self._number:
            self._emit(_TABLE[ord(digit)])
        if self._dot:
            self._token_open = False
        self._number, self._dot = "", False

    def _in_number(self, code: int) -> bool:
        if not self._dot and chr(code) in _DIGITS and len(self._number) < 3:
            self._number += chr(code)
            return True
        if not self._dot and chr(code) in ".)":
            self._dot = True
            return True
        if self._dot and chr(code) in " \t":
            self._number, self._dot = "", False
        else:
            self.end()
        return False

    def _emit(self, folded: int) -> None:
        while folded:
            self.symbols.append(folded & 255)
            self.starts.append(not self._token_open)
            self._token_open = True
            folded >>= 8


def fold(text: str) -> tuple[list[int], list[bool]]:
    """Symbols, and whether a word begins with each."""
    folder = _Folder()
    for code in _undone(text):
        folder.put(code)
    folder.end()
    return folder.symbols, folder.starts


def step(before: int, now: int) -> int:
    """From one symbol to the next."""
    if now > 26:
        return now
    return 26 if before == 0 or before > 26 else (now - before) % 26


def codes(symbols: list[int]) -> list[int]:
    """Two bits for every letter."""
    steps = [step(before, now) for before, now in zip([0, *symbols], symbols, strict=False)]
    return [(one ^ one >> 2 ^ one >> 4) & 3 for one in steps]


def seeds(key: bytes, symbols: list[int], starts: list[bool]) -> list[tuple[int, int]]:
    """Hashes and first letters of what is indexed, in order of the hash."""
    made = []
    last: int | None = None
    token = 0
    for i in range(len(symbols) - SEED + 1):
        if starts[i]:
            token = i
        begins = starts[i] or (i - token >= LONG_TOKEN and (i - token) % UNIT == 0)
        if not begins or (last is not None and i - last < GAP):
            continue
        steps = [step(symbols[k - 1], symbols[k]) for k in range(i + 1, i + SEED)]
        if len({one & 63 for one in steps}) < 4:
            continue
        made.append((siphash(key, bytes(steps).ljust(16, b"\0")), i))
        last = i
    return sorted(made)
