"""Puts an index together from parts and other indexes, in bounded memory, and into place as a whole.

Parts hold their seeds in order of the hash, so the seeds of each 256th of all hashes are gathered, sorted and written
in turn: memory holds one of them at a time, and every byte is read once and written once. The file is written beside
its place, flushed to the disk and renamed; whatever happens before that, what was there before stays as it was.
"""

from __future__ import annotations

import array
import hashlib
import json
import os
import shutil
import struct
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from gateway.guard.regurgitation.engine import native
from gateway.guard.regurgitation.keys import DIGEST_BYTES, IndexKey
from gateway.guard.regurgitation.layout import (
    NAMES_PER_BLOCK,
    PAGE,
    PLACE_BYTES,
    PUBLIC,
    ROW,
    Header,
    Section,
    written_header,
)
from gateway.guard.regurgitation.parts import LETTERS_PER_BLOCK, SLICES, Part, Placed
from gateway.seal.files import keep_owner, sync_directory
from gateway.settings import ConfigurationError

PartBytes = bytes | Path
"""A part, or the file that it is in."""

_GONE = 2**64 - 1
_HASH_BITS = 64
_MOST_LETTERS = 2**32 - 1
_MOST_SCOPES = 2**16
_PLACES_PER_BUCKET = 12
_LEAST_REMAINDER = 8
_COPIED_BLOCKS = 1 << 17


class Source(Protocol):
    """Where documents of a new index come from. All numbers of letters are its own."""

    salt: bytes
    letters_key: bytes
    placed: list[Placed]
    known: int

    @property
    def borders(self) -> list[tuple[int, int]]: ...

    @property
    def seed_count(self) -> int: ...

    def seeds(self, number: int) -> bytes: ...

    def codes(self, block: int, count: int) -> bytes: ...


def write_index(path: Path, parts: Iterable[PartBytes], key: IndexKey) -> None:
    """Write an index of all documents of the parts, in their order. The same parts give the same file.

    Of documents with the same id the last is kept. Raises ConfigurationError if a part was made with another key, the
    index becomes too large, or the file cannot be written.
    """
    with spooled(parts, path, key) as read:
        compose(path, read, key)


@contextmanager
def spooled(parts: Iterable[PartBytes], path: Path, key: IndexKey) -> Iterator[list[Part]]:
    """Parts, read. Those that are bytes lie in a file without a name, which is gone when its process is."""
    try:
        with tempfile.TemporaryFile(dir=path.parent) as spool:
            found, files = [], []
            try:
                for part in parts:
                    if isinstance(part, Path):
                        files.append(part.open("rb"))
                        found.append(Part(files[-1], key))
                        continue
                    start = spool.seek(0, 2)
                    spool.write(part)
                    spool.seek(start)
                    found.append(Part(spool, key))
                yield found
            finally:
                for file in files:
                    file.close()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written ({error.strerror})") from None


