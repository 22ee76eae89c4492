"""Spans of exchanges, for a collector that speaks OTLP over HTTP. Imported only where there are traces.

Spans are made when an exchange is over, of what is known then: kinds, counts and times. Names of attributes are those
of OpenTelemetry's semantic conventions for HTTP and generative AI (version 1.37). Nothing is waited for: spans wait in
a queue for a thread that sends them, and where that is too slow, or the collector is gone, they are dropped and
counted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from gateway import __version__
from gateway.observe.events import ExchangeEvent
from gateway.observe.series import Series
from gateway.observe.traceparent import Trace

_QUEUE, _BATCH = 4096, 512
_EVERY_MS = 1000
_EXPORT_S = 5.0
_CLOSE_S = 3.0
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_SCOPE = InstrumentationScope("gateway", __version__)
_OPERATIONS = {
    "/chat/completions": "chat",
    "/completions": "text_completion",
    "/embeddings": "embeddings",
}
_NEXT = (1 << 64) - 1
_SPREAD = 0x9E3779B97F4A7C15
"""An odd number, so that different multiples of it differ."""
Attributes = dict[str, str | int | float | bool | Sequence[str]]


class Spans:
    """Makes spans of exchanges and has them sent. `clock` is that of the exchanges' times."""

    def __init__(self, url: str, series: Series, clock: Callable[[], float]) -> None:
        # What they log may quote a collector, and comes as often as they fail.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
        self._clock = clock
        self._counts = series.counter("gateway_spans", "Spans of traces: sent, failed or dropped", ("result",))
        self._exporter = _Counted(OTLPSpanExporter(url, timeout=_EXPORT_S, session=_session()))
        self._batches: BatchSpanProcessor | None = None
        self._resource = Resource({"service.name": "privacy-gateway", "service.version": __version__})
        self._given = 0
        series.pourers.insert(0, self._count)

    def start(self) -> None:
        """Begin to send, from a thread of this process."""
        self._batches = BatchSpanProcessor(self._exporter, _QUEUE, _EVERY_MS, _BATCH)

    def exchange_done(self, event: ExchangeEvent) -> None:
        """Never raises, never waits."""
        trace, batches = event.trace, self._batches
        if trace is None or not trace.is_sampled or batches is None:
            return
        # Half of the room is left free: it is only about known how much is taken.
        if self._given - self._exporter.taken > _QUEUE // 2:
            self._counts.of("dropped").count += 1
            return
        try:
            for span in spans_of(event, trace, self._resource, time.time_ns() - int(self._clock() * 1e9)):
                self._given += 1
                batches.on_end(span)
        except Exception:
            self._counts.of("failed").count += 1

    def close(self) -> None:
        """Send what waits, if that is soon done."""
        if self._batches is None:
            return
        closing = threading.Thread(target=self._batches.shutdown, daemon=True)
        closing.start()
        closing.join(_CLOSE_S)

    def _count(self) -> None:
        self._counts.of("sent").count = self._exporter.sent
        self._counts.of("failed").count = self._exporter.failed


