"""Lines of the log: whose request they are about, and the one that each exchange has."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from aiohttp import web

from demo.vllm import free_port
from tests.faults.wire import ask, chat
from tests.observe.conftest import POLICY, Watched, when
from tests.support.gateway import start_gateway
from tests.support.upstream import ScriptedUpstream

pytestmark = pytest.mark.xdist_group("observe")


def test_each_exchange_has_one_line_with_kinds_and_counts(watched: Watched) -> None:
    mark = secrets.token_hex(6)
    body = chat(f"Hello Ada Lovelace, {mark}@example.org", stream=True, user=mark)
    answer = ask(watched.process, body, headers=watched.process.headers)
    request_id = answer.headers["x-request-id"]
    (line,) = when(lambda: watched.lines(request_id), "it is logged")
    told = line["exchange"]
    assert line["logger"] == "gateway.access"
    assert re.fullmatch(r"[0-9a-f]{32}", line["trace_id"])
    assert told["status"] == 200
    assert told["endpoint"] == "/chat/completions"
    assert sorted(told["findings"]) == [
        ["redact", "EMAIL_ADDRESS", "placeholder", 1],
        ["redact", "PERSON", "placeholder", 1],
    ]
    assert told["finish_reasons"] == ["stop"]
    assert told["steps"].keys() == {"authenticate", "read", "limits", "redact", "model", "answer", "rest"}
    assert mark not in json.dumps(line)


def test_what_a_client_calls_its_request_is_neither_taken_nor_given_back(watched: Watched) -> None:
    mine = f"canary{secrets.token_hex(6)}"
    for body in (chat("hello"), chat("hello", stream=True), chat(5)):
        headers = {**watched.process.headers, "x-request-id": mine, "request-id": mine, "x-correlation-id": mine}
        answer = ask(watched.process, body, headers=headers)
        assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])
        assert mine not in str(answer.headers)
        assert mine.encode() not in answer.body
    assert mine not in watched.process.log.read_text()


def test_what_goes_wrong_during_a_request_has_its_id(scripted: ScriptedUpstream, tmp_path: Path) -> None:
    """A cache whose store is gone is a mishap of somebody's request, seen in another task."""
    scripted.reset()
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    gateway = start_gateway(tmp_path, scripted.url, policy, "--store", "redis://127.0.0.1:9", metrics_port=free_port())
    try:
        answer = ask(gateway, chat("hello"), headers=gateway.headers)
        assert answer.status == 200
    finally:
        gateway.stop()
    lines = [json.loads(line) for line in gateway.log.read_text().splitlines()]
    mishaps = [line for line in lines if line.get("part") == "cache"]
    assert mishaps
    assert mishaps[0]["request_id"] == answer.headers["x-request-id"]
    # It has no traces and was not asked for lines of exchanges.
    assert not [line for line in lines if "trace_id" in line or line["logger"] == "gateway.access"]


def test_requests_at_the_same_time_keep_their_ids_apart(watched: Watched) -> None:
    """One waits for its model while others come and go."""

    async def slow(request: web.Request, body: object) -> web.StreamResponse:
        await asyncio.sleep(0.2)
        return web.json_response({"choices": []}, status=418)

    watched.upstream.handler = slow
    with ThreadPoolExecutor(8) as pool:
        bodies = [chat(f"at once, {secrets.token_hex(4)}") for _ in range(16)]
        answers = list(pool.map(lambda body: ask(watched.process, body, headers=watched.process.headers), bodies))
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == 16
    until = time.monotonic() + 10
    while not all(watched.lines(request_id) for request_id in ids) and time.monotonic() < until:
        time.sleep(0.05)
    for request_id in ids:
        (line,) = watched.lines(request_id)
        assert line["exchange"]["code"] == "upstream_failed"
