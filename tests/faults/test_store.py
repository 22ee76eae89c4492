"""Redis that dies, hangs, is full, read-only or out of reach: quick errors, no wrong values, and work goes on after."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.store import redis
from gateway.store.choose import store_of
from gateway.store.port import Place, Store, StoreUnavailable, Trouble
from gateway.store.redis_deadline import COMMAND_S
from tests.support.redis import Proxy, RedisServer, free_port, make_certificates, redis_cluster, redis_server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("store-faults")]
PLACE = Place("owner", "name")
# Far more than an operation may take, so that a machine that is busy with something else does not fail the test.
QUICK_S = 3.0
# On a busy machine an answer may take longer than the default allows; a test of what it says waits for it.
PATIENT_S = 2.0


@pytest.fixture(autouse=True)
def _still_serves() -> None:
    """No gateway takes part here, so none is asked afterwards whether it still works."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path / "redis") as running:
        yield running


@asynccontextmanager
async def opened(url: str, command_s: float = PATIENT_S) -> AsyncIterator[Store]:
    store = store_of(url, time.monotonic, command_s)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def trouble_of(work: Awaitable[object]) -> Trouble:
    began = time.monotonic()
    with pytest.raises(StoreUnavailable) as caught:
        await work
    assert time.monotonic() - began < QUICK_S
    assert caught.value.__cause__ is None
    assert str(caught.value) == f"the store: {caught.value.trouble}"
    return caught.value.trouble


async def works_again(store: Store, within_s: float = 15.0) -> None:
    """Until a value can be put and read; the store may still be suspended for a while."""
    until = time.monotonic() + within_s
    while True:
        try:
            await store.put(PLACE, b"again", 60)
            assert await store.get(PLACE) == b"again"
            return
        except StoreUnavailable:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.05)


async def until_suspended(store: Store) -> list[Trouble]:
    seen: list[Trouble] = []
    while Trouble.SUSPENDED not in seen:
        seen.append(await trouble_of(store.get(PLACE)))
        assert len(seen) <= 4
    return seen


async def test_nothing_listens() -> None:
    async with opened(f"redis://127.0.0.1:{free_port()}") as store:
        assert await until_suspended(store) == [Trouble.UNREACHABLE] * 3 + [Trouble.SUSPENDED]
        for refused in (
            store.put(PLACE, b"x", 1),
            store.add(PLACE, 1, 1),
            store.delete(PLACE),
            store.publish("t", b""),
        ):
            assert await trouble_of(refused) is Trouble.SUSPENDED
        assert await trouble_of(store.usage()) is Trouble.SUSPENDED
        assert await trouble_of(store.delete_all("owner")) is Trouble.SUSPENDED


async def test_a_host_that_does_not_exist() -> None:
    async with opened("redis://nowhere.invalid") as store:
        assert await trouble_of(store.get(PLACE)) in {Trouble.UNREACHABLE, Trouble.TIMEOUT}


@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_redis_dies_and_comes_back(server: RedisServer, how: str) -> None:
    async with opened(server.url) as store:
        await asyncio.gather(*(store.put(Place("owner", f"n{turn}"), b"x", 60) for turn in range(20)))
        getattr(server, how)()
        assert (await until_suspended(store))[-2] is Trouble.UNREACHABLE
        server.start()
        await works_again(store)


async def test_a_quick_restart_is_not_noticed(server: RedisServer) -> None:
    async with opened(server.url) as store:
        await asyncio.gather(*(store.get(PLACE) for _ in range(20)))  # leaves many connections in the pool
        server.stop()
        server.start()
        assert await asyncio.gather(*(store.get(PLACE) for _ in range(20))) == [None] * 20
        assert await store.add(PLACE, 1, 60) == 1


async def test_redis_is_out_of_memory(tmp_path: Path) -> None:
    with redis_server(tmp_path, "--maxmemory", "2mb", "--maxmemory-policy", "noeviction") as server:
        async with opened(server.url) as store:
            await _put(store, PLACE, b"small")
            seen: list[Trouble] = []
            for number in range(40):
                try:
                    await store.put(Place("large", f"n{number}"), bytes(100_000), 60)
                except StoreUnavailable as error:
                    seen.append(error.trouble)
            assert len(seen) > 5
            assert set(seen) == {Trouble.FULL}
            server.cli("CONFIG", "SET", "maxmemory", "1mb")
            assert await trouble_of(store.put(PLACE, b"new", 60)) is Trouble.FULL
            assert await trouble_of(store.add(Place("owner", "hits"), 1, 60)) is Trouble.FULL
            assert await store.get(PLACE) == b"small"
            assert await store.delete_all("large") == 40 - len(seen)
            server.cli("CONFIG", "SET", "maxmemory", "2mb")
            await works_again(store)


