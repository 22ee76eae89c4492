from __future__ import annotations

import logging

import pytest
from prometheus_client import CollectorRegistry

from gateway.observe.alerts import Alerts
from gateway.observe.events import ExchangeEvent
from gateway.pipeline.exchange import Finding


def test_findings_of_its_stages_are_said_and_counted_each_time(caplog: pytest.LogCaptureFixture) -> None:
    registry = CollectorRegistry()
    alerts = Alerts({"canaries"}, registry)
    findings = (Finding("canaries", "k3v9q2ab", "block", 1), Finding("redact", "PERSON", "placeholder", 3))
    event = ExchangeEvent("r1", "/chat/completions", 200, token_id="t1", tenant="acme", findings=findings)
    with caplog.at_level(logging.WARNING, "gateway"):
        alerts.exchange_done(event)
        alerts.exchange_done(event)
    said = [(line.__dict__["kind"], line.__dict__["tenant"], line.__dict__["request_id"]) for line in caplog.records]
    assert said == [("k3v9q2ab", "acme", "r1")] * 2
    labels = {"stage": "canaries", "kind": "k3v9q2ab"}
    assert registry.get_sample_value("gateway_alerts_total", labels) == 2


def test_an_exchange_without_them_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    alerts = Alerts({"canaries"}, CollectorRegistry())
    with caplog.at_level(logging.WARNING, "gateway"):
        alerts.exchange_done(ExchangeEvent("r1", "/chat/completions", 200))
    assert caplog.records == []
