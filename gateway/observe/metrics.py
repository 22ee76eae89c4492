"""Prometheus metrics of the gateway, served on a port of their own. Labels come from fixed sets."""

from __future__ import annotations

import os
import shutil
import tempfile

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from gateway.observe.events import ExchangeEvent

_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """Counts exchanges. Where workers share a directory, their counts are added up by whoever serves them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "gateway_requests",
            "Exchanges by endpoint, status and code",
            ("endpoint", "status", "code"),
            registry=registry,
        )
        self._findings = Counter(
            "gateway_findings", "What stages found, by kind and action", ("stage", "kind", "action"), registry=registry
        )
        self._seconds = Histogram(
            "gateway_request_seconds", "Whole exchanges", ("endpoint",), buckets=_BUCKETS, registry=registry
        )
        self._analysis = Histogram(
            "gateway_analysis_seconds", "Stages on the request", (), buckets=_BUCKETS, registry=registry
        )
        self._cache = Counter(
            "gateway_cache_requests", "Requests by what the cache gave", ("result",), registry=registry
        )
        self._tokens = Counter("gateway_tokens", "Tokens by direction", ("direction",), registry=registry)

    def exchange_done(self, event: ExchangeEvent) -> None:
        self._requests.labels(event.endpoint, event.status, event.code).inc()
        self._seconds.labels(event.endpoint).observe(event.seconds)
        if event.analysis_seconds:
            self._analysis.observe(event.analysis_seconds)
        if event.cache:
            self._cache.labels(event.cache).inc()
        for finding in event.findings:
            self._findings.labels(finding.stage, finding.kind, finding.action).inc(finding.count)
        for direction in ("prompt_tokens", "completion_tokens"):
            self._tokens.labels(direction.removesuffix("_tokens")).inc(event.usage.get(direction, 0))


class Reloads:
    """Counts readings of files that changed, `policies` or `tokens`, by result: `reloaded` or `refused`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._count = Counter(
            "gateway_reloads", "Readings of changed files, by result", ("files", "result"), registry=registry
        )

    def count(self, files: str, result: str) -> None:
        self._count.labels(files, result).inc()


def share_metrics() -> None:
    """Give the workers to be started a directory for their counts; they find it in the environment."""
    os.environ[_DIRECTORY] = tempfile.mkdtemp(prefix="gateway-metrics-")


def shared_registry() -> CollectorRegistry:
    """The counts of all workers that share the directory, added up when read."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def serve_metrics(host: str, port: int, registry: CollectorRegistry) -> None:
    """Serve a registry on /metrics, in a thread of this process."""
    start_http_server(port, addr=host, registry=registry)


def forget_metrics() -> None:
    """Remove the directory at the end."""
    if directory := os.environ.pop(_DIRECTORY, None):
        shutil.rmtree(directory, ignore_errors=True)
