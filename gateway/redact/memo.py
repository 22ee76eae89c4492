"""Chat clients send the whole conversation again with every turn: what was read once is not read again.

Kept are offsets and types of findings under a keyed hash of what was read, never a text. The key is made with the memo
and dies with it. Owners have entries of their own, so that nobody can tell from the time what others have sent.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.pipeline.ports import Clock

_ENTRY_BYTES = 300
_SPAN_BYTES = 160
Key = bytes
Reading = TypeVar("Reading")


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Reading]):
    reading: Reading
    until_s: float
    size: int


class Memo(Generic[Reading]):
    """Remembers what was found in a text, as a reading that nobody changes. Safe in several threads.

    `size`: bytes of all entries together, by estimate; the oldest go first. `ttl_s`: how long an entry lives.
    `spans_in`: how many spans a reading has.
    """

    def __init__(self, clock: Clock, *, size: int, ttl_s: float, spans_in: Callable[[Reading], int]) -> None:
        self._clock = clock
        self._size = size
        self._ttl_s = ttl_s
        self._spans_in = spans_in
        self._key = secrets.token_bytes(32)
        self._entries: OrderedDict[Key, _Entry[Reading]] = OrderedDict()
        self._used = 0
        self._lock = threading.Lock()

    def recall(self, owner: str, texts: Sequence[str], read: Callable[[list[str]], Iterable[Reading]]) -> list[Reading]:
        """What `read` finds in each text, without reading those that the owner has sent before.

        Raises what `read` raises; a failure is not remembered.
        """
        whose = self._whose(owner)
        keys = [_key_of(text, whose) for text in texts]
        known = self._known(keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            found = read(list(missing.values()))
            fresh = dict(zip(missing, found, strict=True))
            self._remember(fresh)
            known |= fresh
        return [known[key] for key in keys]

    def chain(self, owner: str, pieces: Iterable[str]) -> list[Key]:
        """For each piece the key of what it ends: of itself and all before it."""
        hashed = hashlib.blake2b(digest_size=32, key=self._whose(owner))
        keys = []
        for piece in pieces:
            hashed.update(_bytes(f"{len(piece)} {piece}"))
            keys.append(hashed.copy().digest())
        return keys

    def last(self, keys: Sequence[Key]) -> tuple[int, Reading] | None:
        """The last of the keys that is known: its place among them, and what was found."""
        with self._lock:
            self._forget_until(self._clock())
            for place in range(len(keys) - 1, -1, -1):
                if entry := self._entries.get(keys[place]):
                    return place, entry.reading
        return None

    def keep(self, key: Key, reading: Reading) -> None:
        """Remember what was found in what the key stands for."""
        self._remember({key: reading})

    def _whose(self, owner: str) -> bytes:
        return hashlib.blake2b(owner.encode(), digest_size=32, key=self._key).digest()

    def _known(self, keys: Sequence[Key]) -> dict[Key, Reading]:
        now = self._clock()
        with self._lock:
            self._forget_until(now)
            return {key: entry.reading for key in keys if (entry := self._entries.get(key))}

    def _remember(self, fresh: dict[Key, Reading]) -> None:
        until_s = self._clock() + self._ttl_s
        with self._lock:
            for key, reading in fresh.items():
                self._drop(key)
                size = _ENTRY_BYTES + _SPAN_BYTES * self._spans_in(reading)
                self._entries[key] = entry = _Entry(reading, until_s, size)
                self._used += entry.size
            while self._used > self._size:
                self._drop(next(iter(self._entries)))

    def _forget_until(self, now: float) -> None:
        """All entries live equally long, so the first ones are the first to go."""
        while self._entries and (first := next(iter(self._entries.items())))[1].until_s <= now:
            self._drop(first[0])

    def _drop(self, key: Key) -> None:
        if entry := self._entries.pop(key, None):
            self._used -= entry.size

    def __len__(self) -> int:
        return len(self._entries)


def _key_of(text: str, owner: bytes) -> Key:
    return hashlib.blake2b(_bytes(text), digest_size=32, key=owner).digest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
