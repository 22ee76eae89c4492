"""What the gateway needs of a store. Two things implement it, memory and Redis, and the same tests hold for both."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

_WORD = re.compile(r"[A-Za-z0-9_-]{1,128}")


class Trouble(StrEnum):
    """Why a store did not do what it was asked."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    DENIED = "denied"
    FULL = "full"
    READ_ONLY = "read_only"
    FAILED = "failed"
    SUSPENDED = "suspended"
    """Not asked at all, since it failed again and again a moment ago."""


class StoreUnavailable(Exception):
    """A store did not do what it was asked. It quotes neither keys, values, addresses nor passwords."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(f"the store: {trouble}")
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is kept. All places of one owner are kept together, and can be deleted together.

    Letters, digits, `_` and `-` only, at most 128 of them: what is secret in a name has to be hashed before.
    """

    owner: str
    name: str

    def __post_init__(self) -> None:
        if not (_WORD.fullmatch(self.owner) and _WORD.fullmatch(self.name)):
            raise ValueError("an owner and a name of letters, digits, _ and - are needed")


def milliseconds(ttl_s: float) -> int:
    """A time to live as stores take it, at least 1 ms. Raises ValueError if it is not more than 0."""
    if not ttl_s > 0:
        raise ValueError("a time to live of more than 0 seconds is needed")
    return max(1, round(ttl_s * 1000))


def check_topic(topic: str) -> str:
    """The topic. Raises ValueError if it is not of the letters that a Place may have."""
    if not _WORD.fullmatch(topic):
        raise ValueError("a topic of letters, digits, _ and - is needed")
    return topic


def check_prefix(owner: str, prefix: str) -> None:
    """Raises ValueError if no Place can have such an owner, or a name that begins so."""
    Place(owner, prefix or "_")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a store holds: how many entries, and the bytes of their owners, names and values."""

    entries: int
    size_bytes: int


class Store(Protocol):
    """Every method but `open` raises StoreUnavailable, and within milliseconds: nobody may wait for a store."""

    async def open(self) -> None:
        """Call it within the event loop that will use the store. A store that cannot be reached now is no error."""
        ...

    async def close(self) -> None: ...

    async def get(self, place: Place) -> bytes | None:
        """The value, or None if there is none or its time is over."""
        ...

    async def put(self, place: Place, value: bytes, ttl_s: float) -> None:
        """Keep a value for so many seconds, in the place of what was there."""
        ...

    async def delete(self, place: Place) -> bool:
        """Whether there was something."""
        ...

    async def delete_all(self, owner: str, prefix: str = "") -> int:
        """Delete what an owner has, or of it the names that begin so; gives how many entries that were."""
        ...

    async def add(self, place: Place, amount: int, ttl_s: float) -> int:
        """Add to a counter, atomically, and give its new value. Its time starts with its first addition."""
        ...

    async def usage(self, owner: str | None = None) -> Usage:
        """What the store holds, of one owner or of all. It may take long."""
        ...

    async def publish(self, topic: str, message: bytes) -> None:
        """Send to all who listen now. Nobody may be listening."""
        ...

    def subscribe(self, topic: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Messages of a topic from now on. The iterator raises StoreUnavailable when the connection breaks."""
        ...
