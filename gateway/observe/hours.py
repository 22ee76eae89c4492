"""Counts of the last hours by tenant, in the memory of one worker, for the page /ui: kinds and counts, no content."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.observe.events import ExchangeEvent

BOUNDS_MS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000)
"""Upper bounds of times; what took longer is counted behind the last."""
_HOURS = 24
_MOST_TENANTS = 512
_MOST_KINDS = 64
_HOUR_S = 3600


@dataclass(slots=True)
class _Hour:
    """Of exchanges that began with a model's name; what was refused before that is nobody's."""

    starts: int
    """Seconds since 1970."""
    exchanges: int = 0
    blocked: int = 0
    refused: int = 0
    failed: int = 0
    cache: Counter[str] = field(default_factory=Counter)
    entities: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    """Findings in answers, by stage."""
    whole_ms: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_MS) + 1))
    analysis_ms: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_MS) + 1))

    def add(self, event: ExchangeEvent) -> None:
        self.exchanges += 1
        if event.rules:
            self.blocked += 1
        elif event.status >= 500:
            self.failed += 1
        elif event.status >= 400:
            self.refused += 1
        if event.cache:
            self.cache[str(event.cache)] += 1
        for finding in event.findings:
            if finding.stage == "redact":
                known = finding.kind in self.entities or len(self.entities) < _MOST_KINDS
                self.entities[finding.kind if known else "OTHER"] += finding.count
            else:
                self.answers[finding.stage] += finding.count
        _time(self.whole_ms, event.seconds)
        _time(self.analysis_ms, event.analysis_seconds)

    def told(self) -> dict[str, Any]:
        counters = {"cache": self.cache, "entities": self.entities, "answers": self.answers}
        return {
            "starts": self.starts,
            "exchanges": self.exchanges,
            "blocked": self.blocked,
            "refused": self.refused,
            "failed": self.failed,
            **{name: dict(counter.most_common()) for name, counter in counters.items()},
            "whole_ms": self.whole_ms,
            "analysis_ms": self.analysis_ms,
        }


def _time(counts: list[int], seconds: float) -> None:
    counts[bisect_left(BOUNDS_MS, seconds * 1000)] += 1


class HourlyCounts:
    """An observer that remembers the last 24 hours. `clock`: seconds since 1970."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._all: deque[_Hour] = deque(maxlen=_HOURS)
        self._tenants: OrderedDict[str, deque[_Hour]] = OrderedDict()

    def exchange_done(self, event: ExchangeEvent) -> None:
        if event.kind != "exchange" or not event.model:
            return
        if event.tenant not in self._tenants:
            self._tenants[event.tenant] = deque(maxlen=_HOURS)
            if len(self._tenants) > _MOST_TENANTS:
                self._tenants.popitem(last=False)  # of all the one that has asked nothing for the longest time
        self._tenants.move_to_end(event.tenant)
        for hours in (self._all, self._tenants[event.tenant]):
            self._now(hours).add(event)

    def of(self, tenant: str) -> list[dict[str, Any]]:
        """The hours in which a tenant asked anything, the earliest first."""
        return self._told(self._tenants.get(tenant, deque()))

    def of_all(self) -> list[dict[str, Any]]:
        """The same of all tenants together."""
        return self._told(self._all)

    def _now(self, hours: deque[_Hour]) -> _Hour:
        starts = int(self._clock()) // _HOUR_S * _HOUR_S
        # A clock that was set back adds to the hour that is there.
        if not hours or hours[-1].starts < starts:
            hours.append(_Hour(starts))
        return hours[-1]

    def _told(self, hours: deque[_Hour]) -> list[dict[str, Any]]:
        since = int(self._clock()) // _HOUR_S * _HOUR_S - (_HOURS - 1) * _HOUR_S
        return [hour.told() for hour in hours if hour.starts >= since]
