"""What limits are held against: a slow model of them in fractions, and Redis on a clock of the test's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from gateway.store.port import (
    NEVER,
    Budget,
    Calendar,
    Correction,
    Demand,
    Grant,
    Lease,
    Rate,
    Taken,
)
from gateway.store.redis import RedisStore
from gateway.store.redis_scripts import RENEW, SETTLE, TAKE, Script, call, taken

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = "local clock = redis.call('TIME')"


class Clock:
    """Milliseconds that a test sets; as a clock of a store it gives seconds."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def __call__(self) -> float:
        # Half a millisecond more, so that no rounding of seconds makes it one less.
        return (self.now_ms + 0.5) / 1000


class ClockedRedis:
    """The scripts of the store, but for the one line that asks Redis for the time."""

    def __init__(self, store: RedisStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def take(self, owner: str, demands: Sequence[Demand]) -> Taken:
        return taken(await self._run(TAKE, owner, demands))

    async def settle(self, owner: str, corrections: Sequence[Correction]) -> None:
        await self._run(SETTLE, owner, corrections)

    def settle_now(self, owner: str, corrections: Sequence[Correction]) -> bool:
        return False

    async def renew(self, owner: str, leases: Sequence[Lease]) -> list[bool]:
        return [answer == 1 for answer in await self._run(RENEW, owner, leases)]

    async def _run(self, script: Script, owner: str, demands: Sequence[Demand | Correction]) -> list[int]:
        assert _TIME in script.text
        seconds, rest = divmod(self._clock.now_ms, 1000)
        text = script.text.replace(_TIME, f"local clock = {{'{seconds}', '{rest}500'}}")
        answer: list[int] = await self._store._ask("EVAL", text, *call(script, owner, demands)[2:])
        return answer


def end_of(now_ms: int, calendar: Calendar) -> int:
    """By counting days."""
    day = (_EPOCH + timedelta(milliseconds=now_ms)).date()
    after = day + timedelta(days=1)
    while calendar is Calendar.MONTH and after.month == day.month:
        after += timedelta(days=1)
    return (datetime(after.year, after.month, after.day, tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)


@dataclass
class _Rate:
    taken: Fraction = Fraction(0)
    at: int = 0
    gone: Fraction = Fraction(0)
    """When nothing would be left at the limit of the time."""


@dataclass
class _Budget:
    used: int = 0
    until: int = 0


@dataclass
class Model:
    """A LimitStore of one owner, as slow as it is plain."""

    clock: Clock
    rates: dict[str, _Rate] = field(default_factory=dict)
    budgets: dict[str, _Budget] = field(default_factory=dict)
    leases: dict[str, dict[str, int]] = field(default_factory=dict)

    def take(self, demands: Sequence[Demand]) -> list[Grant]:
        waits = [self._wait(demand) for demand in demands]
        if not any(waits):
            for demand in demands:
                self._add(demand)
        return [self._grant(demand, wait) for demand, wait in zip(demands, waits, strict=True)]

    def settle(self, corrections: Sequence[Correction]) -> None:
        for correction in corrections:
            demand = correction.demand
            if isinstance(demand, Rate):
                self._fill(demand, correction.amount)
            elif isinstance(demand, Budget):
                budget = self.budgets.get(demand.name, _Budget())
                if budget.until == correction.window and self.clock.now_ms < budget.until:
                    budget.used = min(max(0, budget.used + correction.amount), 2**52)
            else:
                self.leases.get(demand.name, {}).pop(demand.id, None)

    def renew(self, leases: Sequence[Lease]) -> list[bool]:
        found = []
        for lease in leases:
            alive = self._alive(lease)
            found.append(lease.id in alive)
            if lease.id in alive:
                alive[lease.id] = self.clock.now_ms + lease.ttl_ms
        return found

    def _wait(self, demand: Demand) -> int:
        now_ms = self.clock.now_ms
        if isinstance(demand, Lease):
            alive = self._alive(demand)
            full = demand.id not in alive and len(alive) >= demand.limit
            return min(alive.values()) - now_ms if full else 0
        if demand.amount > demand.limit:
            return NEVER
        if isinstance(demand, Budget):
            budget = self._budget(demand)
            return 0 if budget.used + demand.amount <= demand.limit else budget.until - now_ms
        over = self._rate(demand).taken + demand.amount - demand.limit
        return max(0, -((-over * demand.period_ms / demand.limit) // 1))

    def _add(self, demand: Demand) -> None:
        if isinstance(demand, Rate):
            self._fill(demand, demand.amount)
        elif isinstance(demand, Budget):
            self._budget(demand).used += demand.amount
        else:
            self._alive(demand)[demand.id] = self.clock.now_ms + demand.ttl_ms

    def _grant(self, demand: Demand, wait: int) -> Grant:
        if isinstance(demand, Rate):
            level = self._rate(demand).taken
            reset = -((-level * demand.period_ms / demand.limit) // 1)
            return Grant(max(0, int((demand.limit - level) // 1)), int(reset), wait, 0)
        if isinstance(demand, Budget):
            budget = self._budget(demand)
            left = max(0, demand.limit - budget.used)
            return Grant(left, budget.until - self.clock.now_ms, wait, budget.until)
        return Grant(max(0, demand.limit - len(self._alive(demand))), wait, wait, 0)

    def _rate(self, demand: Rate) -> _Rate:
        rate, now_ms = self.rates.setdefault(demand.name, _Rate()), self.clock.now_ms
        refilled = Fraction(demand.limit, demand.period_ms) * (now_ms - rate.at)
        if now_ms >= rate.gone:
            return _Rate(at=now_ms)
        return _Rate(max(Fraction(0), rate.taken - refilled), now_ms, rate.gone)

    def _fill(self, demand: Rate, amount: int) -> None:
        rate = self._rate(demand)
        rate.taken = min(max(Fraction(0), rate.taken + amount), Fraction(2**52, demand.period_ms))
        rate.gone = self.clock.now_ms + rate.taken * demand.period_ms / demand.limit
        self.rates[demand.name] = rate

    def _budget(self, demand: Budget) -> _Budget:
        budget = self.budgets.setdefault(demand.name, _Budget())
        if budget.until <= self.clock.now_ms:
            budget.used, budget.until = 0, end_of(self.clock.now_ms, demand.calendar)
        return budget

    def _alive(self, demand: Lease) -> dict[str, int]:
        alive = {lease: end for lease, end in self.leases.get(demand.name, {}).items() if end > self.clock.now_ms}
        self.leases[demand.name] = alive
        return alive
