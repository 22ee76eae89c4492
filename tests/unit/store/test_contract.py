"""What holds for every store. The same tests run on memory and on three ways to run Redis."""

from __future__ import annotations

import asyncio

import pytest

from gateway.store.port import Place, Store, StoreUnavailable, Trouble, Usage

LONG_S = 60.0
SHORT_S = 0.25
AFTER_SHORT_S = 0.5


@pytest.mark.parametrize(
    "value",
    [b"", b"a", bytes(range(256)), b"\r\n$-1\r\n", b"\x00" * 100, b"m" * (1 << 20)],
    ids=len,
)
async def test_bytes_come_back_as_they_were(store: Store, value: bytes) -> None:
    place = Place("owner", "name")
    assert await store.get(place) is None
    await store.put(place, value, LONG_S)
    assert await store.get(place) == value


async def test_a_value_takes_the_place_of_the_one_before(store: Store) -> None:
    place = Place("owner", "name")
    await store.put(place, b"long value", LONG_S)
    await store.put(place, b"x", LONG_S)
    assert await store.get(place) == b"x"
    assert (await store.usage()).entries == 1


async def test_a_value_is_gone_when_its_time_is_over(store: Store) -> None:
    short, long = Place("owner", "short"), Place("owner", "long")
    await store.put(short, b"x", SHORT_S)
    await store.put(long, b"y", LONG_S)
    assert await store.get(short) == b"x"
    await asyncio.sleep(AFTER_SHORT_S)
    assert await store.get(short) is None
    assert await store.delete(short) is False
    assert await store.get(long) == b"y"
    assert await store.usage("owner") == Usage(1, len("owner") + len("long") + 1)


async def test_putting_again_starts_the_time_again(store: Store) -> None:
    longer, shorter = Place("owner", "longer"), Place("owner", "shorter")
    await store.put(longer, b"x", SHORT_S)
    await store.put(longer, b"y", LONG_S)
    await store.put(shorter, b"x", LONG_S)
    await store.put(shorter, b"y", SHORT_S)
    await asyncio.sleep(AFTER_SHORT_S)
    assert await store.get(longer) == b"y"
    assert await store.get(shorter) is None


async def test_deleting_says_whether_there_was_something(store: Store) -> None:
    place = Place("owner", "name")
    await store.put(place, b"x", LONG_S)
    assert await store.delete(place) is True
    assert await store.delete(place) is False
    assert await store.get(place) is None


async def test_deleting_all_of_an_owner_leaves_others_alone(store: Store) -> None:
    owners = ["acme", "acme2", "acm", "ACME", "a-c_me", "acme-", "_acme"]
    for owner in owners:
        for name in ("one", "two"):
            await store.put(Place(owner, name), owner.encode(), LONG_S)
    assert await store.delete_all("acme") == 2
    assert await store.delete_all("acme") == 0
    for owner in owners:
        expected = None if owner == "acme" else owner.encode()
        assert [await store.get(Place(owner, name)) for name in ("one", "two")] == [expected] * 2


async def test_deleting_by_prefix(store: Store) -> None:
    for name in ("r-1", "r-2", "r1", "R-1", "xr-1"):
        await store.put(Place("owner", name), b"x", LONG_S)
    assert await store.delete_all("owner", "r-") == 2
    left = [name for name in ("r-1", "r-2", "r1", "R-1", "xr-1") if await store.get(Place("owner", name))]
    assert left == ["r1", "R-1", "xr-1"]


@pytest.mark.parametrize(("owner", "prefix"), [("*", ""), ("acme", "*"), ("", ""), ("a:b", ""), ("acme", "[a-z]")])
async def test_what_no_place_can_be_called_deletes_nothing(store: Store, owner: str, prefix: str) -> None:
    await store.put(Place("acme", "x"), b"x", LONG_S)
    with pytest.raises(ValueError, match="letters"):
        await store.delete_all(owner, prefix)
    assert await store.get(Place("acme", "x")) == b"x"


async def test_deleting_thousands(store: Store) -> None:
    names = [f"n{number}" for number in range(5000)]
    for start in range(0, len(names), 25):
        await asyncio.gather(*(store.put(Place("many", name), b"x", LONG_S) for name in names[start : start + 25]))
    await store.put(Place("other", "n1"), b"x", LONG_S)
    assert await store.usage("many") == Usage(5000, sum(map(len, names)) + 5000 * (len("many") + 1))
    assert await store.delete_all("many") == 5000
    assert await store.usage() == Usage(1, len("other") + len("n1") + 1)


