"""Who may do what and how much, through a real gateway with two workers and a Redis."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from tests.faults.wire import wait_for
from tests.support.gateway import GatewayProcess, gateway, mint, start_gateway
from tests.support.redis import redis_server
from tests.support.upstream import ScriptedUpstream, chunks, completion

POLICY = """\
version: 1
name: limited
models: {llama: {upstream: default, id: tiny-llama}}
redact: {nlp: {engine: patterns}}
answers: {pii: {default: allow}, links: {action: allow}}
cache: {when: never}
limits:
  upstream: 5s
  tenants: {globex: {tokens_per_day: 2000}, initech: {concurrent: 1}}
"""
pytestmark = pytest.mark.xdist_group("access")


@pytest.fixture(scope="module")
def served(_scripted: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    folder = tmp_path_factory.mktemp("access")
    (folder / "policy.yaml").write_text(POLICY)
    assert gateway("key", "init", str(folder / "keys.json")).returncode == 0
    with redis_server(folder / "redis") as redis:
        process = start_gateway(
            folder,
            _scripted.url,
            folder / "policy.yaml",
            *("--store", redis.url, "--keyset", str(folder / "keys.json"), "--workers", "2"),
            *("--trusted-proxies", "127.0.0.0/8", "--places", "64"),
            settings={"GATEWAY_STORE_TIMEOUT": "8"},
        )
        yield process
        process.stop()


def post(served: GatewayProcess, token: str, path: str = "/v1/chat/completions", **more: Any) -> httpx.Response:
    body = {"model": "llama", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 10}
    headers = {"authorization": f"Bearer {token}", **more.pop("headers", {})}
    with httpx.Client(trust_env=False, timeout=30) as client:
        return client.post(served.url + path, json=more.pop("json", body), headers=headers, **more)


@contextmanager
def streamed(served: GatewayProcess, token: str) -> Iterator[Iterator[bytes]]:
    """A streamed answer as it arrives; its client leaves at the end of the block."""
    body = {"model": "llama", "stream": True, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 10}
    headers = {"authorization": f"Bearer {token}"}
    with (
        httpx.Client(trust_env=False, timeout=30) as client,
        client.stream("POST", f"{served.url}/v1/chat/completions", json=body, headers=headers) as answer,
    ):
        yield answer.iter_bytes()


def minted(served: GatewayProcess, tenant: str, *more: str) -> str:
    """A token of the file, known to all workers."""
    token = mint(served.directory / "tokens.yaml", tenant, *more)
    time.sleep(1.2)
    return token


def test_requests_a_minute_are_counted_over_the_workers(served: GatewayProcess, upstream: ScriptedUpstream) -> None:
    upstream.answers(completion("Hi."))
    token = minted(served, "acme", "--subject", "limited", "--limit", "requests_per_minute=5")
    answers = [post(served, token) for _ in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
    assert answers[0].headers["x-ratelimit-limit-requests"] == "5"
    assert [answer.headers["x-ratelimit-remaining-requests"] for answer in answers[:5]] == ["4", "3", "2", "1", "0"]
    refused = answers[-1]
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert 1 <= int(refused.headers["retry-after"]) <= 12
    assert len(upstream.bodies) == 5


def test_a_budget_of_tokens_is_settled_by_what_was_used(served: GatewayProcess, upstream: ScriptedUpstream) -> None:
    upstream.answers(
        {**completion("Hi."), "usage": {"prompt_tokens": 400, "completion_tokens": 300, "total_tokens": 700}}
    )
    token = minted(served, "globex")
    statuses = []
    for _ in range(5):
        statuses.append(post(served, token).status_code)
        time.sleep(0.3)
    assert statuses == [200, 200, 200, 429, 429]
    assert post(served, token).json()["error"]["code"] == "budget_exceeded"


def test_breaking_off_a_stream_saves_no_tokens(served: GatewayProcess, upstream: ScriptedUpstream) -> None:
    """Nobody says what it used: no less than came."""
    token = minted(served, "globex", "--subject", "breaking", "--limit", "tokens_per_minute=1000")
    gone = threading.Event()

    async def endless(request: web.Request, _body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for piece in chunks(["one "] * 500):
            await response.write(b"data: " + json.dumps(piece).encode() + b"\n\n")
        while not gone.is_set():
            await asyncio.sleep(0.05)
        return response

    upstream.handler = endless
    with streamed(served, token) as arriving:
        read = 0
        for piece in arriving:
            read += piece.count(b'"content":"')
            if read > 400:
                break
    gone.set()
    upstream.answers(completion("Hi."))

    def left() -> int:
        return int(post(served, token).headers["x-ratelimit-remaining-tokens"])

    assert wait_for(lambda: left() < 650, 5), left()


def test_a_good_token_used_where_it_may_not_is_written_down_as_whose_it_is(served: GatewayProcess) -> None:
    token = minted(served, "acme", "--subject", "away", "--network", "10.0.0.0/8")
    assert post(served, token, headers={"x-forwarded-for": "192.0.2.1"}).status_code == 403

    def refused(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [line for line in events if line.get("token") == token.split("_")[1]]

    (line,) = refused(served.events(lambda events: bool(refused(events))))
    assert (line["status"], line["tenant"]) == (403, "acme")
    assert line["subject"]


def test_looking_at_the_models_is_written_down(served: GatewayProcess) -> None:
    token = minted(served, "acme", "--subject", "looking")
    with httpx.Client(trust_env=False, timeout=30) as client:
        for sent in (token, f"pgw_{'x' * 60}"):
            client.get(f"{served.url}/v1/models", headers={"authorization": f"Bearer {sent}"})

    def looks(events: list[dict[str, Any]]) -> set[tuple[int, str]]:
        return {(line["status"], line["token"]) for line in events if line.get("endpoint") == "GET /v1/models"}

    wanted = {(200, token.split("_")[1]), (401, "")}
    assert wanted <= looks(served.events(lambda events: wanted <= looks(events)))


def test_a_client_that_leaves_in_the_middle_gives_its_place_back(
    served: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    """The tenant may have one request under way."""
    token = minted(served, "initech")
    going_on = threading.Event()

    async def slow(request: web.Request, _body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for piece in chunks(["one "] * 400):
            await response.write(b"data: " + json.dumps(piece).encode() + b"\n\n")
            going_on.set()
            await asyncio.sleep(0.05)
        return response

    upstream.handler = slow
    with streamed(served, token) as arriving:
        next(arriving)
        assert going_on.wait(5)
        upstream.answers(completion("Hi."))
        refused = post(served, token)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        next(arriving)
    assert wait_for(lambda: post(served, token).status_code == 200, 10)


def test_what_no_model_took_costs_nothing(served: GatewayProcess, upstream: ScriptedUpstream) -> None:
    token = minted(served, "acme", "--subject", "refused", "--limit", "tokens_per_day=300")
    body = {"model": "llama", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 200}

    async def refused(request: web.Request, _body: dict[str, Any]) -> web.StreamResponse:
        return web.json_response({"error": {"message": "maximum context length"}}, status=400)

    for stream in (False, True):
        upstream.handler = refused
        assert post(served, token, json={**body, "stream": stream}).status_code == 400
        time.sleep(0.3)
    upstream.answers(completion("Hi."))
    assert post(served, token, json=body).status_code == 200


def test_what_one_tenant_has_used_is_nothing_to_another(served: GatewayProcess, upstream: ScriptedUpstream) -> None:
    upstream.answers(completion("Hi."))
    assert post(served, served.token).status_code == 200


def test_a_token_is_minted_used_rotated_and_revoked_while_the_gateway_runs(
    served: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    upstream.answers(completion("Hi."))
    boss = minted(served, "acme", "--scope", "admin:tokens", "--scope", "chat")
    made = post(served, boss, "/admin/tokens", json={"subject": "temp", "scopes": ["chat"], "expires_in": 3600})
    assert made.status_code == 201, made.text
    token, token_id = made.json()["token"], made.json()["id"]
    assert all(post(served, token).status_code == 200 for _ in range(6))
    rotated = post(served, boss, f"/admin/tokens/{token_id}/rotate", json={})
    assert rotated.status_code in (200, 201), rotated.text
    fresh = rotated.json()["token"]
    time.sleep(1.1)
    assert {post(served, token).status_code for _ in range(6)} == {401}
    assert {post(served, fresh).status_code for _ in range(6)} == {200}
    with httpx.Client(trust_env=False) as client:
        gone = client.delete(f"{served.url}/admin/tokens/{token_id}", headers={"authorization": f"Bearer {boss}"})
    assert gone.status_code == 200
    time.sleep(1.1)
    assert {post(served, fresh).status_code for _ in range(6)} == {401}
    log = served.log.read_text() + served.audit.read_text()
    assert all(secret.split("_")[2] not in log for secret in (token, fresh, boss))


def test_nobody_mints_what_they_may_not_do(served: GatewayProcess) -> None:
    boss = minted(served, "acme", "--scope", "admin:tokens", "--scope", "chat")
    for wish in ({"scopes": ["admin:cache"]}, {"scopes": ["chat", "docs:hr"]}, {"tenant": "globex"}):
        assert post(served, boss, "/admin/tokens", json=wish).status_code in (400, 403)
    assert post(served, served.token, "/admin/tokens", json={}).status_code == 403


def test_a_token_of_a_network_is_good_there_only(served: GatewayProcess, upstream: ScriptedUpstream) -> None:
    upstream.answers(completion("Hi."))
    token = minted(served, "acme", "--network", "192.0.2.0/24")
    assert post(served, token, headers={"x-forwarded-for": "192.0.2.7"}).status_code == 200
    for elsewhere in ("198.51.100.1", "192.0.2.7, 198.51.100.1"):
        assert post(served, token, headers={"x-forwarded-for": elsewhere}).status_code == 403
    assert post(served, token).status_code == 403


def test_a_token_in_a_url_is_refused_and_written_nowhere(served: GatewayProcess, upstream: ScriptedUpstream) -> None:
    answer = post(served, served.token, f"/v1/chat/completions?api_key={served.token}")
    assert answer.status_code == 401
    assert "rotated" in answer.json()["error"]["message"]
    assert upstream.bodies == []
    assert served.token not in served.log.read_text() + served.audit.read_text() + answer.text


def test_wrong_tokens_are_slowed_by_address_and_good_ones_are_not(
    served: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    upstream.answers(completion("Hi."))
    at = {"x-forwarded-for": "203.0.113.9"}
    wrong = served.token[:-8] + "AAAAAAAA"
    # Each of the two workers counts for itself.
    statuses = {post(served, wrong, headers=at).status_code for _ in range(620)}
    assert statuses == {401, 429}
    assert post(served, served.token, headers=at).status_code == 200


def test_the_audit_log_of_two_workers_verifies(served: GatewayProcess, upstream: ScriptedUpstream) -> None:
    upstream.answers(completion("Hi."))
    assert post(served, served.token).status_code == 200

    def verified() -> bool:
        done = gateway("audit", "verify", str(served.audit), "--keyset", str(served.directory / "keys.json"))
        return done.returncode in (0, 3)

    assert wait_for(verified, 10)
    lines = served.audit.read_bytes().splitlines(keepends=True)
    exchange = next(n for n, line in enumerate(lines) if b'"event":"exchange"' in line)
    changed = served.directory / "changed.jsonl"
    changed.write_bytes(
        b"".join([*lines[:exchange], lines[exchange].replace(b"200", b"201", 1), *lines[exchange + 1 :]])
    )
    done = gateway("audit", "verify", str(changed), "--keyset", str(served.directory / "keys.json"))
    assert done.returncode == 1


def test_limits_of_several_workers_need_a_store_that_they_share(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    mint(tmp_path / "tokens.yaml", "acme")
    done = gateway(
        *("serve", "--policy", str(tmp_path / "policy.yaml"), "--tokens", str(tmp_path / "tokens.yaml")),
        *("--workers", "2", "--port", "0"),
    )
    assert done.returncode == 2
    assert "--store redis" in done.stderr
