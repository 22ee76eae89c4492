"""A bounded queue in front of the upstream: so many requests are with the model, so many wait, all others are told at
once to come again. Tenants take turns, so that one with a thousand waiting requests does not keep one with a single
request waiting.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, Protocol

from gateway.errors import Overloaded
from gateway.pipeline.ports import Call, Upstream

_Waiter = asyncio.Future[None]


class Watch(Protocol):
    """Is told what happens to those who find no free place."""

    def waited(self, seconds: float) -> None:
        """Somebody waited so long and got a place."""
        ...

    def refused(self, reason: str) -> None:
        """`full`, `displaced` by a tenant with fewer, or `timeout`."""
        ...


class _Unwatched:
    def waited(self, seconds: float) -> None: ...

    def refused(self, reason: str) -> None: ...


class FairQueue:
    """Places at the model for one process. `places`: how many at a time; `waiting`: how many may wait, and for `wait_s`
    seconds. Not for threads.
    """

    def __init__(self, places: int, waiting: int, wait_s: float, watch: Watch | None = None) -> None:
        self._watch = watch or _Unwatched()
        self._free = places
        self._waiting = waiting
        self._wait_s = wait_s
        # Tenants in the order of their turns, each with its requests in the order in which they came.
        self._queues: OrderedDict[str, deque[_Waiter]] = OrderedDict()
        self._count = 0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._count

    @asynccontextmanager
    async def place(self, tenant: str) -> AsyncIterator[float]:
        """A place, for as long as the block lasts, and how long it took to get it, in seconds. Raises Overloaded: at
        once if too many wait, or after the time."""
        waited_s = await self._enter(tenant)
        try:
            yield waited_s
        finally:
            self._leave()

    async def _enter(self, tenant: str) -> float:
        if self._free and not self._count:
            self._free -= 1
            return 0.0
        began_s = time.monotonic()
        if self._count >= self._waiting:
            self._make_room(tenant)
        waiter: _Waiter = asyncio.get_running_loop().create_future()
        self._queues.setdefault(tenant, deque()).append(waiter)
        self._count += 1
        try:
            async with asyncio.timeout(self._wait_s):
                await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._leave()  # it was given a place in the very moment in which it went
            else:
                self._forget(tenant, waiter)
            if isinstance(error, TimeoutError):
                self._watch.refused("timeout")
                raise _overloaded() from None
            raise
        waited_s = time.monotonic() - began_s
        self._watch.waited(waited_s)
        return waited_s

    def _leave(self) -> None:
        """Give the place to the tenant whose turn it is."""
        while self._queues:
            tenant, queue = self._queues.popitem(last=False)
            waiter = queue.popleft()
            if queue:
                self._queues[tenant] = queue  # behind all others
            self._count -= 1
            if not waiter.done():
                waiter.set_result(None)
                return
        self._free += 1

    def _make_room(self, tenant: str) -> None:
        """The queue is full. Whoever has most in it gives way to a tenant with fewer; else there is no room."""
        largest = max(self._queues, key=lambda name: len(self._queues[name]), default=tenant)
        if len(self._queues.get(largest, ())) <= len(self._queues.get(tenant, ())) + 1:
            self._watch.refused("full")
            raise _overloaded()
        waiter = self._queues[largest].pop()
        self._count -= 1
        if not waiter.done():
            self._watch.refused("displaced")
            waiter.set_exception(_overloaded())

    def _forget(self, tenant: str, waiter: _Waiter) -> None:
        queue = self._queues.get(tenant)
        if queue is None or waiter not in queue:
            return
        queue.remove(waiter)
        self._count -= 1
        if not queue:
            del self._queues[tenant]


class QueuedUpstream:
    """An upstream that is asked by as many as there are places for."""

    def __init__(self, upstream: Upstream, queue: FairQueue) -> None:
        self._upstream = upstream
        self._queue = queue

    async def complete(self, call: Call) -> dict[str, Any]:
        """Raises what the upstream raises, and Overloaded."""
        async with self._queue.place(call.tenant) as waited_s:
            _note(call, waited_s)
            return await self._upstream.complete(call)

    async def stream(self, call: Call) -> AsyncGenerator[dict[str, Any]]:
        """Raises what the upstream raises, and Overloaded."""
        async with self._queue.place(call.tenant) as waited_s, aclosing(self._upstream.stream(call)) as events:
            _note(call, waited_s)
            async for event in events:
                yield event


def _note(call: Call, waited_s: float) -> None:
    if call.times is not None:
        call.times.queued_s = waited_s


def _overloaded() -> Overloaded:
    return Overloaded("The models have more requests than they can take; send this again in a moment.")
