"""Limits in Redis by themselves: what is in Redis, for how long, and scripts that it has forgotten."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from gateway.store import redis
from gateway.store.port import Budget, Calendar, Correction, Lease, Rate
from gateway.store.redis import RedisStore
from tests.support.redis import RedisServer

pytestmark = pytest.mark.xdist_group("store-redis")


@pytest.fixture
async def redis_store(single: RedisServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RedisStore]:
    monkeypatch.setattr(redis, "CONNECT_S", 10.0)
    single.cli("FLUSHALL")
    store = RedisStore(single.url, time.monotonic, 10.0)
    await store.open()
    yield store
    await store.close()


async def test_nothing_stays_for_ever(redis_store: RedisStore, single: RedisServer) -> None:
    rate, lease = Rate("r", 6, 60, 60_000), Lease("l", "a", 5, 30_000)
    budgets = [Budget(str(calendar), 1, 9, calendar) for calendar in Calendar]
    taken = await redis_store.take("owner", [rate, lease, *budgets])
    lasts = {name: int(single.cli("PTTL", f"pgw:limit:{{owner}}:{name}")) for name in ("r", "l", "day", "month")}
    assert len(single.cli("KEYS", "*").split()) == 4
    for name, grant, most in zip(lasts, taken.grants, (6000, 30_000, 86_400_000, 31 * 86_400_000), strict=True):
        assert 0 < lasts[name] <= most + 1000
        assert name == "l" or abs(lasts[name] - grant.reset_ms - 1000) < 500
    # What is given back leaves nothing behind.
    await redis_store.settle("owner", [Correction(rate, -6), Correction(lease)])
    assert sorted(single.cli("KEYS", "*").split()) == ["pgw:limit:{owner}:day", "pgw:limit:{owner}:month"]


async def test_a_script_that_redis_has_forgotten_runs_once(redis_store: RedisStore, single: RedisServer) -> None:
    rate, lease = Rate("r", 1, 60, 60_000), Lease("l", "a", 5, 30_000)
    for left in (59, 58, 57):
        single.cli("SCRIPT", "FLUSH")
        taken = await redis_store.take("owner", [rate])
        assert taken.grants[0].remaining == left
        assert (await redis_store.take("owner", [lease])).granted
        single.cli("SCRIPT", "FLUSH")
        assert await redis_store.renew("owner", [lease]) == [True]
        single.cli("SCRIPT", "FLUSH")
        await redis_store.settle("owner", [Correction(lease)])
        assert await redis_store.renew("owner", [lease]) == [False]


async def test_a_lease_that_is_shorter_does_not_end_the_longer_ones(redis_store: RedisStore) -> None:
    assert (await redis_store.take("owner", [Lease("l", "long", 2, 60_000)])).granted
    assert (await redis_store.take("owner", [Lease("l", "short", 2, 1)])).granted
    await asyncio.sleep(0.05)
    taken = await redis_store.take("owner", [Lease("l", "b", 1, 1)])
    assert not taken.granted
    assert taken.grants[0].wait_ms > 50_000
