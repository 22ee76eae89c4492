"""What happens to the cache while an answer is under way: it is forgotten, its time is over, it fails."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from gateway.cache.entry import Entry
from gateway.cache.names import PURPOSE, person
from gateway.cache.upstream import Mishap
from gateway.errors import UpstreamFailed
from gateway.pipeline.ports import Source
from gateway.policy.schema import Cache
from gateway.seal.errors import SealError
from gateway.seal.keyring import Keyring
from gateway.store.port import Place
from tests.unit.cache.model import START_S, OpenStore, Scene, call

HIT, MISS = Source.HIT, Source.MISS


@pytest.fixture
def keyring() -> Iterator[Keyring]:
    keyring = Keyring.ephemeral()
    yield keyring
    keyring.close()


@pytest.fixture
def scene(keyring: Keyring) -> Scene:
    return Scene(keyring=keyring)


@pytest.mark.parametrize("subject", [None, "jane"])
async def test_what_was_asked_before_it_was_forgotten_is_not_kept_after(scene: Scene, subject: str | None) -> None:
    async with scene.cached.ask(call()) as reply:
        await reply.whole()
        await scene.contents.forget("acme", subject)
        await reply.settle(good=True)
    assert not scene.kept
    assert not scene.reports
    assert (await scene.ask(call()))[1] is MISS
    assert (await scene.ask(call()))[1] is HIT


class ForgettingStore(OpenStore):
    """A tenant is forgotten at the very moment in which something is put."""

    scene: Scene

    async def put(self, place: Place, value: bytes, ttl_s: float) -> None:
        self.scene.keyring.forget("acme")
        await super().put(place, value, ttl_s)


async def test_what_is_forgotten_while_it_is_put_can_be_opened_by_nobody(keyring: Keyring) -> None:
    store = ForgettingStore()
    scene = store.scene = Scene(keyring=keyring, store=store)
    await scene.ask(call())
    [(place, value)] = scene.kept.items()
    envelope = keyring.entries(PURPOSE, "acme", person("jane"))
    with pytest.raises(SealError):
        Entry.open(value, envelope, ("acme", person("jane"), "tiny", "digest", place.name), START_S)


async def test_who_is_asked_after_a_forgetting_does_not_join_who_asked_before(scene: Scene) -> None:
    async with scene.cached.ask(call()) as reply:
        await reply.whole()
        await scene.contents.forget("acme", "jane")
        assert await scene.ask(call()) == ("answer 2 to hello", MISS)


@pytest.mark.parametrize("kept_before", [True, False])
async def test_a_slow_reader_does_not_make_an_answer_live_longer(scene: Scene, kept_before: bool) -> None:
    if kept_before:
        await scene.ask(call())
    async with scene.cached.ask(call()) as slow:
        await slow.whole()
        scene.now_s += 599
        assert (await scene.ask(call()))[1] is HIT
        scene.now_s += 2
        assert await scene.ask(call()) == ("answer 2 to hello", MISS)
        await slow.settle(good=True)
    assert await scene.ask(call()) == ("answer 2 to hello", HIT)


async def test_a_time_of_less_than_a_second_is_a_time(keyring: Keyring) -> None:
    scene = Scene(keyring=keyring, policy=Cache.model_validate({"ttl": "500ms"}))
    for start in (0.1, 0.4, 0.9):
        scene.now_s = START_S + 10 * start
        assert (await scene.ask(call()))[1] is MISS
        scene.now_s += 0.45
        assert (await scene.ask(call()))[1] is HIT
        scene.now_s += 0.1
        assert (await scene.ask(call()))[1] is MISS
        scene.now_s += 1


@pytest.mark.parametrize("stream", [True, False])
async def test_nothing_of_a_request_that_failed_stays(scene: Scene, stream: bool) -> None:
    class Private:
        """Stands for all that a request's own frames know."""

    known: list[weakref.ref[Private]] = []

    async def ask() -> None:
        private = Private()
        known.append(weakref.ref(private))
        await scene.ask(call(stream=stream))

    scene.model.fails = True
    gc.disable()
    try:
        failed = await asyncio.gather(ask(), ask(), ask(), return_exceptions=True)
        assert [type(error) for error in failed] == [UpstreamFailed] * 3
        assert len({id(error) for error in failed}) == 3
        assert [str(error) for error in failed] == [str(failed[0])] * 3
        del failed
        await asyncio.sleep(0.01)
        assert [ref() for ref in known] == [None] * 3
    finally:
        gc.enable()