async def test_usage_counts_entries_and_bytes(store: Store) -> None:
    assert await store.usage() == Usage(0, 0)
    await store.put(Place("a", "xx"), b"123", LONG_S)
    await store.put(Place("a", "yy"), b"", LONG_S)
    await store.put(Place("ab", "zz"), b"1", LONG_S)
    assert await store.usage("a") == Usage(2, 3 + 3 + 3)
    assert await store.usage("ab") == Usage(1, 4 + 1)
    assert await store.usage("nobody") == Usage(0, 0)
    assert await store.usage() == Usage(3, 14)
    with pytest.raises(ValueError, match="letters"):
        await store.usage("*")


async def test_counters_count_every_addition_once(store: Store) -> None:
    places = [Place("owner", "hits"), Place("other", "hits")]
    totals = await asyncio.gather(*(store.add(places[turn % 2], 3, LONG_S) for turn in range(200)))
    assert sorted(totals) == sorted([*range(3, 301, 3)] * 2)
    assert await store.add(places[0], -300, LONG_S) == 0
    assert await store.get(places[1]) == b"300"


async def test_the_time_of_a_counter_starts_with_its_first_addition(store: Store) -> None:
    place = Place("owner", "hits")
    assert await store.add(place, 1, 0.6) == 1
    for expected in (2, 3):
        await asyncio.sleep(0.1)
        assert await store.add(place, 1, LONG_S) == expected
    await asyncio.sleep(0.8)
    assert await store.add(place, 1, LONG_S) == 1


async def test_what_is_no_number_is_not_counted_up(store: Store) -> None:
    await store.put(Place("owner", "text"), b"text", LONG_S)
    with pytest.raises(StoreUnavailable) as caught:
        await store.add(Place("owner", "text"), 1, LONG_S)
    assert caught.value.trouble is Trouble.FAILED
    assert await store.get(Place("owner", "text")) == b"text"


@pytest.mark.parametrize("ttl_s", [0, -1, float("nan")])
async def test_a_time_to_live_is_more_than_nothing(store: Store, ttl_s: float) -> None:
    with pytest.raises(ValueError, match="time to live"):
        await store.put(Place("owner", "name"), b"x", ttl_s)
    with pytest.raises(ValueError, match="time to live"):
        await store.add(Place("owner", "name"), 1, ttl_s)
    await store.put(Place("owner", "name"), b"x", 1e-9)


async def test_messages_reach_all_who_listen_and_only_to_their_topic(store: Store) -> None:
    await store.publish("news", b"nobody hears this")
    async with store.subscribe("news") as first, store.subscribe("news") as second, store.subscribe("other") as other:
        for message in (b"one", b"", bytes(range(256))):
            await store.publish("news", message)
        await store.publish("other", b"three")
        for subscriber in (first, second):
            assert [await _heard(subscriber) for _ in range(3)] == [b"one", b"", bytes(range(256))]
        assert await _heard(other) == b"three"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(aiter(other)), 0.2)
    await store.publish("news", b"nobody hears this either")


async def test_a_topic_has_letters_only(store: Store) -> None:
    with pytest.raises(ValueError, match="topic"):
        await store.publish("*", b"x")
    with pytest.raises(ValueError, match="topic"):
        async with store.subscribe("a b"):
            pass


async def test_a_subscriber_that_is_cancelled_is_gone(store: Store) -> None:
    listening = asyncio.Event()

    async def listen() -> None:
        async with store.subscribe("news") as messages:
            listening.set()
            async for _ in messages:
                pass

    for _ in range(100):
        listening.clear()
        task = asyncio.create_task(listen())
        await asyncio.wait_for(listening.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await store.publish("news", b"x")


async def test_many_at_once_get_their_own(store: Store) -> None:
    async def one(number: int) -> bool:
        place, value = Place(f"owner{number % 7}", f"name{number}"), f"value{number}".encode() * (number % 50)
        await store.put(place, value, LONG_S)
        return await store.get(place) == value and await store.delete(place) and await store.get(place) is None

    # More at once than there are connections; the rest waits its turn.
    for _ in range(3):
        assert all(await asyncio.gather(*(one(number) for number in range(100))))


async def test_a_store_can_be_closed_and_opened_again(store: Store) -> None:
    await store.put(Place("owner", "name"), b"x", LONG_S)
    await store.close()
    await store.close()
    await store.open()
    await store.put(Place("owner", "name"), b"y", LONG_S)
    assert await store.get(Place("owner", "name")) == b"y"


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("", "a"),
        ("a", ""),
        ("a b", "c"),
        ("a", "b:c"),
        ("{a}", "b"),
        ("a*", "b"),
        ("a", "é"),
        ("a\n", "b"),
        ("a" * 129, "b"),
    ],
)
def test_places_are_letters_digits_and_dashes(owner: str, name: str) -> None:
    with pytest.raises(ValueError, match="letters"):
        Place(owner, name)


async def _heard(messages: object) -> bytes:
    assert hasattr(messages, "__anext__")
    heard = await asyncio.wait_for(messages.__anext__(), 5)
    assert isinstance(heard, bytes)
    return heard
