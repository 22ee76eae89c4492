"""Several processes and one Redis: what is admitted is the limit, and not one more, whatever becomes of either."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.access.limiter import Limiter
from gateway.access.limits import LimitRules, Limits
from gateway.errors import LimitReached, Unavailable
from gateway.store import redis
from gateway.store.choose import store_of
from gateway.store.memory_limits import MemoryLimits
from gateway.store.port import Budget, Calendar, Demand, Lease, Rate, StoreUnavailable, Trouble
from tests.limits.clients import WHO, Work, results, working
from tests.support.redis import RedisServer, redis_cluster, redis_server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("limits")]
PROCESSES = 4


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path / "redis") as running:
        yield running


def total(told: list[dict[str, int]], kind: str) -> int:
    return sum(counts.get(kind, 0) for counts in told)


@pytest.mark.parametrize("of", ["token", "subject", "tenant", "model"])
def test_a_budget_is_used_to_its_last_token_and_no_further(server: RedisServer, of: str) -> None:
    work = Work(server.url, {"tokens_per_month": 3500}, 1000, tokens=7, used=7, of=of)
    with working([work] * PROCESSES) as started:
        told = results(started)
    assert total(told, "admitted") == 500
    assert total(told, "budget_exceeded") == 3500


def test_requests_a_minute_are_as_many_as_were_refilled(server: RedisServer) -> None:
    """A limit of 3,000 is there at once, and one more each 20 ms."""
    began = time.monotonic()
    with working([Work(server.url, {"requests_per_minute": 3000}, 1500)] * PROCESSES) as started:
        told = results(started)
    refilled = (time.monotonic() - began) * 50
    assert total(told, "unavailable") == 0
    assert 3000 <= total(told, "admitted") <= 3000 + refilled


def test_what_is_not_used_is_there_for_others(server: RedisServer) -> None:
    """Each takes 50 and uses 5: one after the other, all find room."""
    work = Work(server.url, {"tokens_per_day": 4000 + 50 * PROCESSES}, 200, tokens=50, used=5, at_once=1)
    with working([work] * PROCESSES) as started:
        told = results(started)
    assert total(told, "admitted") == 200 * PROCESSES


def test_never_more_at_a_time_than_there_are_places(server: RedisServer) -> None:
    work = Work(server.url, {"concurrent": 7}, 400, hold_s=0.002, at_once=20)
    most = 0
    with working([work] * PROCESSES) as started:
        while any(process.poll() is None for process in started):
            most = max(most, int(server.cli("ZCARD", "pgw:limit:{tenant}:tenant-all-leases")))
        told = results(started)
    assert 0 < most <= 7
    assert total(told, "admitted") > 7
    assert server.cli("KEYS", "*") == ""


def test_places_of_a_process_that_is_killed_are_free_again_after_a_while(server: RedisServer) -> None:
    work = Work(server.url, {"concurrent": 5}, 20, leave=True, lease_s=3.0)
    with working([work]) as started:
        assert started[0].stdout is not None
        assert '"admitted": 5' in started[0].stdout.readline()
        # While it lives it keeps them, for longer than they would last.
        time.sleep(4)
        with working([Work(server.url, {"concurrent": 5}, 5)]) as others:
            assert total(results(others), "refused") == 5
    time.sleep(3.5)
    with working([Work(server.url, {"concurrent": 5}, 5, at_once=5)]) as others:
        assert total(results(others), "admitted") == 5


def test_a_redis_that_is_restarted_in_the_middle_lets_nothing_through_meanwhile(server: RedisServer) -> None:
    """Each life of Redis knows one limit: what two of them admitted is at most two."""
    work = Work(server.url, {"tokens_per_month": 100}, 4000, tokens=1, used=1, at_once=10, command_s=0.5)
    with working([work] * 2) as started:
        threading.Timer(0.1, server.kill).start()
        time.sleep(1)
        server.start()
        told = results(started)
    assert total(told, "unavailable") > 0
    assert total(told, "limits_closed") == total(told, "unavailable")
    assert 100 <= total(told, "admitted") <= 200


def test_with_a_limit_in_each_process_meanwhile(server: RedisServer) -> None:
    """Two lives of Redis, and what each of two processes lets through by itself."""
    work = Work(server.url, {"tokens_per_month": 100}, 4000, tokens=1, used=1, at_once=10, command_s=0.5, local=True)
    with working([work] * 2) as started:
        threading.Timer(0.1, server.kill).start()
        time.sleep(1)
        server.start()
        told = results(started)
    assert total(told, "unavailable") == 0
    assert 100 <= total(told, "admitted") <= 400


async def test_one_that_goes_on_by_itself_and_comes_back(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "CONNECT_S", 10.0)
    reports: list[str] = []
    store = store_of(server.url, time.monotonic, 10.0)
    await store.open()
    rules = LimitRules(token=Limits(tokens_per_month=3, concurrent=9))

    async def admitted(limiter: Limiter) -> bool:
        try:
            await limiter.admit(WHO, "llama", rules, 1)
        except (LimitReached, Unavailable):
            return False
        return True

    local = Limiter(store, lambda kind, value: kind, reports.append, MemoryLimits(time.monotonic))
    closed = Limiter(store, lambda kind, value: kind, reports.append)
    assert [await admitted(local) for _ in range(4)] == [True, True, True, False]
    assert not await admitted(closed)
    assert reports == []
    server.kill()
    assert [await admitted(closed) for _ in range(4)] == [False] * 4
    assert set(reports) == {"limits_closed"} | ({"limits_unsettled"} & set(reports))
    assert [await admitted(local) for _ in range(4)] == [True, True, True, False]
    assert "limits_local" in reports
    server.start()
    until = time.monotonic() + 20
    while not await admitted(closed):
        assert time.monotonic() < until
        await asyncio.sleep(0.1)
    assert [await admitted(local) for _ in range(3)] == [True, True, False]
    for limiter in (local, closed):
        await limiter.close()
    await store.close()


def test_a_cluster(tmp_path: Path) -> None:
    """The tenant's limits and the model's are on different nodes, as likely as not."""
    with redis_cluster(tmp_path / "cluster") as servers:
        url = f"redis://127.0.0.1:{servers[1].port}?cluster=true"
        for of in ("tenant", "model"):
            work = Work(
                url, {"tokens_per_day": 500, "concurrent": 1000, "requests_per_minute": 10**9}, 300, 1, 1, of=of
            )
            with working([work] * 3) as started:
                assert total(results(started), "admitted") == 500


async def test_a_full_redis_lets_nothing_through(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "CONNECT_S", 10.0)
    store = store_of(server.url, time.monotonic, 10.0)
    await store.open()
    several: list[Demand] = [Rate("r", 1, 5, 60_000), Budget("b", 1, 5, Calendar.MONTH), Lease("l", "a", 5, 60_000)]
    assert (await store.take("o", several)).granted
    server.cli("CONFIG", "SET", "maxmemory", "1")
    for _ in range(2):
        with pytest.raises(StoreUnavailable) as caught:
            await store.take("o", several)
        assert caught.value.trouble is Trouble.FULL
    server.cli("CONFIG", "SET", "maxmemory", "0")
    assert [grant.remaining for grant in (await store.take("o", several)).grants] == [3, 3, 4]
    await store.close()
