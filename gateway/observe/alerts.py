"""Findings that somebody should look at now: a canary was heard, so what it was planted in is in the model."""

from __future__ import annotations

import logging
from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter

from gateway.observe.events import ExchangeEvent

_LOG = logging.getLogger("gateway.alert")


class Alerts:
    """A line in the log and a count for every finding of some stages. The kinds are ids, never content."""

    def __init__(self, stages: Collection[str], registry: CollectorRegistry) -> None:
        self._stages = frozenset(stages)
        self._count = Counter(
            "gateway_alerts", "Findings that somebody should look at", ("stage", "kind"), registry=registry
        )

    def exchange_done(self, event: ExchangeEvent) -> None:
        for finding in event.findings:
            if finding.stage not in self._stages:
                continue
            self._count.labels(finding.stage, finding.kind).inc(finding.count)
            fields = {
                "stage": finding.stage,
                "kind": finding.kind,
                "action": finding.action,
                "request_id": event.request_id,
                "tenant": event.tenant,
                "token": event.token_id,
                "model": event.model,
            }
            _LOG.warning("alert: a canary was in an answer", extra=fields)
