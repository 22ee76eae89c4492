"""A collector for OTLP over HTTP on loopback: it decodes what comes, and fails as a test wants it to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collector:
    """`raw` is all that came, headers included. `status` is what it answers, after `wait_s`."""

    raw: list[bytes] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    status: int = 200
    wait_s: float = 0.0
    answer: bytes = b""
    location: str = ""
    url: str = ""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _answering(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/traces"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Collector:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def took(self, path: str, raw: bytes, headers: bytes) -> None:
        with self._lock:
            self.paths.append(path)
            self.raw += [headers, raw]
            request = ExportTraceServiceRequest()
            request.ParseFromString(raw)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    self.spans.extend(scope.spans)

    def of(self, request_id: str) -> list[Span]:
        """The spans of one exchange, as soon as all are there: they come in one piece."""
        return self.when(lambda: self._of(request_id))

    def _of(self, request_id: str) -> list[Span]:
        with self._lock:
            ids = {s.trace_id + s.span_id for s in self.spans if attributes(s).get("gateway.request_id") == request_id}
            roots = {identity[-8:] for identity in ids}
            return [s for s in self.spans if s.span_id in roots or s.parent_span_id in roots]

    @staticmethod
    def when(found: Callable[[], list[Span]]) -> list[Span]:
        until = time.monotonic() + 30
        while not (spans := found()):
            assert time.monotonic() < until, "no spans came"
            time.sleep(0.05)
        return spans


def _answering(collector: Collector) -> type[BaseHTTPRequestHandler]:
    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            collector.took(self.path, raw, bytes(self.headers))
            time.sleep(collector.wait_s)
            self.send_response(collector.status)
            if collector.location:
                self.send_header("location", collector.location)
            self.send_header("content-length", str(len(collector.answer)))
            self.end_headers()
            self.wfile.write(collector.answer)

        def log_message(self, format: str, *args: Any) -> None:
            return

    return Answering


def attributes(span: Span) -> dict[str, Any]:
    return {pair.key: _plain(pair.value) for pair in span.attributes}


def _plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(item) for item in value.array_value.values]
    return getattr(value, kind) if kind else None
