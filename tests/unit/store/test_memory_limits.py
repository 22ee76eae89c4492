"""Limits in memory by themselves: their bound, what makes room, and clocks that go back."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from gateway.store.memory import OVERHEAD_BYTES, MemoryStore
from gateway.store.memory_limits import MemoryLimits
from gateway.store.port import (
    Budget,
    Calendar,
    Correction,
    Lease,
    Place,
    Rate,
    StoreUnavailable,
    Trouble,
)
from tests.unit.store.limit_model import Clock

DAY_MS = 86_400_000
MINUTE_MS = 60_000


def rate(number: int) -> Rate:
    return Rate(f"r{number}", 1, 1, MINUTE_MS)


async def granted(store: MemoryLimits, demand: Rate | Budget | Lease) -> bool:
    return (await store.take("o", [demand])).granted


async def test_no_counter_is_dropped_before_its_time_to_make_room() -> None:
    clock = Clock(0)
    store = MemoryLimits(clock, clock, most=100)
    for number in range(98):
        assert await granted(store, rate(number))
    # The last two places, of which a lease needs both.
    assert await granted(store, Lease("l", "a", 9, 2 * MINUTE_MS))
    for demand in (rate(100), Budget("b", 1, 9, Calendar.DAY), Lease("l", "b", 9, 1000)):
        with pytest.raises(StoreUnavailable) as caught:
            await store.take("o", [demand])
        assert caught.value.trouble is Trouble.FULL
    assert store.size == 100
    assert not any([await granted(store, rate(number)) for number in range(98)])
    clock.now_ms += MINUTE_MS
    assert await granted(store, rate(100))
    assert store.size == 3


async def test_given_back_leases_make_room() -> None:
    clock = Clock(0)
    store = MemoryLimits(clock, clock, most=2)
    lease = Lease("l", "a", 9, MINUTE_MS)
    for _ in range(10):
        assert await granted(store, lease)
        assert store.size == 2
        await store.settle("o", [Correction(lease)])
        assert store.size == 0


async def test_what_is_over_goes_by_and_by() -> None:
    clock = Clock(0)
    store = MemoryLimits(clock, clock)
    for number in range(100_000):
        clock.now_ms += 100
        await store.take("o", [rate(number), Lease(f"l{number}", "a", 1, 1000), Budget("b", 1, 10**6, Calendar.DAY)])
        assert store.size < 3000


async def test_entries_push_no_counter_out() -> None:
    store = MemoryStore(10 * OVERHEAD_BYTES, Clock(0), Clock(0))
    assert (await store.take("o", [rate(0)])).granted
    for number in range(100):
        await store.put(Place("o", f"n{number}"), b"x", 60)
    assert not (await store.take("o", [rate(0)])).granted
    await store.close()
    assert (await store.take("o", [rate(0)])).granted


async def test_clocks_that_go_back_start_nothing_twice() -> None:
    steady, wall = Clock(DAY_MS), Clock(10 * DAY_MS + 5)
    store = MemoryLimits(steady, wall)
    day = Budget("b", 1, 1, Calendar.DAY)
    assert await granted(store, day)
    assert await granted(store, rate(0))
    wall.now_ms -= DAY_MS
    steady.now_ms -= MINUTE_MS
    for _ in range(3):
        assert not await granted(store, day)
        assert not await granted(store, rate(0))
    wall.now_ms = 11 * DAY_MS
    assert await granted(store, day)
    steady.now_ms = DAY_MS + MINUTE_MS
    assert await granted(store, rate(0))
    wall.now_ms -= 1
    assert not await granted(store, day)


async def test_a_day_and_a_month_end_at_midnight_of_utc() -> None:
    steady, wall = Clock(0), Clock(1_709_164_800_000 - 1)  # 2024-02-28T23:59:59.999Z
    store = MemoryLimits(steady, wall)
    day, month = Budget("d", 1, 1, Calendar.DAY), Budget("m", 1, 2, Calendar.MONTH)
    taken = await store.take("o", [day, month])
    assert [grant.reset_ms for grant in taken.grants] == [1, DAY_MS + 1]
    wall.now_ms += 1
    taken = await store.take("o", [day, month])
    assert [grant.reset_ms for grant in taken.grants] == [DAY_MS, DAY_MS]
    wall.now_ms += DAY_MS - 1
    assert not (await store.take("o", [day, month])).granted
    wall.now_ms += 1
    taken = await store.take("o", [day, month])
    assert [grant.reset_ms for grant in taken.grants] == [DAY_MS, 31 * DAY_MS]


async def test_what_a_counter_costs() -> None:
    store = MemoryLimits(Clock(0), Clock(0))
    names = [f"token-{number:032}-requests" for number in range(10_000)]
    gc.collect()
    tracemalloc.start()
    for number, name in enumerate(names):
        await store.take(f"owner{number}", [Rate(name, 1, 60, MINUTE_MS)])
    real, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert real / len(names) < 500
