from __future__ import annotations

import logging

import pytest
from prometheus_client import CollectorRegistry

from gateway.observe.alarms import Alarms


def test_each_is_counted_and_one_a_minute_is_said(caplog: pytest.LogCaptureFixture) -> None:
    registry, now_s = CollectorRegistry(), 0.0
    alarms = Alarms("cache", registry, lambda: now_s)
    with caplog.at_level(logging.WARNING, "gateway"):
        for _ in range(5):
            alarms.report("timeout")
        alarms.report("full")
        now_s = 59.0
        alarms.report("timeout")
        now_s = 61.0
        alarms.report("timeout")
    said = [(record.__dict__["kind"], record.__dict__["times"]) for record in caplog.records]
    assert said == [("timeout", 1), ("full", 1), ("timeout", 6)]
    assert registry.get_sample_value("gateway_cache_mishaps_total", {"kind": "timeout"}) == 7
    assert registry.get_sample_value("gateway_cache_mishaps_total", {"kind": "full"}) == 1
