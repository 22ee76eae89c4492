from __future__ import annotations

import threading

import pytest
from prometheus_client import CollectorRegistry

from gateway.observe.log import JsonFormatter
from gateway.observe.series import MOST_CHILDREN, OTHER, Series


def test_what_is_counted_is_read_at_once() -> None:
    registry = CollectorRegistry()
    series = Series(registry)
    counter = series.counter("seen", "-", ("kind",))
    times = series.histogram("times", "-", (), (1, 2))
    counter.of("a").count += 2
    for seconds in (0.5, 1.0, 1.5, 5.0):
        times.of().observe(seconds)
    for _ in range(2):  # reading twice changes nothing
        assert registry.get_sample_value("seen_total", {"kind": "a"}) == 2
        found = [registry.get_sample_value("times_bucket", {"le": le}) for le in ("1.0", "2.0", "+Inf")]
        assert found == [2, 3, 4]
        assert registry.get_sample_value("times_sum") == 8.0
        assert registry.get_sample_value("times_count") == 4


def test_a_metric_has_so_many_labels_at_most() -> None:
    registry = CollectorRegistry()
    series = Series(registry)
    counter, times = series.counter("seen", "-", ("a", "b")), series.histogram("times", "-", ("a",))
    for number in range(3 * MOST_CHILDREN):
        counter.of(str(number), "x").count += 1
        times.of(str(number)).observe(0)
    counter.of("0", "x").count += 1
    samples = [sample for metric in registry.collect() for sample in metric.samples]
    seen = {tuple(s.labels.values()): s.value for s in samples if s.name == "seen_total"}
    assert len(seen) == MOST_CHILDREN + 1
    assert seen[OTHER, OTHER] == 2 * MOST_CHILDREN
    assert seen["0", "x"] == 2
    counts = {s.labels["a"]: s.value for s in samples if s.name == "times_count"}
    assert counts[OTHER] == 2 * MOST_CHILDREN


def test_one_that_cannot_be_read_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    registry = CollectorRegistry()
    series = Series(registry)

    def broken() -> None:
        raise ValueError("/home/canary/keys.json")

    series.pourers.insert(0, broken)
    counter = series.counter("seen", "-")
    for expected in (1, 2, 3):
        counter.of().count += 1
        assert registry.get_sample_value("seen_total") == expected
    (record,) = caplog.records
    assert "canary" not in JsonFormatter().format(record)


def test_reading_while_counting_loses_nothing() -> None:
    registry = CollectorRegistry()
    series = Series(registry)
    counter, times = series.counter("seen", "-"), series.histogram("times", "-", (), (1,))
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            series.pour()

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(50_000):
        counter.of().count += 1
        times.of().observe(0.5)
    stop.set()
    for reader in readers:
        reader.join()
    assert registry.get_sample_value("seen_total") == 50_000
    assert registry.get_sample_value("times_count") == 50_000
    assert registry.get_sample_value("times_sum") == 25_000
