"""Metrics of a real gateway: that each moves, and that no request can make labels of its own."""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from demo.vllm import free_port
from tests.faults.wire import ask, chat
from tests.observe.conftest import POLICY, Watched, when
from tests.support.gateway import GatewayProcess, start_gateway
from tests.support.registered import registered
from tests.support.upstream import ScriptedUpstream

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.xdist_group("observe")
_SAMPLE = re.compile(r"^(gateway_\w+)(\{[^}]*\})? (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (name, frozenset(_LABEL.findall(labels or ""))): float(value) for name, labels, value in _SAMPLE.findall(text)
    }


def value(watched: Watched, name: str, **labels: str) -> float:
    return samples(watched.metrics()).get((name, frozenset(labels.items())), 0.0)


def grows(watched: Watched, to: float, name: str, **labels: str) -> None:
    """What is counted when an exchange is over, a moment after its answer."""
    when(lambda: value(watched, name, **labels) == to, f"{name} {labels}")


def labels_of(watched: Watched) -> set[tuple[str, str]]:
    """All pairs of a label and its value, numbers of buckets excepted."""
    return {pair for _, pairs in samples(watched.metrics()) for pair in pairs if pair[0] != "le"}


def test_an_exchange_is_counted_in_all_its_parts(watched: Watched) -> None:
    requests = {"endpoint": "/chat/completions", "status": "200", "code": ""}
    before = samples(watched.metrics())
    headers = {**watched.process.headers, "cache-control": "no-store"}
    watched.upstream.says("It is all said. " * 40 + "Write to nobody.")
    answer = ask(watched.process, chat("Hello Ada Lovelace", stream=True), headers=headers)
    assert answer.status == 200
    counted = before.get(("gateway_requests_total", frozenset(requests.items())), 0.0)
    grows(watched, counted + 1, "gateway_requests_total", **requests)
    after = samples(watched.metrics())

    def more(name: str, **labels: str) -> float:
        place = name, frozenset(labels.items())
        return after.get(place, 0.0) - before.get(place, 0.0)

    assert more("gateway_requests_total", endpoint="/chat/completions", status="200", code="") == 1
    for step in ("authenticate", "read", "limits", "redact", "model", "answer"):
        assert more("gateway_step_seconds_count", step=step) == 1, step
    for stage in ("redact", "links", "pii", "system_prompt", "invisible"):
        assert more("gateway_stage_seconds_count", stage=stage, side="request") == 1, stage
        assert more("gateway_stage_seconds_count", stage=stage, side="answer") == 1, stage
        assert more("gateway_held_chars_count", stage=stage) == 1, stage
    assert more("gateway_held_chars_sum", stage="pii") > 0
    assert more("gateway_hold_seconds_count") == 1
    assert more("gateway_first_token_seconds_count") == 1
    assert more("gateway_findings_total", stage="redact", kind="PERSON", action="placeholder") == 1
    assert more("gateway_upstream_seconds_count", upstream="default", outcome="ok") == 1
    assert more("gateway_upstream_first_event_seconds_count", upstream="default") == 1
    assert more("gateway_finish_reasons_total", reason="stop") == 1
    assert more("gateway_audit_lines_total") >= 1
    assert more("gateway_spans_total", result="sent") >= 0
    assert after["gateway_exchanges_in_flight", frozenset()] == 0
    assert after["gateway_streams_in_flight", frozenset()] == 0
    assert after["gateway_process_resident_bytes", frozenset()] > 2**20
    assert time.time() - after["gateway_key_created_timestamp_seconds", frozenset()] < 3600
    assert time.time() - after["gateway_audit_written_timestamp_seconds", frozenset()] < 3600


def test_what_comes_to_nothing_is_counted_by_its_reason(watched: Watched) -> None:
    def asked(body: dict[str, Any], token: str = "") -> int:
        return ask(watched.process, body, headers={"authorization": f"Bearer {token or watched.process.token}"}).status

    blocked = value(watched, "gateway_blocks_total", rule="redact.entities.CRYPTO")
    assert asked(chat("pay 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")) == 400
    grows(watched, blocked + 1, "gateway_blocks_total", rule="redact.entities.CRYPTO")
    limit = {"of": "tenant", "limit": "tokens a day"}
    refused = value(watched, "gateway_limit_refusals_total", **limit)
    assert asked(chat("far more than ten tokens " * 5), watched.small) == 429
    grows(watched, refused + 1, "gateway_limit_refusals_total", **limit)
    failed = {"upstream": "nowhere", "outcome": "upstream_failed"}
    before = value(watched, "gateway_upstream_seconds_count", **failed)
    assert asked({**chat("hello"), "model": "broken"}) == 502
    grows(watched, before + 1, "gateway_upstream_seconds_count", **failed)
    assert value(watched, "gateway_upstream_in_flight", upstream="nowhere") == 0
    body = chat(f"the cache, number {secrets.randbelow(100_000)}")
    hits = value(watched, "gateway_cache_requests_total", result="hit")
    assert (asked(body), asked(body)) == (200, 200)
    grows(watched, hits + 1, "gateway_cache_requests_total", result="hit")
    assert value(watched, "gateway_store_seconds_count", operation="get", outcome="ok") >= 2


