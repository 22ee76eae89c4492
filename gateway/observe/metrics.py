"""Prometheus metrics of the gateway, served on a port of their own. docs/metrics.md lists them all.

Labels come from fixed sets, or are names that a policy gives; never from a request.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Metric, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from gateway.observe.events import ExchangeEvent
from gateway.observe.series import SECONDS, SHORT_SECONDS, Series

_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
_CHARS = (0, 16, 64, 256, 1024, 4096, 16_384, 65_536)


class Metrics:
    """Counts exchanges when they are over. Where workers share a directory, their counts are added up by whoever serves
    them."""

    def __init__(self, series: Series) -> None:
        counter, histogram = series.counter, series.histogram
        self._requests = counter(
            "gateway_requests", "Exchanges by endpoint, status and code", ("endpoint", "status", "code")
        )
        self._findings = counter(
            "gateway_findings", "What stages found, by kind and action", ("stage", "kind", "action")
        )
        self._blocks = counter("gateway_blocks", "Exchanges that a rule stopped, by rule", ("rule",))
        self._unchecked = counter(
            "gateway_unchecked", "Exchanges refused since a request or an answer could not be checked", ("side",)
        )
        self._limits = counter(
            "gateway_limit_refusals", "Requests over a limit: whose it is, and of what", ("of", "limit")
        )
        self._cache = counter("gateway_cache_requests", "Requests by what the cache gave", ("result",))
        self._tokens = counter("gateway_tokens", "Tokens by direction", ("direction",))
        self._reasons = counter("gateway_finish_reasons", "Choices by why they ended", ("reason",))
        self._seconds = histogram("gateway_request_seconds", "Whole exchanges", ("endpoint",))
        self._steps = histogram("gateway_step_seconds", "The steps of exchanges, one after the other", ("step",))
        self._analysis = histogram("gateway_analysis_seconds", "All stages on the request")
        self._stages = histogram(
            "gateway_stage_seconds", "Each stage on the request, and on the answer", ("stage", "side"), SHORT_SECONDS
        )
        self._first = histogram("gateway_first_token_seconds", "From a request to the first text of its stream")
        self._hold = histogram(
            "gateway_hold_seconds", "The longest time that a stream's text was held back; none if never", (), SECONDS
        )
        self._held = histogram(
            "gateway_held_chars", "The most characters of a stream that a stage held back", ("stage",), _CHARS
        )

    def exchange_done(self, event: ExchangeEvent) -> None:
        self._requests.of(event.endpoint, str(event.status), event.code).count += 1
        self._seconds.of(event.endpoint).observe(event.seconds)
        self._took(event)
        if event.cache:
            self._cache.of(event.cache).count += 1
        for finding in event.findings:
            self._findings.of(finding.stage, finding.kind, finding.action).count += finding.count
        if usage := event.usage:
            self._tokens.of("prompt").count += usage.get("prompt_tokens", 0)
            self._tokens.of("completion").count += usage.get("completion_tokens", 0)
        for reason in event.finish_reasons:
            self._reasons.of(reason).count += 1
        if event.streamed:
            self._stream_done(event)
        if event.code or event.rules:
            self._not_done(event)

    def _took(self, event: ExchangeEvent) -> None:
        for step, began_s, ended_s in event.steps:
            self._steps.of(step).observe(ended_s - began_s)
        if event.analysis_seconds:
            self._analysis.of().observe(event.analysis_seconds)
        for stage, seconds in event.stages.items():
            self._stages.of(stage, "request").observe(seconds)
        for stage, seconds in event.filters.items():
            self._stages.of(stage, "answer").observe(seconds)

    def _stream_done(self, event: ExchangeEvent) -> None:
        for stage, chars in event.held.items():
            self._held.of(stage).observe(chars)
        if event.first_token_s is not None:
            self._first.of().observe(event.first_token_s)
        if event.hold_s is not None:
            self._hold.of().observe(event.hold_s)

    def _not_done(self, event: ExchangeEvent) -> None:
        for rule in event.rules:
            self._blocks.of(rule).count += 1
        if event.failed:
            self._unchecked.of(event.failed).count += 1
        if event.limit is not None:
            self._limits.of(*event.limit).count += 1


class Reloads:
    """Counts readings of files that changed, `policies` or `tokens`, by result: `reloaded` or `refused`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._count = Counter(
            "gateway_reloads", "Readings of changed files, by result", ("files", "result"), registry=registry
        )

    def count(self, files: str, result: str) -> None:
        self._count.labels(files, result).inc()


class _Living(MultiProcessCollector):
    """What workers share. The gauges of one that died are not added to those of the living."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._directory = Path(os.environ[_DIRECTORY])
        super().__init__(registry)  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[Metric]:
        for path in self._directory.glob("gauge_live*_*.db"):
            number = path.stem.rpartition("_")[2]
            if number.isdecimal() and not Path("/proc", number).exists():
                mark_process_dead(int(number), str(self._directory))  # type: ignore[no-untyped-call]
        return super().collect()  # type: ignore[no-any-return,no-untyped-call]


def share_metrics() -> None:
    """Give the workers to be started a directory for their counts; they find it in the environment."""
    os.environ[_DIRECTORY] = tempfile.mkdtemp(prefix="gateway-metrics-")


def shared_registry() -> CollectorRegistry:
    """The counts of all workers that share the directory, added up when read."""
    registry = CollectorRegistry()
    _Living(registry)
    return registry


def serve_metrics(host: str, port: int, registry: CollectorRegistry) -> None:
    """Serve a registry on /metrics, in a thread of this process."""
    start_http_server(port, addr=host, registry=registry)


def forget_metrics() -> None:
    """Remove the directory at the end."""
    if directory := os.environ.pop(_DIRECTORY, None):
        shutil.rmtree(directory, ignore_errors=True)
