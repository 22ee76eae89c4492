"""A store in this process's own memory: for one process without Redis, and what the tests hold Redis against."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from gateway.store.memory_limits import MemoryLimits
from gateway.store.port import (
    Correction,
    Demand,
    Lease,
    Place,
    StoreUnavailable,
    Taken,
    Trouble,
    Usage,
    check_prefix,
    check_topic,
    milliseconds,
)

OVERHEAD_BYTES = 700
"""What an entry costs beside its name and value on CPython: its places in four containers, and object headers."""
WAITING_MESSAGES = 1024
_SPARE_TIMES = 64


@dataclass(slots=True)
class _Entry:
    value: bytes
    until: float
    size: int


@dataclass(slots=True)
class _Mailbox:
    """What one subscriber has not yet read."""

    messages: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(WAITING_MESSAGES))
    lost: bool = False

    def deliver(self, message: bytes) -> None:
        try:
            self.messages.put_nowait(message)
        except asyncio.QueueFull:
            self.lost = True


class MemoryStore:
    """At most `max_bytes` of names, values and overhead: what is over goes first, then what was not used for longest.

    Limits are counted apart from that, so that no entry can push a counter out; see MemoryLimits for their bound.
    `clock` gives seconds and never goes back, `wall_clock` seconds since 1970.
    """

    def __init__(self, max_bytes: int, clock: Callable[[], float], wall_clock: Callable[[], float] = time.time) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._limits = MemoryLimits(clock, wall_clock)
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._owners: dict[str, dict[str, None]] = {}
        self._times: list[tuple[float, tuple[str, str]]] = []
        self._bytes = 0
        self._mailboxes: dict[str, list[_Mailbox]] = {}

    @property
    def size_bytes(self) -> int:
        """What counts towards the bound, the overhead included."""
        return self._bytes

    async def open(self) -> None:
        """Nothing to be done."""

    async def close(self) -> None:
        self._entries.clear()
        self._owners.clear()
        self._times.clear()
        self._bytes = 0
        self._limits.clear()

    async def get(self, place: Place) -> bytes | None:
        key = (place.owner, place.name)
        entry = self._alive(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry.value

    async def put(self, place: Place, value: bytes, ttl_s: float) -> None:
        until = self._clock() + milliseconds(ttl_s) / 1000
        self._keep((place.owner, place.name), bytes(value), until)

    async def delete(self, place: Place) -> bool:
        key = (place.owner, place.name)
        if self._alive(key) is None:
            return False
        self._drop(key)
        return True

    async def delete_all(self, owner: str, prefix: str = "") -> int:
        check_prefix(owner, prefix)
        self._drop_what_is_over()
        names = [name for name in self._owners.get(owner, ()) if name.startswith(prefix)]
        for name in names:
            self._drop((owner, name))
        return len(names)

    async def add(self, place: Place, amount: int, ttl_s: float) -> int:
        lifetime_s = milliseconds(ttl_s) / 1000
        key = (place.owner, place.name)
        entry = self._alive(key)
        try:
            total = amount + int(entry.value if entry else 0)
        except ValueError:
            raise StoreUnavailable(Trouble.FAILED) from None
        self._keep(key, b"%d" % total, entry.until if entry else self._clock() + lifetime_s)
        return total

    async def take(self, owner: str, demands: Sequence[Demand]) -> Taken:
        return await self._limits.take(owner, demands)

    async def settle(self, owner: str, corrections: Sequence[Correction]) -> None:
        await self._limits.settle(owner, corrections)

    def settle_now(self, owner: str, corrections: Sequence[Correction]) -> bool:
        return self._limits.settle_now(owner, corrections)

    async def renew(self, owner: str, leases: Sequence[Lease]) -> list[bool]:
        return await self._limits.renew(owner, leases)

    async def usage(self, owner: str | None = None) -> Usage:
        self._drop_what_is_over()
        if owner is None:
            return Usage(len(self._entries), self._bytes - OVERHEAD_BYTES * len(self._entries))
        check_prefix(owner, "")
        names = self._owners.get(owner, ())
        sizes = (self._entries[owner, name].size - OVERHEAD_BYTES for name in names)
        return Usage(len(names), sum(sizes))

    async def publish(self, topic: str, message: bytes) -> None:
        for mailbox in self._mailboxes.get(check_topic(topic), ()):
            mailbox.deliver(bytes(message))

    @asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[AsyncIterator[bytes]]:
        mailbox = _Mailbox()
        self._mailboxes.setdefault(check_topic(topic), []).append(mailbox)
        try:
            async with aclosing(_read(mailbox)) as messages:
                yield messages
        finally:
            rest = [other for other in self._mailboxes[topic] if other is not mailbox]
            if rest:
                self._mailboxes[topic] = rest
            else:
                del self._mailboxes[topic]

    def _alive(self, key: tuple[str, str]) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is not None and entry.until <= self._clock():
            self._drop(key)
            return None
        return entry

    def _keep(self, key: tuple[str, str], value: bytes, until: float) -> None:
        size = len(key[0]) + len(key[1]) + len(value) + OVERHEAD_BYTES
        if size > self._max_bytes:
            raise StoreUnavailable(Trouble.FULL)
        self._drop_what_is_over()
        old = self._entries.get(key)
        if old is not None:
            self._bytes -= old.size
            self._entries.move_to_end(key)
        while self._bytes + size > self._max_bytes:
            self._drop(next(iter(self._entries)))
        self._entries[key] = _Entry(value, until, size)
        self._owners.setdefault(key[0], {})[key[1]] = None
        self._bytes += size
        if old is None or old.until != until:
            self._remember_time(until, key)

    def _drop(self, key: tuple[str, str]) -> None:
        self._bytes -= self._entries.pop(key).size
        names = self._owners[key[0]]
        del names[key[1]]
        if not names:
            del self._owners[key[0]]

    def _remember_time(self, until: float, key: tuple[str, str]) -> None:
        heappush(self._times, (until, key))
        # Times of entries that are gone or were overwritten stay in the heap; half of them at most.
        if len(self._times) > 2 * len(self._entries) + _SPARE_TIMES:
            self._times = [(entry.until, key) for key, entry in self._entries.items()]
            heapify(self._times)

    def _drop_what_is_over(self) -> None:
        now = self._clock()
        while self._times and self._times[0][0] <= now:
            key = heappop(self._times)[1]
            entry = self._entries.get(key)
            if entry is not None and entry.until <= now:
                self._drop(key)


async def _read(mailbox: _Mailbox) -> AsyncGenerator[bytes, None]:
    while True:
        if mailbox.lost:
            raise StoreUnavailable(Trouble.FAILED)
        yield await mailbox.messages.get()
