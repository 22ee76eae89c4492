"""Limits as a client meets them: what is refused and why; and what the limiter asks of a store, and when not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.access.limiter import Admission, Limiter
from gateway.access.limits import NO_LIMITS, LimitRules, Limits
from gateway.access.principal import Principal
from gateway.errors import BudgetExceeded, LimitReached, RateLimited, Unavailable
from gateway.store.memory_limits import MemoryLimits
from gateway.store.port import LARGEST_LIMIT, Correction, Demand, Lease, LimitStore, StoreUnavailable, Taken, Trouble

OPEN = LimitRules()


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_709_164_800.0  # 2024-02-29T00:00:00Z

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Recorder:
    """A store that is asked, or broken."""

    inner: LimitStore
    trouble: Trouble | None = None
    calls: list[tuple[str, str, Sequence[Any]]] = field(default_factory=list)
    pause: Callable[[], Awaitable[object]] | None = None

    async def take(self, owner: str, demands: Sequence[Demand]) -> Taken:
        await self._called("take", owner, demands)
        return await self.inner.take(owner, demands)

    async def settle(self, owner: str, corrections: Sequence[Correction]) -> None:
        await self._called("settle", owner, corrections)
        await self.inner.settle(owner, corrections)

    def settle_now(self, owner: str, corrections: Sequence[Correction]) -> bool:
        return False

    async def renew(self, owner: str, leases: Sequence[Lease]) -> list[bool]:
        await self._called("renew", owner, leases)
        return await self.inner.renew(owner, leases)

    async def _called(self, what: str, owner: str, asked: Sequence[Any]) -> None:
        self.calls.append((what, owner, asked))
        if self.pause is not None:
            await self.pause()
        if self.trouble is not None:
            raise StoreUnavailable(self.trouble)

    def count(self, what: str) -> int:
        return sum(call[0] == what for call in self.calls)

    __hash__ = object.__hash__


class Scene:
    def __init__(self, *, local: bool = False, lease_s: float = 60.0) -> None:
        self.clock = Clock()
        self.store = Recorder(MemoryLimits(self.clock, self.clock))
        self.reports: list[str] = []
        fallback = MemoryLimits(self.clock, self.clock) if local else None
        self.limiter = Limiter(self.store, _name, self.reports.append, fallback, lease_s)

    async def admit(self, rules: LimitRules, tokens: int = 0, **who: Any) -> Admission:
        model, own = who.pop("model", "llama"), who.pop("own", None)
        return await self.limiter.admit(principal(**who), model, rules, tokens, own)

    async def admits(self, rules: LimitRules, tokens: int = 0, **who: Any) -> bool:
        try:
            await self.admit(rules, tokens, **who)
        except LimitReached:
            return False
        return True

    async def refusal(self, rules: LimitRules, tokens: int = 0, **who: Any) -> LimitReached:
        with pytest.raises(LimitReached) as caught:
            await self.admit(rules, tokens, **who)
        return caught.value


def _name(kind: str, value: str) -> str:
    return f"{kind}{value.encode().hex()}"[:64]


def principal(token: str = "token", tenant: str = "acme", subject: str = "ada") -> Principal:
    return Principal(token, tenant, subject, frozenset(), frozenset("*"))


def only(of: str, **limits: int) -> LimitRules:
    return LimitRules(**{of: Limits(**limits)})


async def test_without_limits_nothing_is_asked_and_nothing_said() -> None:
    scene = Scene()
    admission = await scene.admit(OPEN, 100, own=NO_LIMITS)
    assert admission.headers == ()
    await scene.limiter.settle(admission, 5)
    assert scene.store.calls == []
    assert scene.limiter._sender is None


@pytest.mark.parametrize(
    ("of", "same", "other"),
    [
        ("token", {"subject": "bob"}, {"token": "t2"}),
        ("subject", {"token": "t2"}, {"subject": "bob"}),
        ("tenant", {"token": "t2", "subject": "bob", "model": "m2"}, {"tenant": "other"}),
        ("model", {"token": "t2", "subject": "bob", "tenant": "other"}, {"model": "m2"}),
    ],
)
async def test_whose_limits_are_whose(of: str, same: dict[str, str], other: dict[str, str]) -> None:
    for limits in ({"requests_per_minute": 1}, {"concurrent": 1}, {"tokens_per_day": 10}, {"tokens_per_minute": 10}):
        scene, rules = Scene(), only(of, **limits)
        assert await scene.admits(rules, 10)
        assert not await scene.admits(rules, 10, **same)
        assert await scene.admits(rules, 10, **other)


async def test_persons_of_the_same_name_in_two_tenants_are_two_and_without_a_name_each_token_is_one() -> None:
    scene, rules = Scene(), only("subject", requests_per_minute=1)
    assert await scene.admits(rules)
    assert await scene.admits(rules, tenant="other")
    assert await scene.admits(rules, subject="")
    assert await scene.admits(rules, subject="", token="t2")
    assert not await scene.admits(rules, subject="", token="t2")
    assert await scene.admits(rules, subject="token t2")


async def test_a_token_s_own_limits_hold_instead_of_those_of_all_tokens() -> None:
    scene, rules = Scene(), only("token", requests_per_minute=1, concurrent=2)
    own = Limits(requests_per_minute=3)
    assert [await scene.admits(rules, own=own) for _ in range(3)] == [True, True, False]
    refused = await scene.refusal(rules, own=own)
    assert "2 requests at a time of this token" in refused.message
    assert own.instead_of(rules.token) == Limits(requests_per_minute=3, concurrent=2)


async def test_requests_are_refilled_and_tokens_settled() -> None:
    scene, rules = Scene(), only("token", requests_per_minute=60, tokens_per_minute=6000)
    first = await scene.admit(rules, 5000)
    assert dict(first.headers) == {
        b"x-ratelimit-limit-requests": b"60",
        b"x-ratelimit-remaining-requests": b"59",
        b"x-ratelimit-reset-requests": b"1s",
        b"x-ratelimit-limit-tokens": b"6000",
        b"x-ratelimit-remaining-tokens": b"1000",
        b"x-ratelimit-reset-tokens": b"50s",
    }
    refused = await scene.refusal(rules, 5000)
    assert isinstance(refused, RateLimited)
    assert (refused.status, refused.type, refused.code) == (429, "rate_limit_error", "rate_limit_exceeded")
    assert refused.retry_after_s == 40
    assert refused.message == "The limit of 6000 tokens a minute of this token is reached; try again in 40 s."
    assert dict(refused.headers)[b"x-ratelimit-remaining-requests"] == b"59"
    await scene.limiter.settle(first, 1000)
    second = await scene.admit(rules, 5000)
    assert dict(second.headers)[b"x-ratelimit-remaining-tokens"] == b"0"
    await scene.limiter.settle(second, 9000)
    scene.clock.now_s += 60
    assert (await scene.refusal(rules, 3000)).retry_after_s == 10


async def test_budgets_last_until_midnight_and_the_end_of_the_month() -> None:
    scene = Scene()
    scene.clock.now_s -= 60
    rules = LimitRules(tenant=Limits(tokens_per_day=100, tokens_per_month=150))
    assert await scene.admits(rules, 80)
    refused = await scene.refusal(rules, 80)
    assert isinstance(refused, BudgetExceeded)
    assert (refused.status, refused.code) == (429, "budget_exceeded")
    # The month is of no use either, and lasts longer.
    assert refused.message.startswith("The limit of 150 tokens a month of this tenant is reached")
    assert refused.retry_after_s == 86_460
    assert (await scene.refusal(rules, 30)).retry_after_s == 60
    scene.clock.now_s += 60
    late = await scene.admit(rules, 70)
    # Of which budget least is left.
    assert dict(late.headers)[b"x-ratelimit-limit-tokens"] == b"150"
    assert dict(late.headers)[b"x-ratelimit-remaining-tokens"] == b"0"
    assert dict(late.headers)[b"x-ratelimit-reset-tokens"] == b"24h0m0s"


async def test_what_is_settled_after_midnight_is_settled_in_its_own_day() -> None:
    scene, rules = Scene(), only("tenant", tokens_per_day=100, tokens_per_month=1000)
    scene.clock.now_s -= 1
    early = await scene.admit(rules, 90)
    scene.clock.now_s += 1
    assert await scene.admits(rules, 90)
    await scene.limiter.settle(early, 0)
    assert not await scene.admits(rules, 20)
    assert await scene.admits(rules, 10)


async def test_what_asks_for_more_than_the_limit_need_not_come_again() -> None:
    scene = Scene()
    for limits in ({"tokens_per_minute": 10}, {"tokens_per_day": 10}):
        refused = await scene.refusal(only("model", **limits), 11)
        assert refused.retry_after_s is None
        assert "lower max_completion_tokens" in refused.message


async def test_requests_under_way_are_counted_until_they_are_settled() -> None:
    scene, rules = Scene(), LimitRules(token=Limits(concurrent=2), model=Limits(concurrent=2))
    first, second = await scene.admit(rules), await scene.admit(rules)
    assert first.headers == ()
    refused = await scene.refusal(rules)
    assert isinstance(refused, RateLimited)
    assert refused.retry_after_s == 1
    await scene.limiter.settle(first, None)
    await scene.limiter.settle(first, None)
    assert await scene.admits(rules)
    assert not await scene.admits(rules)
    await scene.limiter.settle(second, None)
    assert await scene.admits(rules)


async def test_settling_twice_gives_nothing_back_twice() -> None:
    scene, rules = Scene(), only("tenant", tokens_per_day=100)
    admission = await scene.admit(rules, 60)
    await scene.admit(rules, 40)
    for _ in range(3):
        await scene.limiter.settle(admission, 20)
    assert not await scene.admits(rules, 41)
    assert await scene.admits(rules, 40)


async def test_what_a_model_refuses_is_given_back_to_the_tenant() -> None:
    scene = Scene()
    tenant = Limits(
        requests_per_minute=2, tokens_per_minute=100, concurrent=2, tokens_per_day=100, tokens_per_month=100
    )
    full, free = LimitRules(tenant=tenant, model=Limits(tokens_per_day=50)), LimitRules(tenant=tenant)
    for _ in range(5):
        refused = await scene.refusal(full, 51)
        assert "of this model" in refused.message
        await asyncio.sleep(0)
    await scene.limiter.close()
    for _ in range(2):
        assert await scene.admits(free, 50)
    assert not await scene.admits(free)


async def test_names_tell_nothing_and_one_call_does_for_a_tenant() -> None:
    scene = Scene()
    some = Limits(requests_per_minute=9, tokens_per_minute=9, concurrent=9, tokens_per_day=9, tokens_per_month=9)
    await scene.limiter.settle(await scene.admit(LimitRules(some, some, some, some), 5), 3)
    assert [call[0] for call in scene.store.calls] == ["take", "take", "settle", "settle"]
    assert [len(call[2]) for call in scene.store.calls] == [15, 5, 12, 4]
    told = repr(scene.store.calls)
    assert not any(word in told for word in ("acme", "ada", "llama"))


@pytest.mark.parametrize("local", [False, True])
async def test_a_store_that_fails(local: bool) -> None:
    scene, rules = Scene(local=local), only("token", requests_per_minute=2, concurrent=5)
    assert await scene.admits(rules)
    scene.store.trouble = Trouble.SUSPENDED
    if not local:
        with pytest.raises(Unavailable) as caught:
            await scene.admit(rules)
        assert caught.value.retry_after_s == 1
        assert scene.reports == ["limits_closed"]
        return
    admissions = [await scene.admit(rules) for _ in range(2)]
    assert not await scene.admits(rules)
    assert scene.reports == ["limits_local"] * 3
    scene.store.trouble = None
    assert await scene.admits(rules)
    calls = len(scene.store.calls)
    for admission in admissions:
        await scene.limiter.settle(admission, 1)
    assert len(scene.store.calls) == calls  # what was taken here is given back here


async def test_a_store_that_fails_between_two_owners_gives_back_the_first() -> None:
    scene = Scene(local=True)
    rules = LimitRules(tenant=Limits(tokens_per_day=10), model=Limits(tokens_per_day=10))
    calls = 0

    async def fail_second() -> None:
        nonlocal calls
        calls += 1
        scene.store.trouble = Trouble.TIMEOUT if calls == 2 else None

    scene.store.pause = fail_second
    assert await scene.admits(rules, 10)
    await scene.limiter.close()
    scene.store.pause = None
    assert await scene.admits(rules, 10)
    assert not await scene.admits(rules, 10)


async def test_what_cannot_be_settled_is_said_and_holds_nobody_up() -> None:
    scene, rules = Scene(), only("token", tokens_per_day=20)
    admission = await scene.admit(rules, 10)
    scene.store.trouble = Trouble.TIMEOUT
    await scene.limiter.settle(admission, 0)
    assert scene.reports == ["limits_unsettled"]
    scene.store.trouble = None
    assert await scene.admits(rules, 10)
    assert not await scene.admits(rules, 10)


async def test_settling_goes_on_when_who_awaits_it_is_cancelled() -> None:
    scene, rules = Scene(), only("token", concurrent=1, tokens_per_day=100)
    go_on = asyncio.Event()
    admission = await scene.admit(rules, 100)
    scene.store.pause = go_on.wait

    async def request() -> None:
        await scene.limiter.settle(admission, 10)

    tasks = [asyncio.create_task(request()) for _ in range(2)]
    await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    go_on.set()
    await scene.limiter.close()
    assert await scene.admits(rules, 90)
    assert scene.store.count("settle") == 1


async def test_a_request_that_is_cancelled_while_it_is_admitted_keeps_no_place() -> None:
    scene = Scene()
    rules = LimitRules(tenant=Limits(concurrent=1, requests_per_minute=2), model=Limits(concurrent=1))
    for turn in range(2):
        stuck = asyncio.Event()
        seen = len(scene.store.calls)

        async def stop_at(turn: int = turn, seen: int = seen, stuck: asyncio.Event = stuck) -> None:
            if len(scene.store.calls) - seen == turn + 1:
                await stuck.wait()

        scene.store.pause = stop_at
        task = asyncio.create_task(scene.admit(rules))
        await asyncio.sleep(0.01)
        scene.store.pause = None
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await scene.limiter.close()
    assert await scene.admits(rules)


async def test_many_that_end_together_are_settled_together() -> None:
    scene, rules = Scene(), only("tenant", tokens_per_day=LARGEST_LIMIT, concurrent=1000)
    admissions = [await scene.admit(rules, 5) for _ in range(250)]
    await asyncio.gather(*(_awaited(scene.limiter.settle(admission, 1)) for admission in admissions))
    assert scene.store.count("settle") == 5
    assert sum(len(call[2]) for call in scene.store.calls if call[0] == "settle") == 500


async def _awaited(work: Awaitable[None]) -> None:
    await work


async def test_long_requests_keep_their_places_and_lost_ones_do_not() -> None:
    scene, rules = Scene(lease_s=0.3), only("token", concurrent=2)
    kept: Admission | None = await scene.admit(rules)
    assert await scene.admits(rules)  # nobody keeps this one
    for _ in range(8):
        scene.clock.now_s += 0.1
        await asyncio.sleep(0.11)
    assert scene.reports == []
    assert await scene.admits(rules)
    assert not await scene.admits(rules)
    assert scene.store.count("renew") >= 4
    assert kept is not None
    await scene.limiter.settle(kept, None)
    await asyncio.sleep(0.25)
    assert scene.limiter._renewer is not None
    assert scene.limiter._renewer.done()
    await scene.limiter.close()


async def test_leases_that_cannot_be_renewed_are_told_of() -> None:
    scene, rules = Scene(lease_s=0.15), only("token", concurrent=2)
    kept = await scene.admit(rules)
    scene.store.trouble = Trouble.TIMEOUT
    await asyncio.sleep(0.12)
    assert "limits_unrenewed" in scene.reports
    assert kept.settled is False
    await scene.limiter.close()
