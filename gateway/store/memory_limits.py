"""Limits in this process's own memory: for one process without Redis, and for when Redis cannot be reached."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway.store.port import (
    NEVER,
    Budget,
    Calendar,
    Correction,
    Demand,
    Grant,
    Lease,
    Rate,
    StoreUnavailable,
    Taken,
    Trouble,
    check_demands,
)

MOST_COUNTERS = 100_000
"""How many counters and leases there may be, of some 400 bytes each. At the bound those that are over make room, and if
there are none, what needs a new one is refused: a counter that was dropped early would be a limit that starts anew."""
_SWEEP_EVERY_MS = 1000
_FEW = 1024
_FULLEST = 2**52

_Key = tuple[str, str]


def window_end_ms(now_ms: int, calendar: Calendar) -> int:
    """When the day or the month of UTC ends, in milliseconds since 1970, that has this moment in it."""
    day = datetime.fromtimestamp(now_ms // 1000, UTC).replace(hour=0, minute=0, second=0)
    if calendar is Calendar.DAY:
        end = day + timedelta(days=1)
    else:
        end = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return int(end.timestamp()) * 1000


@dataclass(slots=True)
class _Level:
    """What was taken of a rate, times its period, at a time; 0 after `until`."""

    level: int
    at: int
    until: int


@dataclass(slots=True)
class _Used:
    """What was taken of a budget, in the window that ends at `until`."""

    used: int
    until: int


@dataclass(slots=True)
class _Leases:
    """When each lease ends, and a time before which none does."""

    ends: dict[str, int] = field(default_factory=dict)
    first: int = 0


_Counter = _Level | _Used | _Leases


@dataclass(frozen=True, slots=True)
class _Time:
    steady: int
    wall: int


class MemoryLimits:
    """See the LimitStore protocol. `clock` gives seconds and never goes back, `wall_clock` seconds since 1970.

    If the wall clock goes back, the time that it showed before stays until it has caught up: no budget starts twice.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        wall_clock: Callable[[], float] = time.time,
        most: int = MOST_COUNTERS,
    ) -> None:
        self._clock = clock
        self._wall_clock = wall_clock
        self._most = most
        self._counters: dict[_Key, _Counter] = {}
        self._leases = 0
        self._time = _Time(0, 0)
        self._sweep_at = _FEW
        self._swept_ms = -_SWEEP_EVERY_MS

    @property
    def size(self) -> int:
        """How many counters and leases there are, those included that are over and not yet gone."""
        return len(self._counters) + self._leases

    def clear(self) -> None:
        """Forget all."""
        self._counters.clear()
        self._leases = 0

    async def take(self, owner: str, demands: Sequence[Demand]) -> Taken:
        check_demands(owner, demands)
        now = self._now()
        self._make_room(owner, demands, now)
        decided = [self._decide((owner, demand.name), demand, now) for demand in demands]
        granted = not any(grant.wait_ms for grant in decided)
        if granted:
            decided = [self._keep((owner, demand.name), demand, now) for demand in demands]
        return Taken(tuple(decided), now.steady)

    async def settle(self, owner: str, corrections: Sequence[Correction]) -> None:
        self.settle_now(owner, corrections)

    def settle_now(self, owner: str, corrections: Sequence[Correction]) -> bool:
        now = self._now()
        for correction in corrections:
            demand = correction.demand
            key = owner, demand.name
            if isinstance(demand, Rate):
                self._fill(key, demand, correction.amount, now)
            elif isinstance(demand, Budget):
                self._spend(key, correction, now)
            else:
                self._give_back(key, demand)
        return True

    async def renew(self, owner: str, leases: Sequence[Lease]) -> list[bool]:
        now = self._now()
        return [self._renew((owner, lease.name), lease, now) for lease in leases]

    def _now(self) -> _Time:
        before = self._time
        self._time = now = _Time(
            max(before.steady, int(self._clock() * 1000)), max(before.wall, int(self._wall_clock() * 1000))
        )
        return now

    def _decide(self, key: _Key, demand: Demand, now: _Time) -> Grant:
        """What would come of it now."""
        if isinstance(demand, Rate):
            level, full = self._level(key, demand, now), demand.limit * demand.period_ms
            over = level + demand.amount * demand.period_ms - full
            wait_ms = NEVER if demand.amount > demand.limit else _ceil(max(0, over), demand.limit)
            return _rate_grant(level, demand, wait_ms)
        if isinstance(demand, Budget):
            used, until = self._used(key, demand, now)
            wait_ms = 0 if used + demand.amount <= demand.limit else until - now.wall
            wait_ms = NEVER if demand.amount > demand.limit else wait_ms
            return Grant(max(0, demand.limit - used), until - now.wall, wait_ms, until)
        ends = self._alive(key, now).ends
        if demand.id in ends or len(ends) < demand.limit:
            return Grant(max(0, demand.limit - len(ends)), 0, 0, 0)
        first_ms = min(ends.values()) - now.steady
        return Grant(0, first_ms, first_ms, 0)

    def _keep(self, key: _Key, demand: Demand, now: _Time) -> Grant:
        """Take it, which has been found to be possible."""
        if isinstance(demand, Rate):
            return _rate_grant(self._fill(key, demand, demand.amount, now), demand, 0)
        if isinstance(demand, Budget):
            used, until = self._used(key, demand, now)
            self._counters[key] = _Used(used + demand.amount, until)
            return Grant(demand.limit - used - demand.amount, until - now.wall, 0, until)
        leases = self._alive(key, now)
        end = now.steady + demand.ttl_ms
        leases.first = min(leases.first, end) if leases.ends else end
        self._leases += demand.id not in leases.ends
        leases.ends[demand.id] = end
        self._counters[key] = leases
        return Grant(max(0, demand.limit - len(leases.ends)), 0, 0, 0)

    def _level(self, key: _Key, demand: Rate, now: _Time) -> int:
        counter = self._counters.get(key)
        if not isinstance(counter, _Level) or counter.until <= now.steady:
            return 0
        return max(0, counter.level - (now.steady - counter.at) * demand.limit)

    def _fill(self, key: _Key, demand: Rate, amount: int, now: _Time) -> int:
        level = min(max(0, self._level(key, demand, now) + amount * demand.period_ms), _FULLEST)
        if level:
            self._counters[key] = _Level(level, now.steady, now.steady + _ceil(level, demand.limit))
        else:
            self._counters.pop(key, None)
        return level

    def _used(self, key: _Key, demand: Budget, now: _Time) -> tuple[int, int]:
        counter = self._counters.get(key)
        if isinstance(counter, _Used) and now.wall < counter.until:
            return counter.used, counter.until
        return 0, window_end_ms(now.wall, demand.calendar)

    def _spend(self, key: _Key, correction: Correction, now: _Time) -> None:
        counter = self._counters.get(key)
        if isinstance(counter, _Used) and counter.until == correction.window and now.wall < counter.until:
            counter.used = min(max(0, counter.used + correction.amount), _FULLEST)

    def _alive(self, key: _Key, now: _Time) -> _Leases:
        """The leases, without those that are over."""
        counter = self._counters.get(key)
        if not isinstance(counter, _Leases):
            return _Leases()
        if counter.first <= now.steady:
            before = len(counter.ends)
            counter.ends = {lease: end for lease, end in counter.ends.items() if now.steady < end}
            counter.first = min(counter.ends.values(), default=now.steady)
            self._leases -= before - len(counter.ends)
        return counter

    def _give_back(self, key: _Key, lease: Lease) -> None:
        counter = self._counters.get(key)
        if isinstance(counter, _Leases):
            self._leases -= counter.ends.pop(lease.id, None) is not None
            if not counter.ends:
                del self._counters[key]

    def _renew(self, key: _Key, lease: Lease, now: _Time) -> bool:
        leases = self._alive(key, now)
        if lease.id not in leases.ends:
            return False
        leases.ends[lease.id] = end = now.steady + lease.ttl_ms
        leases.first = min(leases.first, end)
        return True

    def _make_room(self, owner: str, demands: Sequence[Demand], now: _Time) -> None:
        """Raises StoreUnavailable if there is none."""
        if self.size + 2 * len(demands) > min(self._sweep_at, self._most):
            self._sweep(now)
            new = sum((owner, demand.name) not in self._counters for demand in demands)
            new += sum(isinstance(demand, Lease) for demand in demands)
            if new and self.size + new > self._most:
                raise StoreUnavailable(Trouble.FULL)

    def _sweep(self, now: _Time) -> None:
        """Drop what is over: whenever there is twice as much as was left the last time, so that it costs little."""
        if self.size <= self._sweep_at and now.steady - self._swept_ms < _SWEEP_EVERY_MS:
            return  # full, and looked at a moment ago
        self._swept_ms = now.steady
        for key, counter in list(self._counters.items()):
            if isinstance(counter, _Leases):
                over = not self._alive(key, now).ends
            else:
                over = counter.until <= (now.wall if isinstance(counter, _Used) else now.steady)
            if over:
                del self._counters[key]
        self._sweep_at = max(_FEW, 2 * self.size)


def _rate_grant(level: int, demand: Rate, wait_ms: int) -> Grant:
    remaining = max(0, demand.limit * demand.period_ms - level) // demand.period_ms
    return Grant(remaining, _ceil(level, demand.limit), wait_ms, 0)


def _ceil(amount: int, by: int) -> int:
    return -(-amount // by)
