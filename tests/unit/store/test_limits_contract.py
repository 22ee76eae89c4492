"""What holds for limits in every store: in memory and on three ways to run Redis."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from itertools import pairwise

import pytest

from gateway.store.port import (
    LARGEST_LIMIT,
    LONGEST_MS,
    NEVER,
    Budget,
    Calendar,
    Correction,
    Demand,
    Lease,
    Place,
    Rate,
    Store,
    Usage,
)

LONG_MS = 60_000
SHORT_MS = 300
AFTER_SHORT_S = 0.6


def rate(amount: int = 1, limit: int = 5, name: str = "rate", period_ms: int = LONG_MS) -> Rate:
    return Rate(name, amount, limit, period_ms)


def budget(amount: int = 1, limit: int = 5, calendar: Calendar = Calendar.MONTH) -> Budget:
    return Budget(f"budget-{calendar}", amount, limit, calendar)


def lease(id: str = "", limit: int = 5, ttl_ms: int = LONG_MS) -> Lease:
    return Lease("lease", id or secrets.token_hex(8), limit, ttl_ms)


async def remaining(store: Store, demand: Demand, owner: str = "owner") -> int:
    """After it was taken."""
    taken = await store.take(owner, [demand])
    assert taken.granted
    return taken.grants[0].remaining


async def test_as_much_is_granted_as_there_is(store: Store) -> None:
    for make in (rate, budget, lease):
        for left in (4, 3, 2, 1, 0):
            assert await remaining(store, make()) == left
        refused = await store.take("owner", [make()])
        assert not refused.granted
        assert refused.grants[0].remaining == 0
        assert refused.grants[0].wait_ms > 0


async def test_as_much_is_granted_as_there_is_however_many_ask_at_once(store: Store) -> None:
    for make in (rate, budget, lease):
        answers = await asyncio.gather(*(store.take("owner", [make(limit=40)]) for _ in range(120)))
        assert sum(answer.granted for answer in answers) == 40


async def test_all_are_taken_or_none(store: Store) -> None:
    for _ in range(2):
        assert (await store.take("owner", [rate(2), budget(2), lease()])).granted
    refused = await store.take("owner", [rate(2), budget(2), lease()])
    assert [grant.wait_ms > 0 for grant in refused.grants] == [True, True, False]
    assert [grant.remaining for grant in refused.grants] == [1, 1, 3]
    assert [grant.remaining for grant in (await store.take("owner", [rate(0), budget(0)])).grants] == [1, 1]
    assert await remaining(store, lease()) == 2


async def test_owners_and_names_have_their_own(store: Store) -> None:
    for owner in ("a", "b"):
        for name in ("x", "y"):
            assert await remaining(store, rate(name=name), owner) == 4


async def test_what_is_more_than_the_limit_is_never_granted(store: Store) -> None:
    for amount in (6, LARGEST_LIMIT, 2**70):
        for demand in (rate(amount), budget(amount)):
            taken = await store.take("owner", [demand])
            assert taken.grants[0].wait_ms == NEVER
            assert not taken.granted
    assert await remaining(store, rate(5)) == 0


async def test_the_largest_limits_are_counted_one_by_one(store: Store) -> None:
    largest = Budget("b", LARGEST_LIMIT - 1, LARGEST_LIMIT, Calendar.MONTH)
    assert await remaining(store, largest) == 1
    slow = Rate("r", LARGEST_LIMIT, LARGEST_LIMIT, LONGEST_MS)
    taken = await store.take("owner", [slow])
    assert taken.granted
    assert taken.grants[0].reset_ms == LONGEST_MS


async def test_a_rate_is_refilled_evenly(store: Store) -> None:
    fast = rate(limit=4, period_ms=800)
    taken = await store.take("owner", [rate(4, 4, period_ms=800)])
    refused = await store.take("owner", [fast])
    wait_ms, passed_ms = refused.grants[0].wait_ms, refused.now_ms - taken.now_ms
    assert wait_ms == max(0, 200 - passed_ms)
    moments = [taken.now_ms]
    while len(moments) < 5:
        again = await store.take("owner", [fast])
        if again.granted:
            moments.append(again.now_ms)
        await asyncio.sleep(0.02)
    # One each 200 ms, and never one before it is there.
    assert all(moment - moments[0] >= 200 * number for number, moment in enumerate(moments))
    assert all(later >= earlier for earlier, later in pairwise(moments))


async def test_settling_gives_back_or_takes_more(store: Store) -> None:
    taken = await store.take("owner", [rate(4, LARGEST_LIMIT), budget(4, LARGEST_LIMIT)])
    window = taken.grants[1].window
    await store.settle("owner", [Correction(budget(), 6, window)])
    assert await remaining(store, budget(0, 20)) == 10
    await store.settle("owner", [Correction(budget(), -3, window), Correction(budget(), -3, window)])
    assert await remaining(store, budget(0, 20)) == 16
    assert await remaining(store, rate(3, 10, "other")) == 7
    await store.settle("owner", [Correction(rate(0, 10, "other"), -2)])
    assert await remaining(store, rate(0, 10, "other")) == 9


async def test_more_can_be_used_than_there_is_but_never_less_than_nothing(store: Store) -> None:
    window = (await store.take("owner", [budget()])).grants[0].window
    await store.settle("owner", [Correction(rate(), 10), Correction(budget(), 10, window)])
    refused = await store.take("owner", [rate(), budget()])
    assert [grant.remaining for grant in refused.grants] == [0, 0]
    assert refused.grants[0].wait_ms > LONG_MS
    await store.settle("owner", [Correction(rate(), -(2**70)), Correction(budget(), -(2**70), window)])
    assert [grant.remaining for grant in (await store.take("owner", [rate(5), budget(5)])).grants] == [0, 0]
    await store.settle("owner", [Correction(rate(), 2**70), Correction(budget(), 2**70, window)])
    assert not (await store.take("owner", [rate(0)])).granted


async def test_what_belongs_to_another_window_is_not_settled_in_this_one(store: Store) -> None:
    window = (await store.take("owner", [budget(3)])).grants[0].window
    await store.settle("owner", [Correction(budget(), -3, window - 1), Correction(budget(), -3)])
    assert await remaining(store, budget(0)) == 2


async def test_leases_end_when_they_are_given_back_or_by_themselves(store: Store) -> None:
    kept, short = lease("kept", 2), lease("short", 2, SHORT_MS)
    assert (await store.take("owner", [kept])).granted
    assert (await store.take("owner", [short])).granted
    refused = await store.take("owner", [lease(limit=2)])
    assert 0 < refused.grants[0].wait_ms <= SHORT_MS
    await asyncio.sleep(AFTER_SHORT_S)
    assert (await store.take("owner", [lease("third", 2)])).granted
    assert not (await store.take("owner", [lease(limit=2)])).granted
    await store.settle("owner", [Correction(kept)])
    await store.settle("owner", [Correction(kept), Correction(lease("unknown"))])
    assert (await store.take("owner", [lease(limit=2)])).granted
    assert not (await store.take("owner", [lease(limit=2)])).granted


async def test_leases_that_are_renewed_last(store: Store) -> None:
    renewed, lost = lease("renewed", 2, SHORT_MS), lease("lost", 2, SHORT_MS)
    for each in (renewed, lost):
        assert (await store.take("owner", [each])).granted
    assert await store.renew("owner", [lease("renewed", 2, LONG_MS), lease("unknown", 2)]) == [True, False]
    await asyncio.sleep(AFTER_SHORT_S)
    assert await store.renew("owner", [renewed, lost]) == [True, False]
    assert (await store.take("owner", [lease(limit=2)])).granted
    assert not (await store.take("owner", [lease(limit=2)])).granted


async def test_a_limit_that_is_changed_keeps_what_was_taken(store: Store) -> None:
    for make in (rate, budget):
        assert await remaining(store, make(3, 5)) == 2
        assert await remaining(store, make(0, 10)) == 7
        assert not (await store.take("owner", [make(1, 2)])).granted
        assert await remaining(store, make(2, 5)) == 0
    for _ in range(3):
        assert (await store.take("owner", [lease()])).granted
    assert not (await store.take("owner", [lease(limit=2)])).granted
    assert await remaining(store, lease(limit=10)) == 6


async def test_what_is_counted_is_no_entry(store: Store) -> None:
    await store.take("owner", [rate(5), budget(5), lease()])
    assert await store.usage() == Usage(0, 0)
    assert await store.delete_all("owner") == 0
    assert await store.get(Place("owner", "rate")) is None
    await store.put(Place("owner", "rate"), b"x", 60)
    assert not (await store.take("owner", [rate()])).granted


@pytest.mark.parametrize(
    ("owner", "demands"),
    [
        ("a b", [rate()]),
        ("{a}", [rate()]),
        ("a", [rate(name="a:b")]),
        ("a", [rate(), rate()]),
        ("a", [rate(-1)]),
        ("a", [rate(limit=0)]),
        ("a", [rate(limit=LARGEST_LIMIT + 1)]),
        ("a", [rate(period_ms=0)]),
        ("a", [rate(period_ms=LONGEST_MS + 1)]),
        ("a", [budget(-1)]),
        ("a", [lease("a b")]),
        ("a", [lease(ttl_ms=0)]),
        ("a", [lease(limit=0)]),
    ],
)
async def test_what_no_store_could_do_is_refused(store: Store, owner: str, demands: Sequence[Demand]) -> None:
    with pytest.raises(ValueError, match=r"needed|needs"):
        await store.take(owner, demands)