async def test_who_follows_into_a_failure_was_not_served_by_the_cache(scene: Scene) -> None:
    async def source() -> Source:
        async with scene.cached.ask(call()) as reply:
            with pytest.raises(UpstreamFailed):
                await reply.whole()
            return reply.source

    scene.model.fails = True
    assert set(await asyncio.gather(source(), source(), source())) == {MISS}


async def test_a_large_answer_that_packs_well_is_not_kept_and_not_unreadable(scene: Scene) -> None:
    text = "x" * 17_000_000
    for _ in range(2):
        assert (await scene.ask(call(text)))[1] is MISS
    assert scene.reports == {Mishap.TOO_LARGE: 2}


async def test_a_huge_value_in_the_store_is_not_even_opened(scene: Scene) -> None:
    await scene.ask(call())
    [place] = scene.kept
    await scene.store.put(place, bytes(3_000_000), 600)
    assert (await scene.ask(call(), good=False))[1] is MISS
    assert scene.reports == {Mishap.UNREADABLE: 1}


class SlowStore(OpenStore):
    """Puts when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def put(self, place: Place, value: bytes, ttl_s: float) -> None:
        await self.gate.wait()
        await super().put(place, value, ttl_s)


async def test_what_a_filter_stops_while_it_is_put_is_not_kept(keyring: Keyring) -> None:
    store = SlowStore()
    scene = Scene(keyring=keyring, store=store)
    async with scene.cached.ask(call()) as one, scene.cached.ask(call()) as other:
        await asyncio.gather(one.whole(), other.whole())
        keeping = asyncio.create_task(one.settle(good=True))
        await asyncio.sleep(0.01)
        await other.settle(good=False)
        store.gate.set()
        await keeping
    assert (await scene.contents.usage("acme")).entries == 0
    assert (await scene.ask(call()))[1] is MISS


async def _end(scene: Scene, error: BaseException) -> None:
    """A request that is answered and then ends with an error."""
    async with scene.cached.ask(call()) as reply:
        await reply.whole()
        raise error


async def test_an_entry_that_cannot_be_given_fails_once(scene: Scene) -> None:
    await scene.ask(call())
    with pytest.raises(ZeroDivisionError):
        await _end(scene, ZeroDivisionError())
    assert (await scene.ask(call()))[1] is MISS
    assert (await scene.ask(call()))[1] is HIT


async def test_an_entry_of_which_the_client_goes_stays(scene: Scene) -> None:
    await scene.ask(call())
    with pytest.raises(asyncio.CancelledError):
        await _end(scene, asyncio.CancelledError())
    assert (await scene.ask(call()))[1] is HIT


async def test_forgetting_is_not_taken_for_tampering(keyring: Keyring) -> None:
    class Forgetful(OpenStore):
        async def get(self, place: Place) -> bytes | None:
            keyring.forget("acme")
            return await super().get(place)

    scene = Scene(keyring=keyring, store=OpenStore())
    await scene.ask(call())
    forgetful = Forgetful()
    for place, value in scene.kept.items():
        await forgetful.put(place, value, 600)
    scene = Scene(keyring=keyring, store=forgetful)
    assert (await scene.ask(call()))[1] is HIT
    assert (await scene.ask(call()))[1] is MISS
    assert not scene.reports
