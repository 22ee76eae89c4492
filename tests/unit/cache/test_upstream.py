"""What the cache gives, to whom, for how long; and that nothing that goes wrong in it reaches a request."""

from __future__ import annotations

import asyncio
import pickle
import random
from collections.abc import Iterator
from typing import Any, cast

import pytest

from gateway.cache.contents import CacheContents
from gateway.cache.upstream import Mishap
from gateway.errors import UpstreamFailed
from gateway.pipeline.ports import Call, Source
from gateway.policy.schema import Cache
from gateway.seal.keyring import Keyring
from gateway.store.port import Place, Trouble
from tests.unit.cache.model import FailingStore, Scene, call

HIT, MISS, BYPASS = Source.HIT, Source.MISS, Source.BYPASS


@pytest.fixture
def keyring() -> Iterator[Keyring]:
    keyring = Keyring.ephemeral()
    yield keyring
    keyring.close()


@pytest.fixture
def scene(keyring: Keyring) -> Scene:
    return Scene(keyring=keyring)


async def test_what_was_asked_a_moment_ago_is_not_asked_again(scene: Scene) -> None:
    first, second = await scene.ask(call()), await scene.ask(call())
    assert first == ("answer 1 to hello", MISS)
    assert second == ("answer 1 to hello", HIT)
    assert len(scene.model.asked) == 1
    assert not scene.reports


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
async def test_whole_or_streamed_it_is_the_same_answer(scene: Scene, first: bool, second: bool) -> None:
    assert await scene.ask(call(stream=first)) == ("answer 1 to hello", MISS)
    assert await scene.ask(call(stream=second)) == ("answer 1 to hello", HIT)


async def test_a_stream_is_replayed_in_its_own_pieces(scene: Scene) -> None:
    async def pieces() -> list[str]:
        async with scene.cached.ask(call(stream=True)) as reply:
            events = [event async for event in reply.events()]
            await reply.settle(good=True)
        return [c["delta"].get("content") for e in events for c in e["choices"]]

    recorded = await pieces()
    assert len(recorded) == 5
    assert await pieces() == recorded


@pytest.mark.parametrize("recorded", [True, False])
async def test_usage_comes_with_a_stream_only_if_it_is_asked_for(scene: Scene, recorded: bool) -> None:
    async def usages(asked: Call) -> list[Any]:
        async with scene.cached.ask(asked) as reply:
            events = [event async for event in reply.events()]
            await reply.settle(good=True)
        assert all("choices" in event for event in events)
        return [event["usage"] for event in events if event.get("usage")]

    await scene.ask(call(stream=recorded))
    with_usage = call(stream=True, stream_options={"include_usage": True})
    for _ in range(2):
        assert await usages(call(stream=True)) == []
        assert await usages(with_usage) == [{"total_tokens": 9}]
    assert len(scene.model.asked) == 1
    async with scene.cached.ask(call()) as reply:
        assert (await reply.whole())["usage"] == {"total_tokens": 9}


@pytest.mark.parametrize(
    "other",
    [
        call("hello!"),
        call(subject="joe"),
        call(tenant="globex"),
        call(tenant="globex", subject=""),
        call(model="big"),
        call(max_tokens=5),
        call(seed=1),
        call(user="u"),
        Call("second", "/chat/completions", call().body, "acme", 1.0, subject="jane"),
        Call("default", "/completions", call().body, "acme", 1.0, subject="jane"),
    ],
)
async def test_another_question_or_another_person_is_a_miss(scene: Scene, other: Call) -> None:
    await scene.ask(call())
    assert (await scene.ask(other))[1] is MISS


async def test_another_policy_is_a_miss(scene: Scene) -> None:
    await scene.ask(call())
    assert (await scene.ask(call(), cached=scene.under(scene.policy, "other")))[1] is MISS


async def test_a_tenant_may_share_and_never_with_another_tenant(keyring: Keyring) -> None:
    scene = Scene(keyring=keyring, policy=Cache(scope="tenant"))
    await scene.ask(call(subject="jane"))
    assert (await scene.ask(call(subject="joe")))[1] is HIT
    assert (await scene.ask(call(subject="joe", tenant="globex")))[1] is MISS
    alone = scene.under(Cache(scope="subject"))
    assert (await scene.ask(call(subject="tenant"), cached=alone))[1] is MISS


async def test_its_time_is_over_even_if_the_store_forgets_to_forget(scene: Scene) -> None:
    await scene.ask(call())
    scene.now_s += 599
    assert (await scene.ask(call()))[1] is HIT
    scene.now_s += 2
    assert (await scene.ask(call()))[1] is MISS


