"""A gateway with all that observes it: metrics, spans to a collector of the tests, lines of the log for exchanges."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from demo.vllm import free_port
from tests.faults.wire import ask
from tests.support.collector import Collector
from tests.support.gateway import GatewayProcess, mint, start_gateway
from tests.support.upstream import Background, ScriptedUpstream

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
POLICY = """\
version: 1
name: watched
models: {llama: {upstream: default, id: tiny-llama}, broken: {upstream: nowhere, id: none}}
upstreams: {nowhere: {url: 'http://127.0.0.1:9/v1'}}
redact:
  nlp: {engine: patterns}
  entities: {CRYPTO: block, EMAIL_ADDRESS: placeholder}
  deny: [{entity: PERSON, text: [Ada Lovelace]}]
cache: {ttl: 10m, scope: tenant, when: always}
limits: {upstream: 20s, tenants: {small: {tokens_per_day: 10}}}
"""


@dataclass
class Watched:
    """A gateway, who listens to it, and all that came to its upstream."""

    process: GatewayProcess
    upstream: ScriptedUpstream
    collector: Collector
    headers_seen: list[dict[str, str]]
    small: str
    """A token whose limits are reached with the first request."""
    jane: str
    """A token of the person `canarySubject` of the tenant `canaryTenant`, for all endpoints."""

    def metrics(self) -> str:
        with _DIRECT.open(self.process.metrics_url, timeout=20) as response:
            return str(response.read().decode())

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.process.log.read_text().splitlines()]

    def lines(self, request_id: str) -> list[dict[str, Any]]:
        return [line for line in self.log() if line.get("request_id") == request_id]

    def echoes(self) -> None:
        """The upstream says what it was told, and notes with which headers."""
        self.upstream.echoes()
        inner = self.upstream.handler
        assert inner is not None

        async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
            self.headers_seen.append({name.lower(): value for name, value in request.headers.items()})
            return await inner(request, body)

        self.upstream.handler = answer


@pytest.fixture(scope="package")
def scripted() -> Iterator[ScriptedUpstream]:
    with Background(ScriptedUpstream()) as upstream:
        yield upstream


@pytest.fixture(scope="package")
def started(scripted: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    directory = tmp_path_factory.mktemp("watched")
    policy = directory / "policy.yaml"
    policy.write_text(POLICY)
    with Collector() as collector:
        more = ("--traces", collector.url, "--access-log")
        process = start_gateway(directory, scripted.url, policy, *more, metrics_port=free_port())
        tokens = directory / "tokens.yaml"
        small = mint(tokens, "small")
        scopes = (word for scope in ("chat", "completions", "embeddings") for word in ("--scope", scope))
        jane = mint(tokens, "canaryTenant", "--subject", "canarySubject", *scopes)
        listing = {"authorization": f"Bearer {jane}"}
        when(lambda: ask(process, path="/v1/models", method="GET", headers=listing).status == 200, "tokens are read")
        yield Watched(process, scripted, collector, [], small, jane)
        process.stop()


@pytest.fixture
def watched(started: Watched) -> Watched:
    started.upstream.reset()
    started.headers_seen.clear()
    started.echoes()
    return started


def when(found: Callable[[], Any], what: str) -> Any:
    """What is found as soon as there is something; things are written a moment after the answer."""
    until = time.monotonic() + 30
    while not (value := found()):
        assert time.monotonic() < until, what
        time.sleep(0.05)
    return value


def start_with_traces(
    directory: Path, upstream: ScriptedUpstream, url: str, *more: str, settings: Mapping[str, str] | None = None
) -> GatewayProcess:
    policy = directory / "policy.yaml"
    policy.write_text(POLICY.replace("when: always", "when: never"))
    return start_gateway(
        directory, upstream.url, policy, "--traces", url, *more, metrics_port=free_port(), settings=settings
    )
