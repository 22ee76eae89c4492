"""Counters and histograms that cost next to nothing where they are counted.

What happens is added to plain numbers on the event loop, and poured into prometheus_client's when somebody reads the
registry, or a few times a second where workers share files: its own counters take a lock and, shared, write to a file
for each number.

Labels are names of ours or of the policy. A metric has so many of them at most, whatever happens: others are counted
together as `other`.
"""

from __future__ import annotations

import logging
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric

from gateway.observe.log import describe

_LOG = logging.getLogger("gateway")
MOST_CHILDREN = 500
OTHER = "other"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
SHORT_SECONDS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5)


class Tally:
    """One number of a counter. Whoever counts never reads, and whoever reads never writes: so there is no lock."""

    __slots__ = ("_child", "_poured", "count")

    def __init__(self, child: Counter) -> None:
        self._child = child
        self.count: float = 0
        self._poured: float = 0

    def pour(self) -> None:
        """Into the counter, what came since the last time."""
        count = self.count
        if count != self._poured:
            self._child.inc(count - self._poured)
            self._poured = count


class Distribution:
    """The numbers of a histogram with one set of labels."""

    __slots__ = ("_bounds", "_child", "_counts", "_poured", "_poured_sum", "_sum")

    def __init__(self, child: Histogram, bounds: Sequence[float]) -> None:
        self._child = child
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        self._poured = list(self._counts)
        self._poured_sum = 0.0

    def observe(self, amount: float) -> None:
        self._counts[bisect_left(self._bounds, amount)] += 1
        self._sum += amount

    def pour(self) -> None:
        """Into the histogram, what came since the last time. It has no public way to take several at once."""
        counts, total = list(self._counts), self._sum
        if counts == self._poured:
            return
        for bucket, count, before in zip(self._child._buckets, counts, self._poured, strict=True):
            if count != before:
                bucket.inc(count - before)
        self._child._sum.inc(total - self._poured_sum)
        self._poured, self._poured_sum = counts, total


Number = TypeVar("Number", bound=Tally | Distribution)


class Labelled(Generic[Number]):
    """A counter or a histogram by its labels. `make`: what counts for one set of them."""

    def __init__(self, series: Series, metric: Counter | Histogram, size: int, make: Callable[[Any], Number]) -> None:
        self._series = series
        self._metric = metric
        self._size = size
        self._make = make
        self._children: dict[tuple[str, ...], Number] = {}

    def of(self, *values: str) -> Number:
        """The numbers of these labels, made at their first use."""
        return self._children.get(values) or self._made(values)

    def _made(self, values: tuple[str, ...]) -> Number:
        if len(self._children) >= MOST_CHILDREN:
            values = (OTHER,) * self._size
            if values in self._children:
                return self._children[values]
        child = self._metric.labels(*values) if values else self._metric
        made = self._children[values] = self._make(child)
        self._series.pourers.append(made.pour)
        return made


Tallies = Labelled[Tally]
Distributions = Labelled[Distribution]


class Series:
    """All counters, histograms and gauges of one worker. Registered before them, so that a reading of the registry
    pours first. Counting is for one thread; pouring is for any."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._lock = threading.Lock()
        self.pourers: list[Callable[[], None]] = []
        """What brings the numbers of each to where they are read; gauges too."""
        registry.register(self)

    def counter(self, name: str, documentation: str, labels: Sequence[str] = ()) -> Tallies:
        made = Counter(name, documentation, labels, registry=self._registry)
        return Labelled(self, made, len(labels), Tally)

    def histogram(
        self, name: str, documentation: str, labels: Sequence[str] = (), bounds: Sequence[float] = SECONDS
    ) -> Distributions:
        made = Histogram(name, documentation, labels, buckets=bounds, registry=self._registry)
        return Labelled(self, made, len(labels), partial(Distribution, bounds=tuple(bounds)))

    def gauge(self, name: str, documentation: str, labels: Sequence[str] = ()) -> Gauge:
        """Of several workers that live, the sum."""
        return Gauge(name, documentation, labels, registry=self._registry, multiprocess_mode="livesum")

    def worst(self, name: str, documentation: str) -> Gauge:
        """Of several workers that live, the largest."""
        return Gauge(name, documentation, registry=self._registry, multiprocess_mode="livemax")

    def pour(self) -> None:
        """Bring all that was counted to where it is read."""
        with self._lock:
            for pourer in tuple(self.pourers):
                try:
                    pourer()
                except Exception as error:
                    # All others are worth more than one that cannot be read; once is enough to say so.
                    self.pourers.remove(pourer)
                    _LOG.error("a metric is lost", extra=describe(error))

    def describe(self) -> Iterable[Metric]:
        """Of itself it has no metric."""
        return ()

    def collect(self) -> Iterable[Metric]:
        self.pour()
        return ()
