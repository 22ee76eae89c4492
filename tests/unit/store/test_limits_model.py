"""Limits in memory and in Redis do what a slow model does, in every number, whatever is asked and whenever."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.store import redis
from gateway.store.memory_limits import MemoryLimits, window_end_ms
from gateway.store.port import LARGEST_LIMIT, LONGEST_MS, Budget, Calendar, Correction, Demand, Lease, LimitStore, Rate
from gateway.store.redis import RedisStore
from gateway.store.redis_scripts import WINDOW
from tests.support.redis import RedisServer
from tests.unit.store.limit_model import Clock, ClockedRedis, Model, end_of

pytestmark = pytest.mark.xdist_group("store-redis")

# Around the ends of days, months, years and of the longest and the shortest February.
EDGES = [
    int(datetime(*day, tzinfo=UTC).timestamp()) * 1000
    for day in ((2024, 2, 29), (2024, 3, 1), (2023, 3, 1), (2100, 3, 1), (2000, 3, 1), (2025, 1, 1), (2025, 5, 1))
]
MOMENTS = st.one_of(
    st.integers(0, 4_102_444_800_000 * 3),
    st.builds(lambda edge, off: edge + off, st.sampled_from(EDGES), st.integers(-3, 3)),
)
LIMITS = st.one_of(st.integers(1, 20), st.integers(1, LARGEST_LIMIT), st.just(LARGEST_LIMIT))
AMOUNTS = st.one_of(st.integers(0, 25), st.integers(0, 2**60))
CHANGES = st.one_of(st.integers(-30, 30), st.integers(-(2**60), 2**60))
# A name always has the same period.
PERIODS = {"a": 1, "b": 60_000, "c": LONGEST_MS}
NAMES = st.sampled_from("abc")
DEMANDS = st.one_of(
    st.builds(lambda name, amount, limit: Rate(f"r{name}", amount, limit, PERIODS[name]), NAMES, AMOUNTS, LIMITS),
    st.builds(lambda n, a, lim: Rate(f"s{n}", a, lim, 60_000), NAMES, st.integers(0, 9), st.integers(1, 20)),
    st.builds(Budget, NAMES.map("d{}".format), AMOUNTS, LIMITS, st.just(Calendar.DAY)),
    st.builds(Budget, NAMES.map("m{}".format), st.integers(0, 9), st.integers(1, 20), st.just(Calendar.MONTH)),
    st.builds(Lease, NAMES.map("l{}".format), st.sampled_from("vwxyz"), st.integers(1, 4), st.integers(1, 9000)),
)
SEVERAL = st.lists(DEMANDS, min_size=1, max_size=5, unique_by=lambda demand: demand.name)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), SEVERAL),
        st.tuples(st.just("take"), SEVERAL),
        st.tuples(st.just("settle"), st.lists(st.tuples(st.integers(0, 50), CHANGES), min_size=1, max_size=4)),
        st.tuples(st.just("renew"), st.lists(DEMANDS.filter(lambda demand: isinstance(demand, Lease)), max_size=3)),
        st.tuples(st.just("wait"), st.one_of(st.integers(0, 5000), st.integers(0, 40 * 86_400_000))),
    ),
    max_size=30,
)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as running:
        yield running


@pytest.fixture(scope="module")
def redis_store(single: RedisServer, runner: asyncio.Runner) -> Iterator[RedisStore]:
    store = RedisStore(single.url, time.monotonic, 10.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redis, "CONNECT_S", 10.0)
        runner.run(store.open())
        yield store
        runner.run(store.close())


@given(STEPS, MOMENTS)
@settings(max_examples=150, deadline=None)
def test_memory_and_redis_are_as_the_model(
    redis_store: RedisStore, runner: asyncio.Runner, steps: list[tuple[str, object]], began: int
) -> None:
    runner.run(_walk(redis_store, steps, began))


async def _walk(redis_store: RedisStore, steps: list[tuple[str, object]], began: int) -> None:
    clock = Clock(began)
    model = Model(clock)
    stores: list[LimitStore] = [MemoryLimits(clock, clock), ClockedRedis(redis_store, clock)]
    owner = secrets.token_hex(8)
    asked: list[tuple[Demand, int]] = []
    for kind, what in steps:
        if kind == "wait":
            assert isinstance(what, int)
            clock.now_ms += what
        elif kind == "take":
            assert isinstance(what, list)
            expected = model.take(what)
            for store in stores:
                assert list((await store.take(owner, what)).grants) == expected
            if not any(grant.wait_ms for grant in expected):
                asked += [(demand, grant.window) for demand, grant in zip(what, expected, strict=True)]
        elif kind == "renew":
            assert isinstance(what, list)
            told = model.renew(what)
            for store in stores:
                assert await store.renew(owner, what) == told
        elif asked:
            assert isinstance(what, list)
            picked = [(asked[number % len(asked)], change) for number, change in what]
            corrections = [Correction(demand, change, window) for (demand, window), change in picked]
            model.settle(corrections)
            for store in stores:
                await store.settle(owner, corrections)


@given(st.lists(MOMENTS, min_size=1, max_size=50))
@settings(max_examples=60, deadline=None)
def test_days_and_months_end_when_the_calendar_says(
    redis_store: RedisStore, runner: asyncio.Runner, moments: list[int]
) -> None:
    for calendar in Calendar:
        expected = [end_of(moment, calendar) for moment in moments]
        assert [window_end_ms(moment, calendar) for moment in moments] == expected
        loop = f"for i, now in ipairs(ARGV) do out[i] = window_end(tonumber(now), '{calendar}') end"
        script = f"{WINDOW} local out = {{}} {loop} return out"
        assert runner.run(redis_store._ask("EVAL", script, 0, *moments)) == expected


def test_every_day_of_130_years(redis_store: RedisStore, runner: asyncio.Runner) -> None:
    loop = "for day = 0, 47481 do out[day + 1] = window_end(day * 86400000, 'month') end"
    script = f"{WINDOW} local out = {{}} {loop} return out"
    ends = runner.run(redis_store._ask("EVAL", script, 0))
    assert ends == [window_end_ms(day * 86_400_000, Calendar.MONTH) for day in range(47_482)]


@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=60),
)
@settings(max_examples=200, deadline=None)
def test_what_is_really_used_never_passes_the_limit_and_what_was_refilled(
    limit: int, requests: list[tuple[int, int, int]]
) -> None:
    """Each request takes an estimate and is settled later, with no more than that."""
    asyncio.run(_use(limit, requests))


async def _use(limit: int, requests: list[tuple[int, int, int]]) -> None:
    clock = Clock(0)
    store = MemoryLimits(clock, clock)
    under_way: list[tuple[int, int]] = []
    used = 0
    for pause, estimated, actual in requests:
        clock.now_ms += pause
        if (await store.take("o", [Rate("r", estimated, limit, 10_000)])).granted:
            under_way.append((estimated, min(estimated, actual)))
        if len(under_way) > 3:
            taken, really = under_way.pop(0)
            used += really
            await store.settle("o", [Correction(Rate("r", taken, limit, 10_000), really - taken)])
        assert used * 10_000 <= limit * (10_000 + clock.now_ms)