class _Counted(SpanExporter):
    """Another exporter, and what came of what it was given."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.taken = self.sent = self.failed = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.taken += len(spans)
        try:
            result = self._exporter.export(spans)
        except Exception:
            result = SpanExportResult.FAILURE
        if result is SpanExportResult.SUCCESS:
            self.sent += len(spans)
        else:
            self.failed += len(spans)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def _session() -> requests.Session:
    """No proxies of the environment, no passwords of ~/.netrc, no other address that a collector names."""
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = 0
    return session


def spans_of(event: ExchangeEvent, trace: Trace, resource: Resource, epoch_ns: int) -> Iterator[ReadableSpan]:
    """The span of an exchange, and those of its parts. `epoch_ns`: the zero of its clock, since 1970."""

    def at(seconds: float) -> int:
        return epoch_ns + int(seconds * 1e9)

    def span(
        name: str, span_id: int, parent: SpanContext | None, began_s: float, ended_s: float, attributes: Attributes,
        kind: SpanKind = SpanKind.INTERNAL, error: str = "",
    ) -> ReadableSpan:  # fmt: skip
        status = Status(StatusCode.ERROR) if error else Status(StatusCode.UNSET)
        if error:
            attributes["error.type"] = error
        return ReadableSpan(
            name, _context(trace, span_id), parent, resource, attributes, (), (), kind, None, status,
            at(began_s), at(ended_s), _SCOPE,
        )  # fmt: skip

    own_id = int(trace.span_id, 16)
    own = _context(trace, own_id)
    above = _context(trace, int(trace.parent_id, 16), remote=True) if trace.parent_id else None
    began_s = event.steps[0][1] if event.steps else 0.0
    ended_s = event.steps[-1][2] if event.steps else began_s
    # A client's mistake is no error of a server, say the conventions.
    error = (event.code or str(event.status)) if event.status >= 500 else ""
    yield span(
        f"POST /v1{event.endpoint}", own_id, above, began_s, ended_s, _of_exchange(event), SpanKind.SERVER, error
    )
    for number, (step, step_s, until_s) in enumerate(event.steps, 1):
        if step != "rest":
            step_id = own_id + number * _SPREAD & _NEXT or 1
            yield span(_named(step, event), step_id, own, step_s, until_s, _of_step(step, event))
    times = event.upstream
    if times is not None and times.asked_s is not None:
        done_s = times.done_s if times.done_s is not None else ended_s
        error = event.code if event.code.startswith("upstream_") or event.code == "overloaded" else ""
        yield span(
            f"{_OPERATIONS.get(event.endpoint, 'request')} {times.model}", int(trace.upstream_id, 16), own,
            times.asked_s, done_s, _of_upstream(event), SpanKind.CLIENT, error,
        )  # fmt: skip


def _context(trace: Trace, span_id: int, *, remote: bool = False) -> SpanContext:
    return SpanContext(int(trace.trace_id, 16), span_id, remote, _SAMPLED)


def _named(step: str, event: ExchangeEvent) -> str:
    return "cache" if step == "model" and event.cache == "hit" else step


def _of_exchange(event: ExchangeEvent) -> Attributes:
    made: Attributes = {
        "http.request.method": "POST",
        "http.route": f"/v1{event.endpoint}",
        "http.response.status_code": event.status,
        "gateway.request_id": event.request_id,
        "gateway.code": event.code,
        "gateway.cache.result": event.cache,
        "gateway.streamed": event.streamed,
        "gateway.findings": sum(finding.count for finding in event.findings),
        "gateway.rules": list(event.rules),
    }
    if event.first_token_s is not None:
        made["gateway.first_token_seconds"] = event.first_token_s
    if event.hold_s is not None:
        made["gateway.hold_seconds"] = event.hold_s
    return {name: value for name, value in (made | _of_model(event)).items() if value not in ("", [])}


def _of_model(event: ExchangeEvent) -> Attributes:
    made: Attributes = {"gen_ai.operation.name": _OPERATIONS.get(event.endpoint, "")}
    if event.model:
        made["gen_ai.request.model"] = event.model
    if event.finish_reasons:
        made["gen_ai.response.finish_reasons"] = list(event.finish_reasons)
    for name, direction in (("prompt_tokens", "input"), ("completion_tokens", "output")):
        if name in event.usage:
            made[f"gen_ai.usage.{direction}_tokens"] = event.usage[name]
    return made


def _of_upstream(event: ExchangeEvent) -> Attributes:
    made = {"gen_ai.provider.name": "vllm"} | _of_model(event)
    times = event.upstream
    if times is not None and times.asked_s is not None:
        made["gen_ai.request.model"] = times.model
        made["gateway.upstream.name"] = times.name
        made["gateway.queue.seconds"] = times.queued_s
        if times.first_s is not None:
            made["gateway.first_event_seconds"] = times.first_s - times.asked_s
    return made


def _of_step(step: str, event: ExchangeEvent) -> Attributes:
    match step:
        case "redact":
            return _of_stages(event.stages)
        case "model":
            return {"gateway.cache.result": event.cache}
        case "answer":
            return _of_stages(event.filters)
        case _:
            return {}


def _of_stages(seconds: Mapping[str, float]) -> Attributes:
    return {f"gateway.stage.{name}.seconds": spent for name, spent in seconds.items()}
