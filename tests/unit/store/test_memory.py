"""The memory store by itself: what it forgets, in which order, and that it never holds more than it may."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.store.memory import OVERHEAD_BYTES, WAITING_MESSAGES, MemoryStore
from gateway.store.port import Place, StoreUnavailable, Trouble, Usage

ENTRY = OVERHEAD_BYTES + len("o") + len("n0") + 10


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def place(number: int, owner: str = "o") -> Place:
    return Place(owner, f"n{number}")


async def held(store: MemoryStore, count: int) -> list[int]:
    names = {key[1] for key in store._entries}
    return [number for number in range(count) if f"n{number}" in names]


async def test_what_was_not_used_for_longest_goes_first() -> None:
    store = MemoryStore(3 * ENTRY, Clock())
    for number in range(3):
        await store.put(place(number), b"0123456789", 60)
    await store.get(place(0))
    await store.put(place(3), b"0123456789", 60)
    assert await held(store, 4) == [0, 2, 3]
    await store.put(place(2), b"9876543210", 60)
    await store.put(place(4), b"0123456789", 60)
    assert await held(store, 5) == [2, 3, 4]


async def test_what_is_over_goes_before_what_is_alive() -> None:
    clock = Clock()
    store = MemoryStore(3 * ENTRY, clock)
    await store.put(place(0), b"0123456789", 60)
    await store.put(place(1), b"0123456789", 5)
    await store.put(place(2), b"0123456789", 60)
    await store.get(place(1))
    clock.now += 5
    await store.put(place(3), b"0123456789", 60)
    assert await held(store, 4) == [0, 2, 3]


async def test_time_is_that_of_the_clock() -> None:
    clock = Clock()
    store = MemoryStore(10_000, clock)
    await store.put(place(0), b"x", 5)
    clock.now += 4.999
    assert await store.get(place(0)) == b"x"
    clock.now += 0.001
    assert await store.get(place(0)) is None
    assert store.size_bytes == 0


async def test_what_is_over_is_counted_no_more_and_takes_no_memory_when_anything_is_put() -> None:
    clock = Clock()
    store = MemoryStore(100_000, clock)
    for number in range(50):
        await store.put(place(number), b"x", 5 + number)
    clock.now += 29
    assert await store.usage() == Usage(25, sum(len(f"on{number}") + 1 for number in range(25, 50)))
    assert await store.usage("o") == await store.usage()
    clock.now += 100
    await store.put(place(99), b"x", 5)
    assert len(store._entries) == 1


async def test_a_value_larger_than_the_store_is_refused_and_changes_nothing() -> None:
    store = MemoryStore(2 * ENTRY, Clock())
    await store.put(place(0), b"0123456789", 60)
    for number in (0, 1):
        with pytest.raises(StoreUnavailable) as caught:
            await store.put(place(number), b"x" * 2 * ENTRY, 60)
        assert caught.value.trouble is Trouble.FULL
    assert await store.get(place(0)) == b"0123456789"


async def test_times_that_no_longer_hold_do_not_pile_up() -> None:
    store = MemoryStore(100_000, Clock())
    for turn in range(5000):
        await store.put(place(turn % 3), b"x", 10 + turn)
    assert len(store._times) < 200


async def test_a_subscriber_that_is_too_slow_is_told() -> None:
    store = MemoryStore(1000, Clock())
    async with store.subscribe("t") as slow, store.subscribe("t") as quick:
        for _ in range(WAITING_MESSAGES + 1):
            await store.publish("t", b"x")
            assert await anext(quick) == b"x"
        with pytest.raises(StoreUnavailable):
            await anext(slow)
    assert store._mailboxes == {}


async def test_the_overhead_is_what_an_entry_really_costs() -> None:
    store = MemoryStore(1 << 30, Clock())
    places = [place(number, f"owner{number}") for number in range(5000)]
    gc.collect()
    tracemalloc.start()
    for each in places:
        await store.put(Place("".join(each.owner), each.name), bytes(100), 60)
    real, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.5 * real < store.size_bytes < 2 * real


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 9), st.integers(0, 3000), st.integers(1, 20)),
        st.tuples(st.just("get"), st.integers(0, 9), st.just(0), st.just(0)),
        st.tuples(st.just("add"), st.integers(10, 12), st.integers(-5, 5), st.integers(1, 20)),
        st.tuples(st.just("delete"), st.integers(0, 12), st.just(0), st.just(0)),
        st.tuples(st.just("delete_all"), st.integers(0, 2), st.just(0), st.just(0)),
        st.tuples(st.just("wait"), st.just(0), st.integers(1, 15), st.just(0)),
    ),
    max_size=60,
)


@given(STEPS, st.integers(1, 10_000))
@settings(max_examples=150, deadline=None)
def test_the_bound_is_never_passed_and_no_wrong_value_is_given(
    steps: list[tuple[str, int, int, int]], bound: int
) -> None:
    asyncio.run(_walk(steps, bound))


async def _walk(steps: list[tuple[str, int, int, int]], bound: int) -> None:
    clock = Clock()
    store = MemoryStore(bound, clock)
    truth: dict[Place, tuple[bytes, float]] = {}
    for kind, number, amount, ttl in steps:
        where = place(number, f"o{number % 3}")
        if kind == "put":
            value = bytes([number]) * amount
            try:
                await store.put(where, value, ttl)
                truth[where] = value, clock.now + ttl
            except StoreUnavailable:
                assert amount + OVERHEAD_BYTES + 4 > bound
        elif kind == "get":
            value_or_none = await store.get(where)
            if value_or_none is not None:
                assert value_or_none == truth[where][0]
                assert clock.now < truth[where][1]
        elif kind == "add":
            try:
                await store.add(where, amount, ttl)
            except StoreUnavailable:
                assert bound < OVERHEAD_BYTES + 20
        elif kind == "delete":
            await store.delete(where)
            assert await store.get(where) is None
        elif kind == "delete_all":
            await store.delete_all(f"o{number}")
            assert await store.usage(f"o{number}") == Usage(0, 0)
        else:
            clock.now += amount
        assert store.size_bytes <= bound
        assert store.size_bytes == sum(entry.size for entry in store._entries.values())
        assert sum(map(len, store._owners.values())) == len(store._entries)
