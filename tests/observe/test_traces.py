"""Spans, as a collector gets them: which there are, what is in them, and what never is."""

from __future__ import annotations

import json
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.faults.wire import ask, chat
from tests.observe.conftest import Watched, start_with_traces, when
from tests.support.collector import Collector, attributes
from tests.support.gateway import GatewayProcess, mint
from tests.support.upstream import ScriptedUpstream

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
pytestmark = pytest.mark.xdist_group("observe")


def asked(watched: Watched, body: dict[str, Any], **headers: str) -> tuple[Any, dict[str, Span]]:
    """An answer, and the spans of its exchange by name."""
    sent = {"authorization": f"Bearer {watched.process.token}", **headers}
    answer = ask(watched.process, body, headers=sent)
    spans = watched.collector.of(answer.headers["x-request-id"])
    return answer, {span.name: span for span in spans}


def test_an_exchange_has_spans_for_its_parts_within_its_own(watched: Watched) -> None:
    answer, spans = asked(watched, chat(f"Hello Ada Lovelace, number {secrets.randbelow(100_000)}"))
    assert answer.status == 200
    assert spans.keys() == {
        *(
            "POST /v1/chat/completions",
            "authenticate",
            "read",
            "limits",
            "redact",
            "model",
            "answer",
            "chat tiny-llama",
        ),
    }
    root = spans["POST /v1/chat/completions"]
    assert root.kind == Span.SPAN_KIND_SERVER
    assert not root.parent_span_id
    assert (
        attributes(root).items()
        >= {
            "http.request.method": "POST",
            "http.route": "/v1/chat/completions",
            "http.response.status_code": 200,
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "llama",
            "gen_ai.usage.input_tokens": 5,
            "gen_ai.usage.output_tokens": 7,
            "gateway.cache.result": "miss",
            "gateway.findings": 1,
        }.items()
    )
    asking = spans["chat tiny-llama"]
    assert asking.kind == Span.SPAN_KIND_CLIENT
    assert attributes(asking)["gen_ai.response.finish_reasons"] == ["stop"]
    assert attributes(asking)["gen_ai.request.model"] == "tiny-llama"
    assert len({span.span_id for span in spans.values()}) == len(spans)
    for span in spans.values():
        assert span.trace_id == root.trace_id
        assert root.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= root.end_time_unix_nano
    assert abs(root.end_time_unix_nano / 1e9 - time.time()) < 600
    assert watched.headers_seen[-1]["traceparent"] == f"00-{root.trace_id.hex()}-{asking.span_id.hex()}-01"


def test_what_the_cache_gives_has_no_span_of_the_upstream(watched: Watched) -> None:
    body = chat(f"Twice, number {secrets.randbelow(100_000)}")
    asked(watched, body)
    _, spans = asked(watched, body)
    assert "cache" in spans
    assert "chat tiny-llama" not in spans
    assert attributes(spans["POST /v1/chat/completions"])["gateway.cache.result"] == "hit"


def test_a_client_may_name_its_trace_and_nothing_else(watched: Watched) -> None:
    body = chat(f"Traced, number {secrets.randbelow(100_000)}", stream=True)
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-00", "tracestate": "x=canaryState", "baggage": "who=canaryBaggage"}
    answer, spans = asked(watched, body, **headers)
    root = spans["POST /v1/chat/completions"]
    # It is kept though the client would rather not: that is decided here.
    assert (root.trace_id.hex(), root.parent_span_id.hex()) == (TRACE, PARENT)
    assert attributes(root)["gateway.first_token_seconds"] > 0
    seen = watched.headers_seen[-1]
    assert seen["traceparent"] == f"00-{TRACE}-{spans['chat tiny-llama'].span_id.hex()}-01"
    assert not seen.keys() & {"tracestate", "baggage", "x-request-id"}
    assert all(line["trace_id"] == TRACE for line in watched.lines(answer.headers["x-request-id"]))


@pytest.mark.parametrize(
    "header",
    [
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-01-more",
        f"01-{TRACE}-{PARENT}-01",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{PARENT}-01, 00-{TRACE}-{PARENT}-01",
        f" 00-{TRACE[:-1]}-{PARENT}-01",
        "jane.doe@example.org",
    ],
)
def test_any_other_form_begins_a_trace_of_our_own(watched: Watched, header: str) -> None:
    _, spans = asked(watched, chat("Hello again"), traceparent=header)
    root = spans["POST /v1/chat/completions"]
    assert root.trace_id.hex() != TRACE
    assert not root.parent_span_id


