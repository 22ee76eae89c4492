"""Cuts a text into tokens and describes every token by numbers, for the training; the gateway does the same in C.

Everything is arithmetic on whole arrays: no word of a text is kept anywhere, the cost does not depend on which words a
text holds, and it grows with its length only. A token is a run of letters, of digits, or of one other character.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gateway.redact.ner.characters import (
    DIGIT,
    DROPPED,
    LETTER,
    LIMIT,
    OTHER,
    SPACE,
    CharacterTables,
    character_tables,
)
from gateway.redact.ner.hashing import AROUND, ENDS, LENGTH, PLACES, TOKEN_LIMIT

WORD_BITS, AFFIX_BITS, TRIGRAM_BITS = 16, 13, 15
LENGTHS, GAPS = 8, 3
SHAPES = 64 * LENGTHS * GAPS * 2

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint32]

_SPREAD = np.uint32(0x9E3779B1)
_BEFORE, _AFTER = np.uint32(0x110001), np.uint32(0x110002)


class Tokens(NamedTuple):
    """Where the n tokens of a text are, and the text's characters as the features want them."""

    start: Ints  # (n,) code points
    end: Ints  # (n,) exclusive
    first: Ints  # (n,) where the token begins in `code`
    size: Ints  # (n,) its length in `code`
    letters: npt.NDArray[np.bool_]  # (n,) whether it is a run of letters
    gap: Ints  # (n,) 0: right after the token before, 1: after white space, 2: first in its line
    code: npt.NDArray[np.uint32]  # (c,) the code points without those that are invisible


class Features(NamedTuple):
    """The description of n tokens."""

    word: Hashes  # (n,) hash of the token without case and accents
    prefix: Ints  # (n,) of its first three characters
    suffix: Ints  # (n,) of its last three
    shape: Ints  # (n,) case, length, and what stands before it
    trigram: Ints  # (m,) of its characters with their neighbours within the token; 0 where there is none
    offset: Ints  # (n,) where a token's trigrams begin
    weight: npt.NDArray[np.float32]  # (n,) one over the square root of their number


def _scramble(hashes: Hashes) -> Hashes:
    """Makes every bit depend on every bit."""
    hashes = hashes ^ (hashes >> np.uint32(16))
    hashes = hashes * np.uint32(0x7FEB352D)
    hashes ^= hashes >> np.uint32(15)
    hashes *= np.uint32(0x846CA68B)
    return hashes ^ (hashes >> np.uint32(16))


def tokens(text: str) -> Tokens:
    """Cuts the text; the cost is linear in its length whatever it holds."""
    tables = character_tables()
    code = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    code = np.minimum(code, np.uint32(LIMIT))
    kind = tables.kind[code]
    place: Ints | None = None
    if (kind == DROPPED).any():
        place = np.flatnonzero(kind != DROPPED)
        code, kind = code[place], kind[place]
    if not len(code):
        none = np.zeros(0, np.int64)
        return Tokens(none, none, none, none, none > 0, none, code)
    begins = np.empty(len(kind), np.bool_)
    begins[0] = True
    np.not_equal(kind[1:], kind[:-1], out=begins[1:])
    begins[1:] |= (kind[1:] == OTHER) & (code[1:] != code[:-1])
    edges = np.flatnonzero(begins)
    ends = np.append(edges[1:], len(kind))
    solid = kind[edges] != SPACE
    first, last = edges[solid], ends[solid]
    line = np.cumsum(code == 10)[first]
    gap = np.full(len(first), 2, np.int64)
    gap[1:] = (first[1:] > last[:-1]).astype(np.int64) + (line[1:] > line[:-1])
    letters = kind[first] == LETTER
    if place is None:
        return Tokens(first, last, first, last - first, letters, gap, code)
    place = np.append(place, len(text))
    return Tokens(place[first], place[last], first, last - first, letters, gap, code)


def _shorten(code: npt.NDArray[np.uint32], first: Ints, size: Ints) -> tuple[npt.NDArray[np.uint32], Ints, Ints]:
    """The characters of the tokens alone, at most `TOKEN_LIMIT` of each, one token after another."""
    size = np.minimum(size, TOKEN_LIMIT)
    begin = np.cumsum(size) - size
    where = np.arange(int(size.sum())) + np.repeat(first - begin, size)
    return code[where], begin, size


def _ending(base: npt.NDArray[np.uint32], last: Ints, size: Ints) -> Hashes:
    """Of the last three characters of each token, of which `last` is where the very last stands."""
    found: Hashes = base[last] * ENDS[0]
    found += base[last - 1] * (ENDS[1] * (size > 1))
    found += base[np.maximum(last - 2, 0)] * (ENDS[2] * (size > 2))
    return found


def _shape(code: npt.NDArray[np.uint32], begin: Ints, size: Ints, gap: Ints, tables: CharacterTables) -> Ints:
    upper = tables.upper[code]
    capitals = np.add.reduceat(upper, begin, dtype=np.int64)
    small = np.add.reduceat(tables.lower[code], begin, dtype=np.int64)
    head = code[begin]
    kind = tables.kind[head].astype(np.int64)
    letters = kind == LETTER
    key = np.where(letters, 2 * (small > 0) + np.minimum(capitals, 2) * 4 + 16 * upper[begin], 32 + (kind == DIGIT))
    key += letters & (capitals == size)
    strange = np.maximum.reduceat(code, begin) > 127
    shape: Ints = ((key * LENGTHS + LENGTH[size].astype(np.int64)) * GAPS + gap) * 2 + strange
    return shape


def features(found: Tokens, begin: int = 0, end: int | None = None) -> Features:
    """Describes the tokens from `begin` to `end`; each depends on itself and the white space before it only."""
    tables = character_tables()
    first, length, gap = found.first[begin:end], found.size[begin:end], found.gap[begin:end]
    code, start, size = _shorten(found.code, first, length)
    base = tables.base[code]
    place = np.arange(len(code)) - np.repeat(start, size)
    mixed = base * _SPREAD
    mixed ^= mixed >> np.uint32(15)
    mixed *= PLACES[place]
    word = _scramble(np.add.reduceat(mixed, start, dtype=np.uint32) + length.astype(np.uint32))
    last = start + size - 1
    head = (
        mixed[start] + mixed[np.minimum(start + 1, last)] * (size > 1) + mixed[np.minimum(start + 2, last)] * (size > 2)
    )
    tail = _ending(base, last, size)
    long = np.flatnonzero(length > TOKEN_LIMIT)
    if len(long):
        cut = found.code[(first + length)[long][:, None] - np.array([3, 2, 1])].reshape(-1)
        tail[long] = _ending(tables.base[cut], np.arange(len(long)) * 3 + 2, np.full(len(long), 3))
    left, right = np.empty_like(base), np.empty_like(base)
    left[1:], right[:-1] = base[:-1], base[1:]
    left[start], right[last] = _BEFORE, _AFTER
    trigram = _scramble(left * AROUND[0] + base * AROUND[1] + right * AROUND[2])
    affix = np.uint32(32 - AFFIX_BITS)
    return Features(
        word=word,
        prefix=(_scramble(head) >> affix).astype(np.int64),
        suffix=(_scramble(tail) >> affix).astype(np.int64),
        shape=_shape(code, start, size, gap, tables),
        trigram=(trigram >> np.uint32(32 - TRIGRAM_BITS)).astype(np.int64),
        offset=start,
        weight=(1 / np.sqrt(size)).astype(np.float32),
    )
