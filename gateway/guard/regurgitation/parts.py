"""Batches of documents, hashed: what worker processes make and an index is put together from.

A part is a stretch of bytes (a file, or what a worker returns):

    magic        4 bytes   GRP1
    lengths      1 + 4     of the key's id; of the sealed description (little endian)
    key id
    salt        16 bytes   made of the texts
    description            sealed: documents, their first letters and ends, where the seeds of each 256th begin, digest
    codes                  2 bits for every letter, under a key of this part's
    seeds                  12 bytes each (hash, first letter), by hash
"""

from __future__ import annotations

import hashlib
import json
import struct
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from gateway.guard.regurgitation.documents import Document
from gateway.guard.regurgitation.engine import native
from gateway.guard.regurgitation.keys import DIGEST_BYTES, SALT_BYTES, IndexKey
from gateway.seal.errors import SealError
from gateway.settings import ConfigurationError

SEED_BYTES = 12
SLICES = 256
LETTERS_PER_BLOCK = 32
_MAGIC = b"GRP1"
_LENGTHS = struct.Struct("<BI")


@dataclass(frozen=True, slots=True)
class Placed:
    """A document and its letters: the first, a multiple of 32, and the one after the last."""

    document: Document
    start: int
    end: int


def part_of(key: IndexKey, batch: Sequence[tuple[Document, str]]) -> bytes:
    """Hash documents. The same batch gives the same bytes; about ten bytes for every word."""
    salt = key.salt(piece for document, text in batch for piece in _content(document, text))
    bounds, codes, seeds = native.part(key.seeds, key.letters(salt), [text for _, text in batch])
    placed = [[d.id, d.public, d.scopes, start, end] for (d, _), (start, end) in zip(batch, bounds, strict=True)]
    described = {"documents": placed, "slices": _slices(seeds), "digest": _digest(codes, seeds)}
    sealed = key.names(salt).seal(json.dumps(described).encode(), _MAGIC)
    name = key.id.encode()
    return b"".join((_MAGIC, _LENGTHS.pack(len(name), len(sealed)), name, salt, sealed, codes, seeds))


class Part:
    """A part that lies in a file from the current position on; its seeds and codes are read when they are needed."""

    def __init__(self, file: BinaryIO, key: IndexKey) -> None:
        """Raises ConfigurationError if it is not a part, is damaged, or was made with another key."""
        self._file = file
        self.known = 64
        """Bits of a hash that are known."""
        try:
            self._read_head(key)
        except (ValueError, KeyError, TypeError, struct.error, SealError):
            raise ConfigurationError("a part of the index is damaged, or was made with another key") from None
        self.letters_key = key.letters(self.salt)

    def _read_head(self, key: IndexKey) -> None:
        magic = self._file.read(4)
        name_length, sealed_length = _LENGTHS.unpack(self._file.read(_LENGTHS.size))
        name, self.salt = self._file.read(name_length), self._file.read(SALT_BYTES)
        if magic != _MAGIC or name != key.id.encode():
            raise ValueError
        described = json.loads(key.names(self.salt).open(self._file.read(sealed_length), _MAGIC))
        self.placed = [
            Placed(Document(name, public, tuple(scopes)), start, end)
            for name, public, scopes, start, end in described["documents"]
        ]
        self._slices: list[int] = described["slices"]
        last = max((placed.end for placed in self.placed), default=0)
        self._codes_at = self._file.tell()
        self._seeds_at = self._codes_at + -(-last // LETTERS_PER_BLOCK) * 8
        self.end = self._seeds_at + self._slices[-1] * SEED_BYTES
        if _digest(*self._bodies()) != described["digest"]:
            raise ValueError

    def _bodies(self) -> Iterator[bytes]:
        self._file.seek(self._codes_at)
        yield self._file.read(self._seeds_at - self._codes_at)
        yield self._file.read(self.end - self._seeds_at)

    @property
    def borders(self) -> list[tuple[int, int]]:
        """First letters and ends of all documents."""
        return [(placed.start, placed.end) for placed in self.placed]

    @property
    def seed_count(self) -> int:
        return self._slices[-1]

    def seeds(self, number: int) -> bytes:
        """Those whose hash begins with the byte `number`."""
        lo, hi = self._slices[number : number + 2]
        self._file.seek(self._seeds_at + lo * SEED_BYTES)
        return self._file.read((hi - lo) * SEED_BYTES)

    def codes(self, block: int, count: int) -> bytes:
        """Of so many blocks of 32 letters."""
        self._file.seek(self._codes_at + block * 8)
        return self._file.read(count * 8)


def _content(document: Document, text: str) -> Iterator[bytes]:
    yield json.dumps([document.id, document.public, document.scopes]).encode()
    yield text.encode("utf-8", "surrogatepass")


def slice_of(seeds: bytes, number: int) -> bytes:
    """Those of seeds in order whose hash begins with the byte `number`."""
    top = range(len(seeds) // SEED_BYTES)
    lo, hi = (bisect_left(top, n, key=lambda i: seeds[i * SEED_BYTES + 7]) for n in (number, number + 1))
    return seeds[lo * SEED_BYTES : hi * SEED_BYTES]


def _slices(seeds: bytes) -> list[int]:
    top = range(len(seeds) // SEED_BYTES)
    return [*(bisect_left(top, n, key=lambda i: seeds[i * SEED_BYTES + 7]) for n in range(SLICES)), len(top)]


def _digest(*bodies: bytes) -> str:
    hashed = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for body in bodies:
        hashed.update(body)
    return hashed.hexdigest()