def test_who_is_nobody_is_part_of_no_trace(watched: Watched) -> None:
    headers = {"authorization": "Bearer sk-wrong", "traceparent": f"00-{TRACE}-{PARENT}-01"}
    answer = ask(watched.process, chat("hello"), headers=headers)
    (span,) = (s for s in watched.collector.of(answer.headers["x-request-id"]) if s.kind == Span.SPAN_KIND_SERVER)
    assert span.trace_id.hex() != TRACE
    assert attributes(span)["http.response.status_code"] == 401
    assert attributes(span)["gateway.code"] == "invalid_api_key"
    assert "error.type" not in attributes(span)


def test_an_upstream_that_fails_is_an_error_of_its_span_and_of_the_exchange(watched: Watched) -> None:
    answer, spans = asked(watched, {**chat("hello"), "model": "broken"})
    assert answer.status == 502
    for name in ("chat none", "POST /v1/chat/completions"):
        assert attributes(spans[name])["error.type"] == "upstream_failed"
        assert spans[name].status.code == 2
        assert not spans[name].status.message
    assert attributes(spans["chat none"])["gateway.upstream.name"] == "nowhere"


def test_nothing_private_is_in_any_byte_that_a_collector_gets(watched: Watched) -> None:
    """Values in prompts, answers, headers, fields and names, in requests that succeed and in those that do not."""
    marks = [f"canary{secrets.token_hex(6)}" for _ in range(12)]
    watched.upstream.says(f"The model says {marks[0]} and mail {marks[1]}@example.org")
    token = watched.jane
    headers = {
        "authorization": f"Bearer {token}",
        "x-request-id": marks[2],
        "user-agent": marks[3],
        "tracestate": f"a={marks[4]}",
        "x-forwarded-for": "203.0.113.77",
        "openai-organization": marks[5],
    }
    content = f"Write to {marks[6]}@example.org, {marks[7]}"
    bodies: list[dict[str, Any]] = [
        chat(content, user=marks[8], metadata={marks[9]: marks[10]}),
        chat(content, stream=True),
        {**chat(content), "model": marks[11]},
        chat(f"{content} 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        chat(content, tools=[{"type": "function", "function": {"name": marks[8], "parameters": {}}}]),
        chat(content, temperature=marks[10]),
    ]
    for body in bodies:
        for path in ("/v1/chat/completions", "/v1/completions", "/v1/embeddings"):
            answer = ask(watched.process, body, path=path, headers=headers)
            assert answer.status in (200, 400, 404), (path, body)
            watched.collector.of(answer.headers["x-request-id"])
    everything = b"".join(watched.collector.raw)
    assert b"gateway.request_id" in everything
    told = [*marks, token, token.split("_")[-1], "203.0.113.77", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"]
    # The lines of exchanges name the tenant, as the audit log does.
    text = watched.metrics() + watched.process.log.read_text().replace('"tenant": "canaryTenant"', "")
    for private in (*told, "canarySubject", "canaryTenant"):
        assert private.encode() not in everything, private
        assert private not in text, private


@pytest.mark.parametrize("fault", ["down", "slow", "wrong"])
def test_a_collector_that_fails_keeps_nobody_waiting(scripted: ScriptedUpstream, tmp_path: Path, fault: str) -> None:
    scripted.reset()
    with Collector() as collector, Collector() as other:
        collector.answer = b"canaryAnswer" * 500
        if fault == "slow":
            collector.wait_s = 60
        gateway = start_with_traces(tmp_path, scripted, "http://127.0.0.1:9/" if fault == "down" else collector.url)
        try:
            for status in (500, 429, 400, 307, 200) if fault == "wrong" else (200,):
                collector.status, collector.location = status, other.url if status == 307 else ""
                before, already = _spans(gateway, "failed"), len(collector.paths)
                assert max(_seconds(gateway) for _ in range(10)) < 5
                if status != 200 or fault == "down":
                    when(lambda: _spans(gateway, "failed") > before, "failures are counted")  # noqa: B023
                else:
                    when(lambda: fault == "slow" or len(collector.paths) > already, "spans came")  # noqa: B023
        finally:
            began_s = time.monotonic()
            gateway.stop()
        assert time.monotonic() - began_s < 25
        assert not other.paths
    log = gateway.log.read_text()
    assert "canaryAnswer" not in log
    assert log.count("\n") < 20


def _spans(gateway: GatewayProcess, result: str) -> float:
    found = re.search(rf'^gateway_spans_total\{{result="{result}"\}} (\S+)$', _metrics(gateway), re.MULTILINE)
    return float(found[1]) if found else 0.0


def _seconds(gateway: GatewayProcess) -> float:
    began_s = time.monotonic()
    assert ask(gateway, chat("hello"), headers=gateway.headers).status == 200
    return time.monotonic() - began_s


def _metrics(gateway: GatewayProcess) -> str:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(gateway.metrics_url, timeout=20) as response:
        return str(response.read().decode())


def test_what_is_not_sampled_is_not_sent_and_no_framework_sends_anything(
    scripted: ScriptedUpstream, tmp_path: Path
) -> None:
    """FastAPI would, where the environment asks for it: with addresses, paths and messages of exceptions."""
    scripted.reset()
    with Collector() as collector:
        address = collector.url.removesuffix("/v1/traces")
        asks = {
            "FASTAPI_OTEL_AUTO_CONFIGURE": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": address,
            "OTEL_TRACES_SAMPLER": "always_on",
            "OTEL_BSP_SCHEDULE_DELAY": "10",
            "OTEL_BLRP_SCHEDULE_DELAY": "10",
            "OTEL_METRIC_EXPORT_INTERVAL": "100",
        }
        gateway = start_with_traces(tmp_path, scripted, collector.url, "--traces-ratio", "0", settings=asks)
        try:
            for body in (chat("hello"), chat(5), {"model": "broken"}):
                ask(gateway, body, headers={**gateway.headers, "traceparent": f"00-{TRACE}-{PARENT}-01"})
            ask(gateway, method="GET", path="/nowhere?canary", headers=gateway.headers)
            time.sleep(2)
        finally:
            gateway.stop()
        assert not collector.paths


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['opentelemetry.exporter'] = None\n"
        "from gateway.cli.main import run\n"
        "sys.exit(run(('serve', '--traces', 'http://jane:canary@127.0.0.1:9/', '--port', '0', "
        "'--policy', 'tests/support/policy.yaml', '--tokens', sys.argv[1])))"
    )
    tokens = tmp_path / "tokens.yaml"
    mint(tokens, "acme")
    command = [sys.executable, "-c", code, str(tokens)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "pip install '.[traces]'" in done.stderr
    assert "canary" not in done.stderr + done.stdout


def test_an_exchange_that_is_broken_off_has_spans_in_order(watched: Watched) -> None:
    """A client that goes, while the flight that it started is broken off as well."""
    watched.upstream.streams(
        [{"choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]}] * 30_000
    )
    raw = json.dumps(chat("gone", stream=True)).encode()
    host, port = watched.process.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {watched.process.token}\r\n"
        connection.sendall(f"{head}content-length: {len(raw)}\r\n\r\n".encode() + raw)
        answered = connection.recv(2000)
    match = re.search(rb"x-request-id: ([0-9a-f]{32})", answered)
    assert match is not None
    spans = watched.collector.of(match[1].decode())
    names = {span.name for span in spans}
    assert {"chat tiny-llama", "model", "POST /v1/chat/completions"} <= names
    for span in spans:
        assert span.start_time_unix_nano <= span.end_time_unix_nano
    (root,) = (span for span in spans if span.kind == Span.SPAN_KIND_SERVER)
    assert attributes(root)["http.response.status_code"] == 499


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/embeddings"])
def test_other_endpoints_have_operations_of_their_own(watched: Watched, path: str) -> None:
    operation = "text_completion"
    body: dict[str, Any] = {"model": "llama", "prompt": f"say {secrets.randbelow(100_000)}"}
    if path == "/v1/embeddings":
        operation, body = "embeddings", {"model": "llama", "input": ["one"]}
        vectors = [{"index": 0, "embedding": [0.5], "object": "embedding"}]
        watched.upstream.answers({"object": "list", "data": vectors, "usage": {"prompt_tokens": 3, "total_tokens": 3}})
    answer = ask(watched.process, body, path=path, headers={"authorization": f"Bearer {watched.jane}"})
    assert answer.status == 200
    spans = {span.name: span for span in watched.collector.of(answer.headers["x-request-id"])}
    assert attributes(spans[f"POST {path}"])["gen_ai.operation.name"] == operation
    assert attributes(spans[f"{operation} tiny-llama"])["gen_ai.provider.name"] == "vllm"


def test_without_traces_nothing_of_opentelemetry_is_loaded() -> None:
    """Of what is ours: other libraries look whether it is there."""
    code = "import sys, gateway.app, gateway.cli.main; print('opentelemetry.exporter' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
