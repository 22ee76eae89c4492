"""Counts by the hour: of whom, of what, and how many of them are kept."""

from __future__ import annotations

import json
from dataclasses import replace

from gateway.observe.events import ExchangeEvent
from gateway.observe.hours import BOUNDS_MS, HourlyCounts
from gateway.pipeline.exchange import Finding
from gateway.pipeline.ports import Source

HOUR_S = 3600
DONE = ExchangeEvent(
    "id",
    "/chat/completions",
    200,
    tenant="acme",
    subject="jane",
    model="llama",
    findings=(Finding("redact", "PERSON", "placeholder", 2), Finding("links", "image", "neutralise", 1)),
    cache=Source.HIT,
    seconds=0.02,
    analysis_seconds=0.001,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def test_an_hour_has_kinds_and_counts() -> None:
    counts = HourlyCounts(Clock())
    for event in (
        DONE,
        replace(DONE, rules=("answers.links",)),
        replace(DONE, status=429),
        replace(DONE, status=503),
        replace(DONE, seconds=1e6),
    ):
        counts.exchange_done(event)
    (hour,) = counts.of("acme")
    assert hour["starts"] == 1_800_000_000
    assert (hour["exchanges"], hour["blocked"], hour["refused"], hour["failed"]) == (5, 1, 1, 1)
    assert (hour["entities"], hour["answers"], hour["cache"]) == ({"PERSON": 10}, {"links": 5}, {"hit": 5})
    assert hour["whole_ms"][BOUNDS_MS.index(25)] == 4
    assert hour["whole_ms"][-1] == 1
    assert "jane" not in json.dumps(hour)


def test_each_tenant_has_its_own_and_all_together_have_one() -> None:
    counts = HourlyCounts(Clock())
    for tenant in ("acme", "globex", "acme"):
        counts.exchange_done(replace(DONE, tenant=tenant))
    assert [hour["exchanges"] for hour in counts.of("acme")] == [2]
    assert [hour["exchanges"] for hour in counts.of("globex")] == [1]
    assert [hour["exchanges"] for hour in counts.of_all()] == [3]
    assert counts.of("nobody") == []


def test_what_asks_no_model_is_not_counted() -> None:
    counts = HourlyCounts(Clock())
    counts.exchange_done(replace(DONE, kind="admin"))
    counts.exchange_done(replace(DONE, model=""))
    assert counts.of_all() == []


def test_what_is_older_than_a_day_is_forgotten() -> None:
    clock = Clock()
    counts = HourlyCounts(clock)
    for _ in range(30):
        counts.exchange_done(DONE)
        clock.now += HOUR_S
    clock.now -= HOUR_S
    assert len(counts.of("acme")) == 24
    clock.now += 23 * HOUR_S
    assert [hour["starts"] for hour in counts.of("acme")] == [int(clock.now) - 23 * HOUR_S]
    clock.now += HOUR_S
    assert counts.of("acme") == counts.of_all() == []


def test_a_clock_that_is_set_back_opens_no_second_hour() -> None:
    clock = Clock()
    counts = HourlyCounts(clock)
    counts.exchange_done(DONE)
    clock.now -= 2 * HOUR_S
    counts.exchange_done(DONE)
    assert [hour["exchanges"] for hour in counts.of("acme")] == [2]


def test_tenants_and_kinds_are_bounded() -> None:
    counts = HourlyCounts(Clock())
    for index in range(600):
        counts.exchange_done(replace(DONE, tenant=f"t{index}"))
    assert len(counts._tenants) == 512
    assert counts.of("t0") == []
    for index in range(200):
        counts.exchange_done(replace(DONE, findings=(Finding("redact", f"KIND_{index}", "remove", 1),)))
    (hour,) = counts.of("acme")
    assert len(hour["entities"]) <= 65
    assert sum(hour["entities"].values()) == 200
