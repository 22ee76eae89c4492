"""What the gateway needs of a store. Two things implement it, memory and Redis, and the same tests hold for both."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
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


LARGEST_LIMIT = 10**10
LONGEST_MS = 100_000
"""A rate's limit times its period stays below 2**50, so that doubles, Redis's only numbers, hold it exactly."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Take `amount` of what is refilled at `limit` per period, evenly, up to `limit`.

    This is the generic cell rate algorithm (ITU-T I.371) in its form as a leaky bucket, not a sliding window: it needs
    two numbers whatever the limit, has no edge at which two windows' worth fit, and says to the millisecond when more
    will be granted. After a pause a whole `limit` is there at once; in any time t, no more than
    limit * (1 + t / period) is ever granted. All of it is whole numbers: what is taken is kept as amount * period, of
    which `limit` drains each millisecond, so nothing is rounded, and a limit that is changed keeps what was taken.
    A name always has the same period.
    """

    name: str
    amount: int
    limit: int
    period_ms: int


class Calendar(StrEnum):
    """What a budget is for: a day or a month of UTC, by the store's own clock."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Budget:
    """Take `amount` of `limit`, which is there anew when the next day or month begins."""

    name: str
    amount: int
    limit: int
    calendar: Calendar


@dataclass(frozen=True, slots=True)
class Lease:
    """Take one of `limit` places, until it is given back, or for so long: nobody has to give back what a crash left."""

    name: str
    id: str
    limit: int
    ttl_ms: int


Demand = Rate | Budget | Lease


@dataclass(frozen=True, slots=True)
class Grant:
    """What came of one demand. Times are in milliseconds from now."""

    remaining: int
    """What may still be taken, after this."""
    reset_ms: int
    """Until all of the limit is there again; of a lease, until the first one ends by itself."""
    wait_ms: int
    """0 if it was granted; otherwise when it could be at the earliest, or NEVER: it asks for more than the limit."""
    window: int
    """Which day or month a budget was taken from; 0 for others."""


NEVER = -1


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of several demands, in their order. Either all were granted, or nothing was taken."""

    grants: tuple[Grant, ...]
    now_ms: int
    """The store's time at which it was decided. Only differences mean something."""

    @property
    def granted(self) -> bool:
        return not any(grant.wait_ms for grant in self.grants)


@dataclass(frozen=True, slots=True)
class Correction:
    """Add `amount` (which may be below 0) to what was taken by a demand, or give the place of a lease back.

    Never below 0: what a rate has refilled in the meantime is not given a second time. `window` is that of the grant:
    what was taken from a day that is over changes nothing in the next.
    """

    demand: Demand
    amount: int = 0
    window: int = 0


def check_demands(owner: str, demands: Sequence[Demand]) -> None:
    """Raises ValueError for what no store could do exactly."""
    names = [demand.name for demand in demands]
    if len(set(names)) != len(names):
        raise ValueError("each demand needs a name of its own")
    if not all(map(_WORD.fullmatch, (owner, *names))):
        raise ValueError("an owner and names of letters, digits, _ and - are needed")
    for demand in demands:
        if not 0 < demand.limit <= LARGEST_LIMIT:
            raise ValueError(f"a limit from 1 to {LARGEST_LIMIT} is needed")
        if isinstance(demand, Lease):
            if not (0 < demand.ttl_ms < LARGEST_LIMIT and _WORD.fullmatch(demand.id)):
                raise ValueError("a lease needs an id of letters, digits, _ and -, and a time")
        elif demand.amount < 0:
            raise ValueError("an amount of at least 0 is needed")
        elif isinstance(demand, Rate) and not 0 < demand.period_ms <= LONGEST_MS:
            raise ValueError(f"a period from 1 to {LONGEST_MS} ms is needed")


class LimitStore(Protocol):
    """Counts what is used of limits, exactly, however many processes share it. It raises StoreUnavailable.

    What is counted here is never dropped before its time to make room for anything else, and neither
    `Store.delete_all` nor `Store.usage` knows of it.
    """

    async def take(self, owner: str, demands: Sequence[Demand]) -> Taken:
        """Take all, or nothing if one of them is refused, in one step. Not tried again by itself: if it raises, it may
        have been done all the same. Raises ValueError, see `check_demands`."""
        ...

    async def settle(self, owner: str, corrections: Sequence[Correction]) -> None:
        """Correct what was taken, in one step. Not tried again by itself either."""
        ...

    def settle_now(self, owner: str, corrections: Sequence[Correction]) -> bool:
        """The same, if it needs no waiting; false if it does, and nothing was done."""
        ...

    async def renew(self, owner: str, leases: Sequence[Lease]) -> list[bool]:
        """Let leases last for their time from now on; false for those that were over already, which stay so."""
        ...


class Store(LimitStore, Protocol):
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