async def test_age_is_told(scene: Scene) -> None:
    await scene.ask(call())
    scene.now_s += 42.5
    async with scene.cached.ask(call()) as reply:
        await reply.whole()
        assert reply.age_s == 42


async def test_a_clock_that_is_set_back_does_not_make_entries_live_longer(scene: Scene) -> None:
    await scene.ask(call())
    scene.now_s -= 3600
    assert (await scene.ask(call()))[1] is MISS


@pytest.mark.parametrize("stream", [True, False])
async def test_what_a_filter_stopped_is_given_to_nobody(scene: Scene, stream: bool) -> None:
    assert (await scene.ask(call(stream=stream), good=False))[1] is MISS
    assert not scene.kept
    assert (await scene.ask(call(stream=stream)))[1] is MISS
    assert (await scene.ask(call(stream=stream), good=False))[1] is HIT
    assert (await scene.ask(call(stream=stream)))[1] is MISS


@pytest.mark.parametrize("stream", [True, False])
async def test_what_nobody_called_good_is_not_kept(scene: Scene, stream: bool) -> None:
    async with scene.cached.ask(call(stream=stream)) as reply:
        _ = [event async for event in reply.events()] if stream else await reply.whole()
    assert not scene.kept


async def test_a_stream_that_is_broken_off_is_not_kept(scene: Scene) -> None:
    scene.model.fails = True
    with pytest.raises(UpstreamFailed):
        await scene.ask(call(stream=True))
    scene.model.fails = False
    assert (await scene.ask(call(stream=True)))[1] is MISS
    async with scene.cached.ask(call("other", stream=True)) as reply:
        events = reply.events()
        await anext(events)
        await events.aclose()
    await asyncio.sleep(0.01)
    assert len(scene.kept) == 1
    scene.model.finish = "abort"
    await scene.ask(call("third", stream=True))
    assert len(scene.kept) == 1


async def test_who_goes_breaks_the_model_off(scene: Scene) -> None:
    scene.model.gate.clear()
    task = asyncio.create_task(scene.ask(call(stream=True)))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    scene.model.gate.set()
    await asyncio.sleep(0.01)
    assert len(scene.model.asked) == 1
    assert await scene.ask(call(stream=True)) == ("answer 2 to hello", MISS)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_hundred_at_once_are_one_request(scene: Scene, stream: bool) -> None:
    scene.model.gate.clear()
    tasks = [asyncio.create_task(scene.ask(call(stream=stream))) for _ in range(100)]
    await asyncio.sleep(0.01)
    tasks[0].cancel()
    await asyncio.sleep(0.01)
    scene.model.gate.set()
    answers = await asyncio.gather(*tasks[1:])
    assert {text for text, _ in answers} == {"answer 1 to hello"}
    assert len(scene.model.asked) == 1
    assert len(scene.kept) == 1


async def test_followers_of_a_stream_see_words_as_they_come(scene: Scene) -> None:
    scene.model.gate.clear()
    async with scene.cached.ask(call(stream=True)) as leading, scene.cached.ask(call(stream=True)) as following:
        waiting = [asyncio.create_task(anext(reply.events())) for reply in (leading, following)]
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in waiting)
        scene.model.gate.set()
        first, second = await asyncio.gather(*waiting)
        assert first == second
        assert leading.source is MISS
        assert following.source is HIT
        assert following.age_s == 0


async def test_what_bypasses_is_neither_read_nor_kept(scene: Scene) -> None:
    await scene.ask(call())
    uncached = Call("default", "/chat/completions", call().body, "acme", 1.0, subject="jane", uncached=True)
    assert await scene.ask(uncached) == ("answer 2 to hello", BYPASS)
    assert await scene.ask(call(temperature=1)) == ("answer 3 to hello", BYPASS)
    assert await scene.ask(call(temperature=1, stream=True)) == ("answer 4 to hello", BYPASS)
    assert len(scene.kept) == 1
    assert await scene.ask(call()) == ("answer 1 to hello", HIT)


async def test_a_store_that_fails_fails_no_request(keyring: Keyring) -> None:
    scene = Scene(keyring=keyring, store=cast(Any, FailingStore()))
    for _ in range(2):
        assert (await scene.ask(call()))[1] is MISS
        assert (await scene.ask(call(stream=True)))[1] is MISS
        assert (await scene.ask(call(), good=False))[1] is MISS
    assert set(scene.reports) == {Trouble.TIMEOUT}
    forgotten = await scene.contents.forget("acme")
    assert forgotten.entries is None
    assert forgotten.salts > 0


