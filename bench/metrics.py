"""What it costs to count an exchange: `python -m bench.metrics`. Microseconds for each finished exchange.

Once for a single process, once with the files that workers share. `by name` is what prometheus_client takes if each
number is looked up by its labels and added at once; `counted` is what the gateway does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Histogram

from gateway.observe.events import ExchangeEvent
from gateway.observe.metrics import Metrics
from gateway.observe.series import SECONDS, Series
from gateway.observe.traceparent import Tracer
from gateway.pipeline.exchange import Deadline, Exchange, Finding

_ROUNDS = 20_000
_STAGES = ("redact", "links", "pii", "system_prompt", "canaries", "invisible")
_STEPS = ("authenticate", "read", "limits", "redact", "model", "answer", "rest")


def _event(*, streamed: bool) -> ExchangeEvent:
    return ExchangeEvent(
        request_id="0123456789abcdef" * 2,
        endpoint="/chat/completions",
        status=200,
        findings=(Finding("redact", "EMAIL_ADDRESS", "placeholder", 2), Finding("redact", "PERSON", "placeholder", 3)),
        usage={"prompt_tokens": 115, "completion_tokens": 60, "total_tokens": 175},
        streamed=streamed,
        cache="miss",
        seconds=0.51,
        analysis_seconds=0.0012,
        steps=[(step, number / 10, number / 10 + 0.004) for number, step in enumerate(_STEPS)],
        stages=dict.fromkeys(_STAGES, 0.0004),
        filters=dict.fromkeys(_STAGES, 0.0002),
        held=dict.fromkeys(_STAGES, 40) if streamed else {},
        first_token_s=0.2 if streamed else None,
        hold_s=0.01 if streamed else None,
        finish_reasons=["stop"],
    )


def _by_name() -> Callable[[ExchangeEvent], None]:
    registry = CollectorRegistry()
    requests = Counter("requests", "-", ("endpoint", "status", "code"), registry=registry)
    findings = Counter("findings", "-", ("stage", "kind", "action"), registry=registry)
    others = Counter("others", "-", ("what", "kind"), registry=registry)
    times = Histogram("times", "-", ("what", "name"), buckets=SECONDS, registry=registry)

    def count(event: ExchangeEvent) -> None:
        requests.labels(event.endpoint, event.status, event.code).inc()
        times.labels("whole", event.endpoint).observe(event.seconds)
        times.labels("analysis", "").observe(event.analysis_seconds)
        for step, began_s, ended_s in event.steps:
            times.labels("step", step).observe(ended_s - began_s)
        for what, numbers in (("stage", event.stages), ("filter", event.filters), ("held", event.held)):
            for name, number in numbers.items():
                times.labels(what, name).observe(number)
        for finding in event.findings:
            findings.labels(finding.stage, finding.kind, finding.action).inc(finding.count)
        for name in ("prompt_tokens", "completion_tokens"):
            others.labels("tokens", name).inc(event.usage[name])
        others.labels("cache", event.cache).inc()
        for reason in event.finish_reasons:
            others.labels("reason", reason).inc()

    return count


def _us(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(3):
        began_s = time.perf_counter()
        for _ in range(_ROUNDS):
            work()
        best = min(best, time.perf_counter() - began_s)
    return best / _ROUNDS * 1e6


def _timing() -> float:
    """The clock and the lists around six stages and their filters, one push and one flush."""
    timings = Exchange(
        id="", tenant="", subject="", model="", deadline=Deadline.after(time.monotonic, 1)
    ).timings  # what Chain and FilterChain do

    def work() -> None:
        clock = timings.clock
        then = clock()
        for name in _STAGES:
            now = clock()
            timings.on_request(name, now - then)
            then = now
        timings.on_answer(_STAGES)
        for _ in range(2):
            then = clock()
            for position in range(len(_STAGES)):
                now = clock()
                timings.spent[position] += now - then
                then = now

    return _us(work)


def _spans() -> float:
    """Those of one exchange, made. Raises ImportError without the extra `traces`."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415

    from gateway.observe.otlp import spans_of  # noqa: PLC0415

    resource, event = Resource({}), _event(streamed=False)
    trace = Tracer(1.0).begin()
    return _us(lambda: list(spans_of(event, trace, resource, 0)))


def _measure(where: str) -> None:
    series = Series(CollectorRegistry())
    metrics, by_name = Metrics(series), _by_name()
    for streamed in (False, True):
        event = _event(streamed=streamed)
        kind = "stream" if streamed else "whole"
        before, after = _us(partial(by_name, event)), _us(partial(metrics.exchange_done, event))
        print(f"| {where} | {kind} | {before:.1f} | {after:.1f} |")
    began_s = time.perf_counter()
    series.pour()
    poured_us = (time.perf_counter() - began_s) * 1e6
    print(f"| {where} | bringing them to where they are read, 4 times a second | | {poured_us:.0f} |", flush=True)


def main() -> None:
    """Both ways; the files of workers need a process of their own, since the library decides when it is imported."""
    if len(sys.argv) > 1:
        _measure("shared")
        return
    print("| numbers | exchange | by name | counted |\n| :-- | :-- | --: | --: |", flush=True)
    _measure("single")
    with tempfile.TemporaryDirectory() as directory:
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": directory}
        subprocess.run([sys.executable, "-m", "bench.metrics", "shared"], check=True, env=environment)
    print(f"| | taking the times of stages and filters | | {_timing():.1f} |")
    with suppress(ImportError):
        print(f"| | making spans, where there are traces | | {_spans():.1f} |")


if __name__ == "__main__":
    main()
