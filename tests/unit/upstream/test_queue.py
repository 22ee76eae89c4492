"""The queue in front of the upstream: bounded, and fair to tenants."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import pytest

from gateway.errors import Overloaded
from gateway.upstream.queue import FairQueue


class Served:
    """Who had a place, in order, and how many at a time."""

    def __init__(self, queue: FairQueue) -> None:
        self.queue = queue
        self.order: list[str] = []
        self.now = self.most = 0
        self.open = asyncio.Event()

    async def request(self, tenant: str) -> None:
        async with self.queue.place(tenant):
            self.now += 1
            self.most = max(self.most, self.now)
            self.order.append(tenant)
            try:
                await self.open.wait()
                await asyncio.sleep(0)
            finally:
                self.now -= 1


async def all_of(*requests: Coroutine[Any, Any, None]) -> list[BaseException | None]:
    return await asyncio.gather(*requests, return_exceptions=True)


def test_no_more_than_the_places_at_a_time_and_each_in_its_turn() -> None:
    async def run() -> Served:
        served = Served(FairQueue(2, 1000, 10))
        many = [asyncio.create_task(served.request("many")) for _ in range(200)]
        await asyncio.sleep(0)
        one = asyncio.create_task(served.request("one"))
        await asyncio.sleep(0)
        served.open.set()
        await asyncio.gather(*many, one)
        return served

    served = asyncio.run(run())
    assert served.most == 2
    assert len(served.order) == 201
    # Two had places before it came, and it takes turns with whoever waits.
    assert served.order.index("one") <= 3


def test_a_full_queue_says_so_at_once() -> None:
    async def run() -> tuple[list[BaseException | None], int]:
        served = Served(FairQueue(1, 3, 10))
        asyncio.get_running_loop().call_soon(served.open.set)
        return await all_of(*(served.request("many") for _ in range(10))), served.queue.waiting

    answers, waiting = asyncio.run(run())
    assert sum(isinstance(answer, Overloaded) for answer in answers) == 6
    assert waiting == 0


def test_a_full_queue_has_room_for_a_tenant_with_fewer() -> None:
    async def run() -> tuple[list[str], list[BaseException | None]]:
        served = Served(FairQueue(1, 4, 10))
        many = [asyncio.create_task(served.request("many")) for _ in range(5)]
        await asyncio.sleep(0)
        one = asyncio.create_task(served.request("one"))
        await asyncio.sleep(0)
        served.open.set()
        return served.order, await asyncio.gather(*many, one, return_exceptions=True)

    order, answers = asyncio.run(run())
    assert order.count("one") == 1
    assert [isinstance(answer, Overloaded) for answer in answers] == [False] * 4 + [True, False]


def test_who_waits_too_long_is_told_so_and_leaves_no_trace() -> None:
    async def run() -> None:
        queue = FairQueue(1, 10, 0.02)
        async with queue.place("a"):
            with pytest.raises(Overloaded):
                async with queue.place("b"):
                    pass
            assert queue.waiting == 0
        async with queue.place("b"):
            pass

    asyncio.run(run())


class Seen:
    """What a queue tells."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.reasons: list[str] = []

    def waited(self, seconds: float) -> None:
        self.waits.append(seconds)

    def refused(self, reason: str) -> None:
        self.reasons.append(reason)


def test_it_tells_who_waited_and_why_somebody_was_refused() -> None:
    async def run() -> Seen:
        seen = Seen()
        queue = FairQueue(1, 1, 0.05, seen)

        async def ask(tenant: str) -> None:
            with suppress(Overloaded):
                async with queue.place(tenant):
                    await asyncio.sleep(0)

        async with queue.place("a") as waited_s:
            assert waited_s == 0
            await ask("b")  # until its time is over
            waiting = [asyncio.create_task(ask("b"))]
            await asyncio.sleep(0)
            await ask("b")  # there is no room
        await asyncio.gather(*waiting)
        return seen

    seen = asyncio.run(run())
    assert seen.reasons == ["timeout", "full"]
    assert len(seen.waits) == 1


def test_whoever_is_cancelled_at_whatever_moment_no_place_is_lost() -> None:
    async def run(seed: int) -> None:
        chance, queue = random.Random(seed), FairQueue(2, 50, 10)

        async def request(tenant: str) -> None:
            async with queue.place(tenant):
                for _ in range(chance.randrange(4)):
                    await asyncio.sleep(0)
                if chance.random() < 0.2:
                    raise ValueError("its own")

        tasks = [asyncio.create_task(request(chance.choice("abc"))) for _ in range(40)]
        for _ in range(30):
            await asyncio.sleep(0)
            chance.choice(tasks).cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert queue.waiting == 0
        async with queue.place("x"), queue.place("y"):
            pass

    for seed in range(200):
        asyncio.run(run(seed))