async def test_redis_is_a_read_only_replica(server: RedisServer, tmp_path: Path) -> None:
    async with opened(server.url) as store:
        await _put(store, PLACE, b"x")
    server.cli("CONFIG", "SET", "repl-diskless-sync-delay", "0")
    with redis_server(tmp_path / "replica", "--replicaof", "127.0.0.1", str(server.port)) as replica:
        async with opened(replica.url) as store:
            await until_equal(store, b"x")
            for _ in range(5):
                assert await trouble_of(store.put(PLACE, b"y", 60)) is Trouble.READ_ONLY
                assert await trouble_of(store.add(Place("o", "n"), 1, 60)) is Trouble.READ_ONLY
            assert await store.get(PLACE) == b"x"


async def until_equal(store: Store, value: bytes) -> None:
    until = time.monotonic() + 15
    while time.monotonic() < until:
        try:
            if await store.get(PLACE) == value:
                return
        except StoreUnavailable:
            pass
        await asyncio.sleep(0.05)
    raise AssertionError("the replica did not get the value")


async def test_redis_hangs_and_no_late_reply_is_taken_for_another(server: RedisServer) -> None:
    places = {Place("owner", f"n{number}"): f"value{number}".encode() for number in range(10)}
    async with opened(server.url, COMMAND_S) as store:
        for place, value in places.items():
            await _put(store, place, value)
        asleep = server.busy(1.0)
        await asyncio.sleep(0.2)
        results = await asyncio.gather(*map(store.get, places), return_exceptions=True)
        troubles = {error.trouble for error in results if isinstance(error, StoreUnavailable)}
        assert Trouble.TIMEOUT in troubles
        assert troubles <= {Trouble.TIMEOUT, Trouble.SUSPENDED}
        began = time.monotonic()
        assert await trouble_of(store.get(PLACE)) is Trouble.SUSPENDED
        assert time.monotonic() - began < QUICK_S
        asleep.wait()
        await works_again(store)
        for place, value in places.items():
            assert await store.get(place) == value


async def test_a_wrong_password(tmp_path: Path) -> None:
    with redis_server(tmp_path, password="right") as server:
        for login in (":wrong@", "nobody:right@", ""):
            async with opened(server.url.replace(":right@", login)) as store:
                seen = await until_suspended(store)
                assert set(seen[:-1]) == {Trouble.DENIED}
        async with opened(server.url) as store:
            await works_again(store)


async def test_a_user_who_may_not(tmp_path: Path) -> None:
    user = ("--user", "reader", "on", ">pw", "~pgw:*", "+hello", "+client", "+get")
    with redis_server(tmp_path, *user) as server:
        async with opened(server.url.replace("redis://", "redis://reader:pw@")) as store:
            assert await trouble_of(store.put(PLACE, b"x", 60)) is Trouble.DENIED
            assert await store.get(PLACE) is None
            with pytest.raises(StoreUnavailable) as caught:
                async with store.subscribe("t"):
                    pass
            assert caught.value.trouble is Trouble.DENIED


async def test_tls_with_an_authority_that_is_not_trusted(tmp_path: Path) -> None:
    made, others = make_certificates(tmp_path / "made"), make_certificates(tmp_path / "others")
    with redis_server(tmp_path / "redis", certificates=made) as server:
        for query in (f"?ssl_ca_certs={others.authority}", ""):
            async with opened(f"rediss://127.0.0.1:{server.port}{query}") as store:
                assert await trouble_of(store.get(PLACE)) is Trouble.UNREACHABLE
        async with opened(server.url.replace("127.0.0.1", "localhost")) as store:
            await works_again(store)
        async with opened(server.url.replace("127.0.0.1", "127.0.0.2")) as store:  # not in the certificate
            assert await trouble_of(store.get(PLACE)) is Trouble.UNREACHABLE


async def test_tls_where_there_is_none_and_none_where_there_is(server: RedisServer, tmp_path: Path) -> None:
    broken = {Trouble.UNREACHABLE, Trouble.TIMEOUT}
    async with opened(server.url.replace("redis://", "rediss://"), COMMAND_S) as store:
        assert await trouble_of(store.get(PLACE)) in broken
    with redis_server(tmp_path / "tls", certificates=make_certificates(tmp_path / "made")) as secured:
        async with opened(f"redis://127.0.0.1:{secured.port}", COMMAND_S) as store:
            assert await trouble_of(store.get(PLACE)) in broken


async def test_the_network_is_cut_and_mended(server: RedisServer) -> None:
    with Proxy(server.port) as proxy:
        async with opened(proxy.url) as store:
            await works_again(store)
            proxy.cut()
            assert (await until_suspended(store))[0] is Trouble.UNREACHABLE
            proxy.mend()
            await works_again(store)


