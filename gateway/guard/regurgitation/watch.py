"""Indexes, a rule and texts that may be quoted, together: what a filter is made of. Made once per worker.

A text that stands in no file, such as a system prompt, gets a small index of its own in memory: the same engine.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from struct import pack
from typing import Protocol

from gateway.guard.regurgitation.documents import Document, Passage
from gateway.guard.regurgitation.engine import native
from gateway.guard.regurgitation.layout import ROW
from gateway.settings import ConfigurationError

Filter = native.Filter
"""A stream filter for one text: push, flush, hold_chars; blocked, hit, passages(), carry()."""
Echo = native.SeedSet
"""Texts that an answer may quote, such as those of the prompt: `add(text)`."""

HOLD_CHARS = native.HOLD_CHARS
MARKER = "[withheld]"
"""What stands in the place of a passage that is cut out."""
_MOST_INDEXES = 8
_KEY_BYTES = 16
_KNOWN_SCOPES = 1024


@dataclass(frozen=True, slots=True)
class Rule:
    """When words are a passage.

    `words`: so many in a row, 4 to 32, as they are after folding. A run of single letters counts as one word for every
    five, and so does a token of more than 20 letters. `near`: also if most words of a stretch that is a half longer, or
    twice as long, are those of one document, in order: 22 of 24 or 26 of 32 for 16 words.
    """

    words: int = 16
    near: bool = True

    def __post_init__(self) -> None:
        if not 4 <= self.words <= 32:
            raise ConfigurationError("the words of a passage are 4 to 32")

    @property
    def windows(self) -> tuple[tuple[int, int], ...]:
        """Words looked at, and how many of them must match."""
        words = self.words
        short, long = words * 3 // 2, words * 2
        return (short, short - max(1, words // 8)), (long, long - max(2, words * 3 // 8))


class Searched(Protocol):
    """What a watch needs of an index."""

    native: native.Index
    scope_sets: tuple[tuple[str, ...], ...]

    def document(self, number: int) -> Document: ...


class Watch:
    """Finds passages of several indexes' documents. Safe for threads; its filters are for one thread at a time."""

    def __init__(
        self, indexes: Sequence[Searched], rule: Rule | None = None, *, allow: Iterable[str] = (), redact: bool = False
    ) -> None:
        """`allow`: texts that may be quoted. `redact`: cut passages out instead of stopping at the first.

        Raises ConfigurationError if there are more than 8 indexes.
        """
        if len(indexes) > _MOST_INDEXES:
            raise ConfigurationError(f"at most {_MOST_INDEXES} indexes are searched; `gateway index merge` joins some")
        self._indexes = tuple(indexes)
        self._rule = rule or Rule()
        self._redact = redact
        self._numbers = self._engine_rule(redact)
        # One key for the sets and the first index: a seed is hashed once for both.
        self._key = getattr(indexes[0], "seed_key", b"") if indexes else b""
        self._key = self._key or os.urandom(_KEY_BYTES)
        self._allow = self.echo(allow) if allow else None
        self._sources: dict[frozenset[str], tuple[tuple[native.Index, bytes], ...]] = {}

    @classmethod
    def of_text(cls, texts: Sequence[str], rule: Rule | None = None, *, redact: bool = False) -> Watch:
        """For texts in memory, numbered from 1 as documents. Some microseconds for a few hundred characters."""
        return cls((_Texts(texts),), rule, redact=redact)

    def echo(self, texts: Iterable[str] = ()) -> Echo:
        """What an exchange's answers may quote: once per exchange."""
        echo = Echo(self._key)
        for text in texts:
            echo.add(text)
        return echo

    def open(self, echo: Echo | None = None, scopes: Collection[str] = frozenset(), carried: bytes = b"") -> Filter:
        """A filter for one text of an answer.

        `scopes`: the principal's. `carried`: what the filter of an earlier text gave, so that a passage in pieces is
        seen. `push` gives what may leave; after a passage `blocked` is true, nothing more leaves, and `hit` is it. With
        `redact` the marker stands in its place, `blocked` stays false, and `hit` is the first.
        """
        return self._open(self._numbers, echo, scopes, carried)

    def passages(self, text: str, scopes: Collection[str] = frozenset(), echo: Echo | None = None) -> list[Passage]:
        """All passages of a text, in order."""
        reader = self._open(self._engine_rule(redact=True), echo, scopes, b"")
        reader.push(text)
        reader.flush()
        return reader.passages()

    def _engine_rule(self, redact: bool) -> tuple[int, int, int, int, int, int, int]:
        (short, short_hits), (long, long_hits) = self._rule.windows
        return self._rule.words, int(self._rule.near), short, short_hits, long, long_hits, int(redact)

    def _open(
        self,
        rule: tuple[int, int, int, int, int, int, int],
        echo: Echo | None,
        scopes: Collection[str],
        carried: bytes,
    ) -> Filter:
        sources = self._sources_for(frozenset(scopes))
        return Filter(sources, rule, echo, self._allow, carried, MARKER.encode(), partial(_passage, self._indexes))

    def _sources_for(self, scopes: frozenset[str]) -> tuple[tuple[native.Index, bytes], ...]:
        known = self._sources.get(scopes)
        if known is None:
            known = tuple((index.native, _readable(index.scope_sets, scopes)) for index in self._indexes)
            if len(self._sources) >= _KNOWN_SCOPES:
                self._sources.clear()
            self._sources[scopes] = known
        return known


class _Texts:
    """An index of texts in memory, under keys that nobody else has."""

    scope_sets: tuple[tuple[str, ...], ...] = ((),)

    def __init__(self, texts: Sequence[str]) -> None:
        self.seed_key, letters_key = os.urandom(_KEY_BYTES), os.urandom(_KEY_BYTES)
        bounds, codes, seeds = native.part(self.seed_key, letters_key, list(texts))
        bits = max(1, (len(seeds) // 144).bit_length())
        offsets, places, bucket = native.packed(seeds, bits, 0, 0)
        offsets += pack("<I", len(places) // 6) * ((1 << bits) + 1 - bucket)
        table = b"".join(ROW.pack(start, end, 0, 0) for start, end in bounds)
        identity = int.from_bytes(letters_key[:8], "little")
        self.native = native.Index(self.seed_key, letters_key, identity, bits, 0xFFFF, offsets, places, codes, table)

    def document(self, number: int) -> Document:
        return Document(str(number + 1))


def joined(older: bytes, newer: bytes) -> bytes:
    """What two texts carried on, as if one had come after the other: the newest of it, once."""
    size = native.CARRIED_BYTES
    ends = [carried[at : at + size] for carried in (newer, older) for at in range(len(carried) - size, -1, -size)]
    return b"".join(list(dict.fromkeys(ends))[: native.CARRIED_MOST][::-1])


def _readable(sets: Iterable[tuple[str, ...]], scopes: frozenset[str]) -> bytes:
    return bytes(not scopes.isdisjoint(one) for one in sets)


def _passage(
    indexes: Sequence[Searched], index: int, document: int, start: int, end: int, words: int, near: int
) -> Passage:
    return Passage(indexes[index].document(document), start, end, words, bool(near))