def compose(path: Path, sources: Sequence[Source], key: IndexKey) -> None:
    """Write the documents of all sources. Raises ConfigurationError."""
    layout = _Layout(sources)
    salt = key.salt(layout.content())
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                header = _Writer(file, layout, key, salt).write()
                file.seek(0)
                file.write(written_header(header, key))
                file.flush()
                keep_owner(handle, path)
                if path.exists():
                    shutil.copymode(path, temporary)
                os.fsync(handle)
            os.replace(temporary, path)
            sync_directory(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written ({error.strerror})") from None


class _Layout:
    """Where the letters of each document go."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = sources
        self.placed: list[list[Placed]] = []
        last = {p.document.id: (i, k) for i, s in enumerate(sources) for k, p in enumerate(s.placed)}
        position = 0
        for i, source in enumerate(sources):
            moved = []
            for k, old in enumerate(source.placed):
                start = position
                if last[old.document.id] != (i, k):
                    start = _GONE
                else:
                    position += -(-(old.end - old.start) // LETTERS_PER_BLOCK) * LETTERS_PER_BLOCK
                moved.append(Placed(old.document, start, start + old.end - old.start))
            self.placed.append(moved)
        self.blocks = position // LETTERS_PER_BLOCK
        if position > _MOST_LETTERS:
            raise ConfigurationError("more than 4,294,967,295 letters: build several indexes and name them all")
        self.rows = [placed for moved in self.placed for placed in moved if placed.start != _GONE]
        sets = dict.fromkeys(((), *(tuple(sorted(placed.document.scopes)) for placed in self.rows)))
        self.scope_sets: list[tuple[str, ...]] = list(sets)
        if len(sets) > _MOST_SCOPES:
            raise ConfigurationError("more than 65,536 different sets of scopes: give documents the same sets")
        self._choose_bits()

    def _choose_bits(self) -> None:
        seeds = sum(source.seed_count for source in self.sources)
        self.bits = max(1, min(31, (max(1, -(-seeds // _PLACES_PER_BUCKET)) - 1).bit_length()))
        known = min((source.known for source in self.sources), default=_HASH_BITS)
        self.remainder = min(16, known - self.bits)
        if self.remainder < _LEAST_REMAINDER:
            raise ConfigurationError(
                "one of these indexes is much smaller than all together: add its documents by their texts instead"
            )

    def content(self) -> Iterator[bytes]:
        """What the file's salt is made of."""
        for source in self.sources:
            yield source.salt
        for placed in self.rows:
            document = placed.document
            yield json.dumps([document.id, document.public, document.scopes, placed.start, placed.end]).encode()

    def moves(self, number: int) -> tuple[bytes, bytes]:
        """First letters of a source's documents, as they were and as they are."""
        source = self.sources[number]
        moved = zip(source.placed, self.placed[number], strict=True)
        now = {(old.start, old.end): new.start for old, new in moved}
        return (
            _numbers(start for start, _ in source.borders),
            _numbers(now.get(border, _GONE) for border in source.borders),
        )


class _Writer:
    """Writes the sections of one file."""

    def __init__(self, file: BinaryIO, layout: _Layout, key: IndexKey, salt: bytes) -> None:
        self._file = file
        self._layout = layout
        self._key = key
        self._salt = salt
        self._sections: dict[str, Section] = {}

    def write(self) -> Header:
        """Everything but the header."""
        offsets = _Stream(self._file, PAGE)
        offsets_end = PAGE + _padded(((1 << self._layout.bits) + 1) * 4)
        self._sections["codes"] = self._codes(_Stream(self._file, offsets_end))
        self._sections["table"] = self._table(_Stream(self._file, self._end("codes")))
        self._sections["names"] = self._names(_Stream(self._file, self._end("table")))
        places = _Stream(self._file, self._end("names"))
        self._seeds(offsets, places)
        self._sections["offsets"], self._sections["places"] = offsets.close(), places.close()
        layout = self._layout
        size = self._end("places")
        self._file.truncate(size)
        return Header(self._key.id, self._salt, layout.bits, layout.remainder, len(layout.rows), size, self._sections)

    def _end(self, name: str) -> int:
        section = self._sections[name]
        return section.offset + section.padded

    def _codes(self, stream: _Stream) -> Section:
        letters_key = self._key.letters(self._salt)
        for source, moved in zip(self._layout.sources, self._layout.placed, strict=True):
            for first, count, now in _stretches(source.placed, moved):
                for at in range(0, count, _COPIED_BLOCKS):
                    size = min(_COPIED_BLOCKS, count - at)
                    codes = source.codes(first + at, size)
                    stream.write(native.recoded(codes, source.letters_key, first + at, letters_key, now + at))
        return stream.close()

    def _table(self, stream: _Stream) -> Section:
        numbers = {scopes: number for number, scopes in enumerate(self._layout.scope_sets)}
        for placed in self._layout.rows:
            document = placed.document
            scopes = numbers[tuple(sorted(document.scopes))]
            stream.write(ROW.pack(placed.start, placed.end, scopes, PUBLIC if document.public else 0))
        return stream.close()

    def _names(self, stream: _Stream) -> Section:
        rows, sealer = self._layout.rows, self._key.names(self._salt)
        blocks: list[list[str] | list[tuple[str, ...]]] = [self._layout.scope_sets]
        for first in range(0, len(rows), NAMES_PER_BLOCK):
            blocks.append([placed.document.id for placed in rows[first : first + NAMES_PER_BLOCK]])
        sealed = [sealer.seal(json.dumps(block).encode(), n.to_bytes(4, "little")) for n, block in enumerate(blocks)]
        stream.write(struct.pack(f"<{len(sealed) + 1}I", len(sealed), *map(len, sealed)))
        for block in sealed:
            stream.write(block)
        return stream.close()

    def _seeds(self, offsets: _Stream, places: _Stream) -> None:
        layout = self._layout
        moves = [layout.moves(number) for number in range(len(layout.sources))]
        bucket = count = 0
        for number in range(SLICES):
            found = [
                native.moved(source.seeds(number), *move) for source, move in zip(layout.sources, moves, strict=True)
            ]
            packed_offsets, packed, bucket = native.packed(b"".join(found), layout.bits, bucket, count)
            offsets.write(packed_offsets)
            places.write(packed)
            count += len(packed) // PLACE_BYTES
        rest = (1 << layout.bits) + 1 - bucket
        offsets.write(struct.pack("<I", count) * rest)


class _Stream:
    """A section that is written from its beginning to its end, beside others."""

    def __init__(self, file: BinaryIO, offset: int) -> None:
        self._file = file
        self._offset = offset
        self._size = 0
        self._digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
        self._pending = bytearray()

    def write(self, content: bytes) -> None:
        self._pending += content
        if len(self._pending) > 1 << 20:
            self._flush()

    def _flush(self) -> None:
        self._file.seek(self._offset + self._size)
        self._file.write(self._pending)
        self._digest.update(self._pending)
        self._size += len(self._pending)
        self._pending = bytearray()

    def close(self) -> Section:
        self._flush()
        size = self._size
        self.write(bytes(_padded(size) - size))
        self._flush()
        return Section(self._offset, size, self._digest.hexdigest())


def _stretches(old: Sequence[Placed], new: Sequence[Placed]) -> Iterator[tuple[int, int, int]]:
    """Blocks of codes that stay together: the first as it was, how many, the first as it is."""
    first = count = now = 0
    for before, after in zip(old, new, strict=True):
        if after.start == _GONE:
            continue
        here, there = before.start // LETTERS_PER_BLOCK, after.start // LETTERS_PER_BLOCK
        size = -(-(before.end - before.start) // LETTERS_PER_BLOCK)
        if count and here == first + count and there == now + count:
            count += size
            continue
        if count:
            yield first, count, now
        first, count, now = here, size, there
    if count:
        yield first, count, now


def _padded(size: int) -> int:
    return -(-size // PAGE) * PAGE


def _numbers(values: Iterable[int]) -> bytes:
    numbers = array.array("Q", values)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()