async def test_a_changed_entry_is_a_miss_and_counted(scene: Scene) -> None:
    await scene.ask(call())
    [(place, value)] = scene.kept.items()
    for at in (0, 7, 8, 9, 12, 20, 60, len(value) - 1):
        changed = bytes([*value[:at], value[at] ^ 1, *value[at + 1 :]])
        await scene.store.put(place, changed, 600)
        assert (await scene.ask(call(), good=False))[1] is MISS, at
    for cut in (b"", value[:5], value[:8], value[:-1], value + b"\0"):
        await scene.store.put(place, cut, 600)
        assert (await scene.ask(call(), good=False))[1] is MISS
    assert scene.reports == {Mishap.UNREADABLE: 13}


async def test_an_entry_in_the_place_of_another_is_a_miss(scene: Scene) -> None:
    for asked in (call(), call("other"), call(subject="joe"), call(tenant="globex")):
        await scene.ask(asked)
    places = list(scene.kept)
    values = [scene.kept[place] for place in places]
    for place, value in zip(places, values[1:] + values[:1], strict=True):
        await scene.store.put(place, value, 600)
    for asked in (call(), call("other"), call(subject="joe"), call(tenant="globex")):
        assert (await scene.ask(asked, good=False))[1] is MISS
    assert scene.reports == {Mishap.UNREADABLE: 4}


async def test_names_and_values_say_nothing(scene: Scene) -> None:
    await scene.ask(call("a very secret question"))
    await scene.ask(call("?"))
    (one, two) = scene.kept.items()
    for place, value in (one, two):
        for word in (b"acme", b"jane", b"secret", b"answer", b"question", b"hello", b"tiny"):
            assert word not in value
            assert word.decode() not in f"{place.owner} {place.name}"
    assert len(one[1]) == len(two[1])
    assert one[0].owner == two[0].owner
    assert one[0].name[:16] == two[0].name[:16]


async def test_the_same_question_has_another_name_under_other_keys() -> None:
    places: list[Place] = []
    for _ in range(2):
        scene = Scene()
        await scene.ask(call())
        places += scene.kept
        scene.keyring.close()
    assert places[0].owner != places[1].owner
    assert places[0].name != places[1].name


async def test_forgetting_one_person_leaves_the_others(scene: Scene) -> None:
    shared = scene.under(Cache(scope="tenant"))
    await scene.ask(call(subject="jane"))
    await scene.ask(call("more", subject="jane"))
    await scene.ask(call(subject="joe"))
    await scene.ask(call(subject="jane"), cached=shared)
    copy = dict(scene.kept)
    forgotten = await scene.contents.forget("acme", "jane")
    assert forgotten.entries == 3
    assert (await scene.ask(call(subject="joe")))[1] is HIT
    for place, value in copy.items():
        await scene.store.put(place, value, 600)
    for cached in (None, shared):
        assert (await scene.ask(call(subject="jane"), cached=cached, good=False))[1] is MISS
    assert (await scene.ask(call("more", subject="jane")))[1] is MISS
    assert (await scene.ask(call(subject="joe")))[1] is HIT


async def test_forgetting_a_tenant_makes_every_copy_unreadable(scene: Scene) -> None:
    for subject in ("jane", "joe"):
        await scene.ask(call(subject=subject))
    await scene.ask(call(tenant="globex"))
    copy = dict(scene.kept)
    assert (await scene.contents.forget("acme")).entries == 2
    assert (await scene.contents.usage("acme")).entries == 0
    assert (await scene.contents.usage("globex")).entries == 1
    for place, value in copy.items():
        await scene.store.put(place, value, 600)
    for subject in ("jane", "joe"):
        assert (await scene.ask(call(subject=subject), good=False))[1] is MISS
    assert (await scene.ask(call(tenant="globex")))[1] is HIT


async def test_a_worker_started_before_forgets_with_the_others(scene: Scene) -> None:
    other = Scene(keyring=pickle.loads(pickle.dumps(scene.keyring)), store=scene.store, model=scene.model)
    await scene.ask(call())
    assert (await other.ask(call()))[1] is HIT
    copy = dict(scene.kept)
    await CacheContents(scene.store, scene.keyring).forget("acme", "jane")
    for place, value in copy.items():
        await scene.store.put(place, value, 600)
    assert (await other.ask(call(), good=False))[1] is MISS


async def test_an_answer_that_is_too_large_is_given_and_not_kept(scene: Scene) -> None:
    noise = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=3_000_000))
    assert (await scene.ask(call(noise)))[1] is MISS
    assert not scene.kept
    assert scene.reports == {Mishap.TOO_LARGE: 1}