def test_a_client_that_goes_leaves_nothing_under_way(watched: Watched) -> None:
    events = [{"choices": [{"index": 0, "delta": {"content": "a word "}, "finish_reason": None}]}] * 40_000
    watched.upstream.streams(events)
    raw = b'{"model":"llama","stream":true,"messages":[{"role":"user","content":"gone"}]}'
    host, port = watched.process.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {watched.process.token}\r\n"
        connection.sendall(f"{head}cache-control: no-store\r\ncontent-length: {len(raw)}\r\n\r\n".encode() + raw)
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        when(lambda: value(watched, "gateway_streams_in_flight") == 1, "a stream is under way")
        assert value(watched, "gateway_upstream_in_flight", upstream="default") == 1
    grows(watched, 0, "gateway_streams_in_flight")
    grows(watched, 0, "gateway_exchanges_in_flight")
    when(lambda: value(watched, "gateway_upstream_in_flight", upstream="default") == 0, "the upstream is let go")
    gone = {"endpoint": "/chat/completions", "status": "499", "code": "client_gone"}
    when(lambda: value(watched, "gateway_requests_total", **gone) >= 1, "it is counted")


def test_no_request_makes_a_label(watched: Watched) -> None:
    """Again and again, with different values: what the first rounds may add is fixed, so the last adds nothing."""

    def strange() -> None:
        word = f"zz{secrets.token_hex(5)}"
        token = watched.process.token
        for headers in (
            {"authorization": f"Bearer {token}", "x-request-id": word, "traceparent": word, "user-agent": word},
            {"authorization": f"Bearer {word}"},
            {"authorization": f"{word} {token}"},
        ):
            for body in (
                chat(f"mail {word}@example.org, call +1 212 555 {secrets.randbelow(9000) + 1000}"),
                {**chat("hello"), "model": word},
                {**chat("hello"), word: word},
                chat("hello", user=word, metadata={word: word}, stream=True),
                chat([{"type": word, word: word}]),
                chat("hello", tools=[{"type": "function", "function": {"name": word, "parameters": {}}}]),
                word,
            ):
                for path in ("/v1/chat/completions", "/v1/completions", "/v1/embeddings"):
                    ask(watched.process, body, path=path, headers=headers)
            for path in (
                f"/v1/{word}",
                f"/{word}",
                f"/v1/models/{word}",
                f"/v1/embeddings/{word}",
                f"/v1?{word}",
            ):
                for method in ("GET", "POST", "PUT", word.upper()):
                    ask(watched.process, method=method, path=path, headers=headers)
        watched.upstream.answers({word: word}, status=418)
        ask(watched.process, chat(word), headers={"authorization": f"Bearer {token}"})
        said = {"index": 0, "message": {"role": word, "content": word}, "finish_reason": word}
        watched.upstream.answers({"choices": [said], "usage": {word: 3, "prompt_tokens": 2}, "model": word})
        ask(watched.process, chat(word), headers={"authorization": f"Bearer {token}"})
        watched.echoes()

    strange()
    strange()
    before = labels_of(watched)
    strange()
    assert labels_of(watched) == before
    assert not [pair for pair in before if "zz" in pair[1]]
    assert ("endpoint", "/chat/completions") in before


def test_the_documentation_lists_each_metric_with_its_labels() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text()
    rows = re.findall(r"^\| `(gateway_\w+)` \|([^|]*)\|", text, re.MULTILINE)
    listed = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    assert len(rows) == len(listed)
    known = registered()
    names = {name for name in known if not name.endswith(("_bucket", "_sum", "_count", "_created", "_total"))}
    assert listed.keys() == names
    assert listed == {name: known[name] - {"le"} for name in names}


@pytest.fixture
def pair(scripted: ScriptedUpstream, tmp_path: Path) -> Any:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.replace("tenants: {small: {tokens_per_day: 10}}", ""))
    process = start_gateway(tmp_path, scripted.url, policy, "--workers", "2", metrics_port=free_port())
    yield process
    process.stop()


def test_workers_are_added_up_and_those_that_died_are_not_among_the_living(
    pair: GatewayProcess, scripted: ScriptedUpstream
) -> None:
    scripted.reset()
    watched = Watched(pair, scripted, None, [], "", "")  # type: ignore[arg-type]
    for _ in range(40):
        assert ask(pair, chat("hello"), headers=pair.headers).status == 200
    counted = {"endpoint": "/chat/completions", "status": "200", "code": ""}
    when(lambda: value(watched, "gateway_requests_total", **counted) == 40, "all are counted")
    assert value(watched, "gateway_step_seconds_count", step="redact") == 40
    assert value(watched, "gateway_request_seconds_bucket", endpoint="/chat/completions", le="+Inf") == 40

    def workers() -> float:
        return sum(number for (name, _), number in samples(watched.metrics()).items() if name == "gateway_workers")

    when(lambda: workers() == 2, "both are there")
    children = Path(f"/proc/{pair.process.pid}/task/{pair.process.pid}/children").read_text().split()
    victim = next(pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(int(victim), signal.SIGKILL)
    when(lambda: workers() == 1, "one is gone")
    when(lambda: workers() == 2, "it is replaced")
    assert value(watched, "gateway_requests_total", **counted) == 40