async def test_the_network_loses_everything(server: RedisServer) -> None:
    with Proxy(server.port) as proxy:
        async with opened(proxy.url, COMMAND_S) as store:
            await works_again(store)
            proxy.stall()
            assert set((await until_suspended(store))[:-1]) == {Trouble.TIMEOUT}
            proxy.mend()
            await works_again(store)


@pytest.mark.parametrize("break_it", [Proxy.cut, Proxy.stall])
async def test_a_subscriber_learns_that_its_connection_broke(
    server: RedisServer, break_it: Callable[[Proxy], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis, "SILENCE_S", 0.3)
    with Proxy(server.port) as proxy:
        async with opened(proxy.url, COMMAND_S) as store, store.subscribe("t") as messages:
            waiting = asyncio.ensure_future(anext(messages))
            await asyncio.sleep(1.0)  # silence is not enough: the server answers that it is there
            await store.publish("t", b"x")
            assert await asyncio.wait_for(waiting, 5) == b"x"
            break_it(proxy)
            with pytest.raises(StoreUnavailable):
                await asyncio.wait_for(anext(messages), 10)


async def test_many_wait_for_a_slow_network_in_turn(server: RedisServer) -> None:
    with Proxy(server.port) as proxy:
        proxy.delay_s = 0.01
        async with opened(proxy.url, COMMAND_S) as store:
            await works_again(store)
            results = await asyncio.gather(*(store.get(PLACE) for _ in range(100)), return_exceptions=True)
            proxy.delay_s = 0.0
            await works_again(store)
    # On a busy machine none may be in time.
    assert {result for result in results if isinstance(result, bytes)} <= {b"again"}
    assert all(isinstance(result, bytes | StoreUnavailable) for result in results)


async def test_cancelled_requests_never_leave_their_replies_to_others(server: RedisServer) -> None:
    async with opened(server.url, COMMAND_S) as store:
        assert await _storm(store, 2.5) > 50


async def test_cancelled_requests_in_a_cluster(tmp_path: Path) -> None:
    with redis_cluster(tmp_path) as servers:
        url = f"redis://127.0.0.1:{servers[0].port}?cluster=true"
        async with opened(url, COMMAND_S) as store:
            assert await _storm(store, 2.0) > 20
        async with opened(url, COMMAND_S) as store:
            await _put(store, PLACE, b"x")
            for node in servers:
                node.kill()
            assert (await until_suspended(store))[-1] is Trouble.SUSPENDED
            for node in servers:
                node.start()
            await works_again(store)


async def _storm(store: Store, seconds: float) -> int:
    """Requests that are cancelled anywhere, among others that are not; how many were read and right."""
    places = {Place(f"owner{number % 5}", f"n{number}"): f"value{number}".encode() * 20 for number in range(50)}
    for place, value in places.items():
        await _put(store, place, value)
    until = time.monotonic() + seconds
    cancelled = [_read_and_cancel(store, places, until, random.Random(seed)) for seed in range(10)]
    counts = await asyncio.gather(*(_read(store, places, until, random.Random(seed)) for seed in range(6)), *cancelled)
    for place, value in places.items():
        assert await asyncio.wait_for(_patiently(store, place), 20) == value
    return sum(counts)


async def _put(store: Store, place: Place, value: bytes, within_s: float = 20.0) -> None:
    """A machine that is busy may be slower than the limit on time."""
    until = time.monotonic() + within_s
    while True:
        try:
            return await store.put(place, value, 600)
        except StoreUnavailable:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.05)


async def _read(store: Store, places: dict[Place, bytes], until: float, chance: random.Random) -> int:
    right = 0
    while time.monotonic() < until:
        place = chance.choice(list(places))
        try:
            assert await store.get(place) == places[place]
            right += 1
        except StoreUnavailable:
            await asyncio.sleep(0.01)  # a loaded machine; what matters is that no value is wrong
    return right


async def _read_and_cancel(store: Store, places: dict[Place, bytes], until: float, chance: random.Random) -> int:
    while time.monotonic() < until:
        place = chance.choice(list(places))
        task = asyncio.create_task(store.get(place))
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)
        if chance.random() < 0.5:
            await asyncio.sleep(chance.random() * 0.002)
        task.cancel()
        done = (await asyncio.gather(task, return_exceptions=True))[0]
        if isinstance(done, BaseException):
            assert isinstance(done, asyncio.CancelledError | StoreUnavailable)
        else:
            assert done == places[place]
    return 0


async def _patiently(store: Store, place: Place) -> bytes | None:
    while True:
        try:
            return await store.get(place)
        except StoreUnavailable:
            await asyncio.sleep(0.05)
