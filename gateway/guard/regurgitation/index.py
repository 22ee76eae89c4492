"""An index file, opened: mapped into memory, so that all workers of a host share it and opening takes no time.

A file is never changed in place. Whoever replaces one renames another to its name; processes that have the old one
open go on with it.
"""

from __future__ import annotations

import json
import mmap
import struct
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from gateway.guard.regurgitation.documents import Document, Passage
from gateway.guard.regurgitation.engine import native
from gateway.guard.regurgitation.keys import IndexKey, KeySource
from gateway.guard.regurgitation.layout import (
    NAMES_PER_BLOCK,
    PAGE,
    PLACE_BYTES,
    PUBLIC,
    REMOVED,
    ROW,
    SECTIONS,
    Header,
    damaged,
    digest_of,
    read_header,
)
from gateway.guard.regurgitation.parts import LETTERS_PER_BLOCK, Placed, slice_of
from gateway.guard.regurgitation.watch import Rule, Watch
from gateway.guard.regurgitation.writing import PartBytes, compose, spooled
from gateway.seal.errors import SealError
from gateway.settings import ConfigurationError


class Index:
    """Documents that must not leave. Reading it changes nothing; safe for threads."""

    def __init__(self, path: Path, header: Header, key: IndexKey, content: memoryview) -> None:
        """Use `open`."""
        self.path = path
        self.header = header
        self.key = key
        self._content = content
        views = {name: self._section(name) for name in SECTIONS}
        identity = int.from_bytes(header.salt[:8], "little")
        self.seed_key = key.seeds
        mask = 0xFFFF & ~(0xFFFF >> header.remainder)
        try:
            self.native = native.Index(
                self.seed_key,
                key.letters(header.salt),
                identity,
                header.bits,
                mask,
                views["offsets"],
                views["places"],
                views["codes"],
                views["table"],
            )
            self.scope_sets: tuple[tuple[str, ...], ...] = tuple(map(tuple, self._names(0)))
        except (ValueError, TypeError, struct.error, SealError):
            raise damaged(path) from None
        if len(views["table"]) != header.documents * ROW.size:
            raise damaged(path)

    @classmethod
    def open(cls, path: Path, keys: KeySource) -> Index:
        """Reads the header only. Raises ConfigurationError if the file is cut off, changed, of a newer version, or of
        another key; what stands in the sections is for `verify`."""
        try:
            with path.open("rb") as file:
                page = file.read(PAGE)
                size = file.seek(0, 2)
                header, key = read_header(path, page, size, keys)
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from None
        return cls(path, header, key, memoryview(mapped))

    # ------------------------------------------------------------------ what is in it
    @property
    def letters(self) -> int:
        """Room for letters: 32 for each block of codes."""
        return self.header.sections["codes"].size // 8 * LETTERS_PER_BLOCK

    def documents(self) -> tuple[Document, ...]:
        """Those that are not removed, in the order in which they were added. Opens all names."""
        return tuple(placed.document for _, placed in self.kept())

    def document(self, number: int) -> Document:
        """By its number. Opens one block of names. Raises ConfigurationError if the file is damaged."""
        _, _, scopes, flags = self._row(number)
        try:
            name = self._names(1 + number // NAMES_PER_BLOCK)[number % NAMES_PER_BLOCK]
            return Document(name, bool(flags & PUBLIC), self.scope_sets[scopes])
        except (IndexError, ValueError, TypeError, struct.error, SealError):
            raise damaged(self.path) from None

    def kept(self) -> Iterator[tuple[int, Placed]]:
        """Number, document and letters of all that are not removed. Raises ConfigurationError."""
        for first in range(0, self.header.documents, NAMES_PER_BLOCK):
            try:
                names = self._names(1 + first // NAMES_PER_BLOCK)
                for number, name in enumerate(names, first):
                    start, end, scopes, flags = self._row(number)
                    if not flags & REMOVED:
                        document = Document(name, bool(flags & PUBLIC), self.scope_sets[scopes])
                        yield number, Placed(document, start, end)
            except (IndexError, ValueError, TypeError, struct.error, SealError):
                raise damaged(self.path) from None

    def verify(self) -> None:
        """Reads everything. Raises ConfigurationError if a byte is not what was written."""
        for name in SECTIONS:
            section = self.header.sections[name]
            whole = self._content[section.offset : section.offset + section.padded]
            if digest_of(whole).hex() != section.digest:
                raise damaged(self.path)
        if not self.native.is_sound():
            raise damaged(self.path)
        for _ in self.kept():
            pass

    def check(
        self, text: str, rule: Rule | None = None, allow: Iterable[str] = (), scopes: Collection[str] = ()
    ) -> list[Passage]:
        """All passages of the documents in a text, in order. `allow`: texts that may be quoted."""
        return Watch((self,), rule or Rule(), allow=allow).passages(text, scopes)

    # ------------------------------------------------------------------ other files of it
    def removed(self, ids: Collection[str], path: Path) -> int:
        """Write the index without documents to a file, which may be its own. How many are gone.

        Nothing of theirs stays in the new file. Raises ConfigurationError if an id is not there.
        """
        gone = set(ids)
        source = IndexSource(self, gone)
        if missing := gone - source.left_out:
            raise ConfigurationError(f"{self.path}: has no document {sorted(missing)[0]!r}")
        compose(path, [source], self.key)
        return len(source.left_out)

    def added(self, parts: Iterable[PartBytes], path: Path) -> None:
        """Write the index and more documents to a file, which may be its own. A document that is there already is
        replaced. Raises ConfigurationError if parts were made with another key, or it becomes too large."""
        with spooled(parts, path, self.key) as more:
            new = {placed.document.id for part in more for placed in part.placed}
            compose(path, [IndexSource(self, new), *more], self.key)

    @staticmethod
    def merged(indexes: Sequence[Index], path: Path) -> None:
        """Write several indexes of one key as one file. Of documents with the same id the last index's is kept.

        Raises ConfigurationError if their keys differ or they are too large together.
        """
        if not indexes:
            raise ConfigurationError("no indexes were named to merge")
        key = indexes[0].key
        for index in indexes:
            if index.key != key:
                raise ConfigurationError(
                    f"{index.path}: was made with the key {index.key.id}, {indexes[0].path} with {key.id}; "
                    "build one of them again"
                )
        sources: list[IndexSource] = []
        later: set[str] = set()
        for index in reversed(indexes):
            source = IndexSource(index, later)
            later |= {placed.document.id for placed in source.placed}
            sources.insert(0, source)
        compose(path, sources, key)

    # ------------------------------------------------------------------ bytes
    def bounds(self, number: int) -> tuple[int, int]:
        """A document's first letter and the one after its last."""
        start, end, _, _ = self._row(number)
        return start, end

    def codes(self, block: int, count: int) -> bytes:
        """Of so many blocks of 32 letters, as they are in the file."""
        return bytes(self._section("codes")[block * 8 : (block + count) * 8])

    def _section(self, name: str) -> memoryview:
        section = self.header.sections[name]
        return self._content[section.offset : section.offset + section.size]

    def _row(self, number: int) -> tuple[int, int, int, int]:
        start, end, scopes, flags = ROW.unpack_from(self._section("table"), number * ROW.size)
        return start, end, scopes, flags

    def _names(self, number: int) -> list[str]:
        section = self._section("names")
        (count,) = struct.unpack_from("<I", section)
        if number >= count:
            raise ValueError("names")
        lengths = struct.unpack_from(f"<{number + 1}I", section, 4)
        start = 4 + 4 * count + sum(lengths[:-1])
        sealed = bytes(section[start : start + lengths[-1]])
        opened = json.loads(self.key.names(self.header.salt).open(sealed, number.to_bytes(4, "little")))
        if not isinstance(opened, list):
            raise TypeError("names")
        return opened

    def __repr__(self) -> str:
        return f"<Index of {self.header.documents} documents>"


class IndexSource:
    """What of an index goes into another file."""

    def __init__(self, index: Index, without: Collection[str]) -> None:
        """`without`: ids of documents that do not. `left_out`: those of them that are there."""
        self._index = index
        self.salt = index.header.salt
        self.letters_key = index.key.letters(self.salt)
        self.known = index.header.known
        self.placed: list[Placed] = []
        self.left_out: set[str] = set()
        for _, placed in index.kept():
            if placed.document.id in without:
                self.left_out.add(placed.document.id)
            else:
                self.placed.append(placed)

    @property
    def seed_count(self) -> int:
        return self._index.header.sections["places"].size // PLACE_BYTES

    @property
    def borders(self) -> list[tuple[int, int]]:
        """First letters and ends of all documents, kept or not."""
        return [self._index.bounds(number) for number in range(self._index.header.documents)]

    def seeds(self, number: int) -> bytes:
        """Those whose hash begins with the byte `number`."""
        bits = self._index.header.bits
        if bits >= 8:
            return self._index.native.seeds(number << (bits - 8), (number + 1) << (bits - 8))
        bucket = number >> (8 - bits)
        return slice_of(self._index.native.seeds(bucket, bucket + 1), number)

    def codes(self, block: int, count: int) -> bytes:
        """Of so many blocks of 32 letters."""
        return self._index.codes(block, count)
