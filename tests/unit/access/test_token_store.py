"""Tokens that are minted at run time, and revocations, as several workers see them: in memory, and in a real Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from gateway.access.brake import Brake
from gateway.access.entrance import Entrance
from gateway.access.kept import Kept
from gateway.access.principal import Principal, Scope
from gateway.access.token import mint
from gateway.errors import ExpiredKey, GatewayError, NotReady, Unauthenticated
from gateway.seal.errors import SealError
from gateway.seal.keyring import Keyring
from gateway.seal.keyset import changed_keyset, create_keyset
from gateway.store import redis
from gateway.store.choose import store_of
from gateway.store.port import Place, Store, StoreUnavailable
from tests.support.redis import Proxy, RedisServer, redis_server
from tests.unit.access.token_scene import Breakable, Worker, admin, filed, worker

pytestmark = pytest.mark.xdist_group("token-store")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield Breakable()
        return
    monkeypatch.setattr(redis, "CONNECT_S", 10.0)
    server: RedisServer = request.getfixturevalue("server")
    server.cli("FLUSHALL")
    made = store_of(server.url, time.monotonic, 10.0)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def one(tmp_path: Path, store: Store) -> Iterator[Worker]:
    with worker(tmp_path, store) as made:
        yield made


@pytest.fixture
def frail(tmp_path: Path) -> Iterator[tuple[Worker, Breakable]]:
    store = Breakable()
    with worker(tmp_path, store) as made:
        yield made, store


async def is_in(worker: Worker, token: object) -> bool:
    try:
        await worker.who(token)  # type: ignore[arg-type]
    except Unauthenticated:
        return False
    return True


async def within(seconds: float, holds: Callable[[], Awaitable[bool]]) -> float:
    """How long it took."""
    began = time.monotonic()
    while not await holds():
        assert time.monotonic() - began < seconds
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def test_a_minted_token_is_good_in_all_workers_at_once(one: Worker) -> None:
    token, record = await one.desk.mint(admin(), {"subject": "jane", "models": ["llama"]})
    other = one.peer()
    await other.revocations.refresh()
    for each in (one, other):
        principal = await each.who(token)
        assert (principal.token_id, principal.tenant, principal.subject) == (token.id, "acme", "jane")
        assert principal.models == {"llama"}
    assert record.minted_by == "boss0000"
    with pytest.raises(Unauthenticated):
        await other.who(mint())


async def test_what_is_revoked_is_refused_here_at_once_and_elsewhere_with_the_next_look(one: Worker) -> None:
    other = one.peer()
    token, _ = await one.desk.mint(admin(), {})
    await other.revocations.refresh()
    await other.who(token)
    await one.desk.revoke(admin(), token.id)
    assert not await is_in(one, token)
    await other.revocations.refresh()
    assert not await is_in(other, token)
    newcomer = one.peer()
    await newcomer.revocations.refresh()
    assert not await is_in(newcomer, token)


async def test_the_new_secret_of_a_rotation_is_good_and_the_old_one_while_it_overlaps(one: Worker) -> None:
    token, _ = await one.desk.mint(admin(), {})
    second, record = await one.desk.rotate(admin(), token.id, 3600)
    assert second.id == token.id
    assert await is_in(one, token)
    assert await is_in(one, second)
    third, _ = await one.desk.rotate(admin(), token.id, 60)
    assert [await is_in(one, each) for each in (token, second, third)] == [False, True, True]
    one.wall.now += 61
    assert [await is_in(one, each) for each in (token, second, third)] == [False, False, True]
    fourth, _ = await one.desk.rotate(admin(), token.id, 0)
    assert [await is_in(one, each) for each in (second, third, fourth)] == [False, False, True]
    assert record.old_until is not None


async def test_tokens_that_expire_say_so_for_a_day_and_are_gone_then(one: Worker) -> None:
    token, _ = await one.desk.mint(admin(), {"expires_in": 60})
    one.wall.now += 61
    with pytest.raises(ExpiredKey):
        await one.who(token)
    with pytest.raises(GatewayError, match="ended"):
        await one.desk.rotate(admin(), token.id, 60)
    one.wall.now += 86_400
    assert not await one.desk.list(admin())


async def test_names_and_values_in_the_store_tell_nothing(tmp_path: Path, server: RedisServer) -> None:
    server.cli("FLUSHALL")
    store = store_of(server.url, time.monotonic, 10.0)
    await store.open()
    with worker(tmp_path, store) as one:
        token, record = await one.desk.mint(admin("acme-corp"), {"subject": "jane-doe"})
        other, _ = await one.desk.mint(admin("acme-corp"), {})
        await one.desk.revoke(admin("acme-corp"), other.id)
    await store.close()
    keys = server.cli("KEYS", "*").split()
    dump = " ".join(keys) + "".join(
        server.cli("--no-raw", "GET", key) for key in keys if not key.startswith("pgw:limit")
    )
    for secret in ("acme", "jane", token.id, other.id, token.text, record.sha256, "boss", "chat"):
        assert secret not in dump


async def test_a_record_opens_at_its_own_place_only(one: Worker) -> None:
    """Whoever can write to the store cannot make one token of another."""
    token, _ = await one.desk.mint(admin(), {})
    names = one.kept.names()[0]
    value = await one.store.get(names.token(token.id))
    assert value is not None
    swapped = mint()
    await one.store.put(names.token(swapped.id), value, 60)
    assert await one.tokens.find(swapped.id) is None
    await one.store.put(names.token(token.id), value[:-1] + bytes([value[-1] ^ 1]), 60)
    one.tokens.stale()
    assert await one.tokens.find(token.id) is None
    assert one.told == ["tokens_unread"] * 2


async def test_a_hit_asks_nobody_and_a_second_later_the_store_is_asked_once(
    frail: tuple[Worker, Breakable],
) -> None:
    one, store = frail
    token, _ = await one.desk.mint(admin(), {})
    store.gets = 0
    for _ in range(100):
        await one.who(token)
    assert store.gets == 0
    one.clock.now += 1
    await asyncio.gather(*(one.who(token) for _ in range(100)))
    assert store.gets == 1


async def test_while_the_store_fails_known_tokens_are_good_for_a_minute_and_others_cannot_be_checked(
    frail: tuple[Worker, Breakable],
) -> None:
    one, store = frail
    token, _ = await one.desk.mint(admin(), {})
    other, _ = await one.peer().desk.mint(admin(), {})
    in_file = filed(one.tokens_file)
    one.clock.now += 2
    store.broken = True
    for seconds in (0, 30, 27):
        one.clock.now += seconds
        await one.who(token)
        for unknown in (other, mint()):
            with pytest.raises(NotReady):
                await one.who(unknown)
        await one.who(in_file)
    one.clock.now += 2
    with pytest.raises(NotReady):
        await one.who(token)
    store.broken = False
    await one.who(token)


async def test_before_the_log_of_revocations_was_read_tokens_of_the_file_are_good_and_jwts_are_not(
    frail: tuple[Worker, Breakable],
) -> None:
    one, store = frail
    token = filed(one.tokens_file)
    one.clock.now += 2
    store.broken = True
    await one.revocations.open()
    await one.who(token)
    jwt = Principal("jwt-0123456789ab", "acme", "", frozenset({Scope.CHAT}), frozenset({"*"}))

    async def web(_authorization: bytes | None, _address: object = None) -> Principal:
        return jwt

    entrance = Entrance(web, Brake(one.clock), one.revocations)
    with pytest.raises(NotReady):
        await entrance.principal(b"Bearer a.b.c")
    assert not one.revocations.is_ready
    store.broken = False
    await within(5, lambda: asyncio.sleep(0, one.revocations.is_ready))
    assert await entrance.principal(b"Bearer a.b.c") == jwt
    await one.revocations.close()


async def test_a_revocation_reaches_running_workers_within_a_second(one: Worker) -> None:
    workers = [one.peer() for _ in range(3)]
    token, in_file = (await one.desk.mint(admin(), {}))[0], filed(one.tokens_file)
    for each in workers:
        await each.revocations.open()
        await each.who(token)
    one.clock.now += 2
    for each in workers:
        await each.who(in_file)
    await asyncio.sleep(0.1)

    async def all_refuse() -> bool:
        return not any([await is_in(each, t) for each in workers for t in (token, in_file)])

    await one.desk.revoke(admin(), token.id)
    await one.desk.revoke(admin(), in_file.id)
    await within(5, all_refuse)
    for each in workers:
        await each.revocations.close()


async def test_a_message_that_is_lost_is_made_up_for_by_looking(frail: tuple[Worker, Breakable]) -> None:
    one, store = frail
    other, token = one.peer(), filed(one.tokens_file)
    await one.revocations.refresh()
    await other.revocations.open()
    one.clock.now += 2
    await other.who(token)
    store.deaf = True
    await one.desk.revoke(admin(), token.id)

    async def refuses() -> bool:
        return not await is_in(other, token)

    await within(5, refuses)
    await other.revocations.close()


async def test_a_failure_that_nobody_thought_of_does_not_end_the_looks(
    frail: tuple[Worker, Breakable], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = frail
    other = one.peer()
    await one.revocations.refresh()
    await other.revocations.open()
    with monkeypatch.context() as broken:
        broken.setattr(other.revocations, "_count", None)
        await asyncio.sleep(0.7)
    assert "revocations_unread" in other.told
    await one.revocations.revoke("acme", "aaaaaaaa", None)
    await within(5, lambda: asyncio.sleep(0, other.revocations.is_revoked("acme", "aaaaaaaa")))
    await other.revocations.close()


async def test_after_a_network_that_was_cut_revocations_arrive_again(tmp_path: Path, server: RedisServer) -> None:
    with (
        Proxy(server.port) as proxy,
        worker(tmp_path, store_of(server.url, time.monotonic, 1.0)) as one,
    ):
        far = Worker(store_of(proxy.url, time.monotonic, 0.2), one.keyring, one.tokens_file)
        for each in (one, far):
            await each.store.open()
            await each.revocations.open()
        proxy.cut()
        await one.revocations.revoke("acme", "aaaaaaaa", None)
        await asyncio.sleep(1.0)
        assert not far.revocations.is_revoked("acme", "aaaaaaaa")
        proxy.mend()
        await within(5, lambda: asyncio.sleep(0, far.revocations.is_revoked("acme", "aaaaaaaa")))
        await one.revocations.revoke("acme", "bbbbbbbb", None)
        await within(5, lambda: asyncio.sleep(0, far.revocations.is_revoked("acme", "bbbbbbbb")))
        for each in (one, far):
            await each.revocations.close()
            await each.store.close()


async def test_an_entry_that_comes_late_is_found_and_one_that_never_comes_holds_nobody_up(
    frail: tuple[Worker, Breakable],
) -> None:
    one, store = frail
    other = one.peer()
    await other.revocations.refresh()
    log = one.kept.names()[0].log()
    assert await store.add(Place(log, "count"), 1, 1e6) == 1
    await other.revocations.refresh()
    await one.revocations.revoke("acme", "second00", None)
    await other.revocations.refresh()
    assert other.revocations.is_revoked("acme", "second00")
    late = Place(log, "1")
    await store.put(late, one.kept.seal(["acme", "first000", one.wall.now + 60], late), 60)
    await other.revocations.refresh()
    assert other.revocations.is_revoked("acme", "first000")
    assert await store.add(Place(log, "count"), 1, 1e6) == 3
    await other.revocations.refresh()
    one.clock.now += 11
    await other.revocations.refresh()
    assert not other.revocations._logs[one.kept.names()[0].key].missing


async def test_a_revocation_ends_with_the_token(one: Worker) -> None:
    other = one.peer()
    await other.revocations.refresh()
    await one.revocations.revoke("acme", "aaaaaaaa", one.wall.now + 60)
    await other.revocations.refresh()
    assert other.revocations.is_revoked("acme", "aaaaaaaa")
    assert not other.revocations.is_revoked("globex", "aaaaaaaa")
    one.wall.now += 61
    assert not other.revocations.is_revoked("acme", "aaaaaaaa")
    await other.revocations.refresh()
    assert not other.revocations._revoked


async def test_a_store_that_was_emptied_learns_what_the_workers_know(tmp_path: Path, server: RedisServer) -> None:
    store = store_of(server.url, time.monotonic, 10.0)
    await store.open()
    with worker(tmp_path, store) as one:
        await one.revocations.revoke("acme", "aaaaaaaa", None)
        await one.revocations.revoke("acme", "bbbbbbbb", one.wall.now + 600)
        await one.revocations.refresh()
        server.cli("FLUSHALL")
        await one.revocations.refresh()
        newcomer = one.peer()
        await newcomer.revocations.refresh()
        assert newcomer.revocations.is_revoked("acme", "aaaaaaaa")
        assert newcomer.revocations.is_revoked("acme", "bbbbbbbb")
        # And it comes to rest.
        count = server.cli("GET", f"pgw:{{{one.kept.names()[0].log()}}}:count")
        for each in (one, newcomer, one):
            await each.revocations.refresh()
        assert server.cli("GET", f"pgw:{{{one.kept.names()[0].log()}}}:count") == count == "2"
    await store.close()


async def test_a_revocation_that_could_not_be_written_holds_here_and_is_written_later(
    frail: tuple[Worker, Breakable],
) -> None:
    one, store = frail
    await one.revocations.refresh()
    store.broken = True
    with pytest.raises(StoreUnavailable):
        await one.revocations.revoke("acme", "aaaaaaaa", None)
    assert one.revocations.is_revoked("acme", "aaaaaaaa")
    store.broken = False
    await one.revocations.refresh()
    other = one.peer()
    await other.revocations.refresh()
    assert other.revocations.is_revoked("acme", "aaaaaaaa")


async def test_the_same_token_revoked_again_and_again_fills_nothing(frail: tuple[Worker, Breakable]) -> None:
    one, store = frail
    token = filed(one.tokens_file)
    one.clock.now += 2
    for _ in range(20):
        await one.desk.revoke(admin(), token.id)
        one.wall.now += 1
    assert await store.get(Place(one.kept.names()[0].log(), "count")) == b"1"


@pytest.mark.parametrize("count", [b"x", b"-5", b"99999999999999"])
async def test_a_counter_that_somebody_has_changed_is_survived(frail: tuple[Worker, Breakable], count: bytes) -> None:
    one, store = frail
    await store.put(Place(one.kept.names()[0].log(), "count"), count, 60)
    if count == b"x":
        with pytest.raises(StoreUnavailable):
            await one.revocations.refresh()
    else:
        await one.revocations.refresh()
        assert not one.revocations.is_revoked("acme", "aaaaaaaa")


async def test_tokens_and_revocations_outlive_a_rotation_of_the_keyset_and_a_forgotten_cache(tmp_path: Path) -> None:
    path, master = tmp_path / "keys.json", b"m" * 32
    create_keyset(path, master)
    store, now = Breakable(), [0.0]
    keyring = Keyring.open(path, master, monotonic=lambda: now[0])
    one = Worker(store, keyring, tmp_path / "tokens.yaml")
    token, _ = await one.desk.mint(admin(), {})
    used, _ = await one.desk.mint(admin(), {})
    gone = filed(one.tokens_file)
    one.clock.now += 2
    await one.desk.revoke(admin(), gone.id)
    keyring.forget("acme")
    with changed_keyset(path, master) as held:
        held[0] = held[0].rotated()
    now[0] += 2
    other = one.peer()
    await other.revocations.refresh()
    assert len(one.kept.names()) == 2
    assert await is_in(other, token)
    assert await is_in(other, used)
    assert not await is_in(other, gone)
    rotated, _ = await other.desk.rotate(admin(), used.id, 0)
    assert await store.get(other.kept.names()[1].token(used.id)) is None, "an old secret must not come back"
    assert {listed.record.id for listed in await other.desk.list(admin())} == {token.id, used.id, gone.id}
    with changed_keyset(path, master) as held:
        held[0] = held[0].retired("k1")
    now[0] += 2
    last = one.peer()
    await last.revocations.refresh()
    assert len(last.kept.names()) == 1
    assert await is_in(last, token), "it was used after the rotation"
    assert await is_in(last, rotated)
    assert not await is_in(last, used)
    assert not await is_in(last, gone)
    assert len(await last.desk.list(admin())) == 3


async def test_a_token_that_is_read_while_it_is_revoked_is_refused(frail: tuple[Worker, Breakable]) -> None:
    one, store = frail
    token, _ = await one.desk.mint(admin(), {})
    one.clock.now += 2
    waiting, go_on = asyncio.Event(), asyncio.Event()
    get = store.get

    async def slow(place: Place) -> bytes | None:
        value = await get(place)
        if place == one.kept.names()[0].token(token.id) and not waiting.is_set():
            waiting.set()
            await go_on.wait()
        return value

    store.get = slow  # type: ignore[method-assign]
    asking = asyncio.create_task(one.who(token))
    await waiting.wait()
    await one.desk.revoke(admin(), token.id)
    go_on.set()
    with pytest.raises(Unauthenticated):
        await asking
    assert not await is_in(one, token)


async def test_changes_of_one_tenant_at_once_do_not_undo_each_other(one: Worker) -> None:
    workers = [one, *(one.peer() for _ in range(3))]
    minted = await asyncio.gather(*(workers[n % 4].desk.mint(admin(), {}) for n in range(12)))
    assert len(await one.desk.list(admin())) == 12
    first = minted[0][0]
    secrets = await asyncio.gather(*(each.desk.rotate(admin(), first.id, 0) for each in workers))
    one.clock.now += 2
    assert [await is_in(one, token) for token, _ in secrets].count(True) == 1
    acts = [one.desk.rotate(admin(), first.id, 60), workers[1].desk.revoke(admin(), first.id)]
    ended = await asyncio.gather(*acts, return_exceptions=True)
    assert ended[1] is None
    one.clock.now += 2
    await one.revocations.refresh()
    for token in [token for token, _ in secrets] + [e[0] for e in ended if isinstance(e, tuple)]:
        assert not await is_in(one, token)
    assert len(await one.desk.list(admin())) == 11


async def test_a_token_that_was_just_revoked_elsewhere_mints_nothing(one: Worker) -> None:
    boss, _ = await one.desk.mint(admin(), {"scopes": ["chat", "admin:tokens"]})
    other = one.peer()
    await other.revocations.refresh()
    caller = await other.who(boss)
    caller.require_scope(Scope.ADMIN_TOKENS)
    await one.desk.revoke(admin(), boss.id)
    for act in (other.desk.mint(caller, {}), other.desk.list(caller), other.desk.rotate(caller, boss.id, 60)):
        with pytest.raises(Unauthenticated):
            await act


async def test_a_redis_that_hangs_holds_nobody_up(tmp_path: Path, server: RedisServer) -> None:
    with Proxy(server.port) as proxy, worker(tmp_path, store_of(proxy.url, time.monotonic, 0.1)) as one:
        await one.store.open()
        token, _ = await one.desk.mint(admin(), {})
        await one.revocations.open()
        proxy.stall()
        one.clock.now += 2
        began = time.monotonic()
        await one.who(token)
        with pytest.raises(NotReady):
            await one.who(mint())
        for act in (one.desk.mint(admin(), {}), one.desk.revoke(admin(), token.id)):
            with pytest.raises(NotReady):
                await act
        assert time.monotonic() - began < 5
        await one.revocations.close()
        await one.store.close()


def test_seals_of_other_keys_do_not_open() -> None:
    place = Place("owner", "name")
    with Keyring.ephemeral() as first, Keyring.ephemeral() as second:
        sealed = Kept(first).seal({"a": 1}, place)
        assert Kept(first).open(sealed, place) == {"a": 1}
        with pytest.raises(SealError):
            Kept(second).open(sealed, place)
        with pytest.raises(SealError):
            Kept(first).open(sealed, Place("owner", "other"))
        assert repr(Kept(first)) == "<Kept>"
