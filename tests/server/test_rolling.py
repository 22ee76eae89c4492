"""Workers are replaced one by one, and nobody notices."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.access.test_workers import INVALID
from tests.faults.wire import wait_for
from tests.server.clients import Crowd
from tests.server.scene import LONG_S, POLICY, lines, policy_in, said, serving, workers_of
from tests.support.gateway import GatewayProcess, start_gateway
from tests.support.upstream import ScriptedUpstream

FAILED = "a new worker could not start, so those that serve stay"
pytestmark = pytest.mark.xdist_group("server")


@pytest.fixture
def pair(upstream: ScriptedUpstream, tmp_path: Path) -> Iterator[GatewayProcess]:
    gateway = start_gateway(tmp_path, upstream.url, policy_in(tmp_path), "--workers", "2")
    assert wait_for(lambda: len(serving(gateway)) == 2, LONG_S)
    yield gateway
    gateway.stop()


def _replace(gateway: GatewayProcess) -> None:
    os.kill(gateway.process.pid, signal.SIGUSR2)


def test_no_request_fails_while_all_workers_are_replaced(pair: GatewayProcess) -> None:
    before, most = serving(pair), 0

    def replaced() -> bool:
        nonlocal most
        most = max(most, len(workers_of(pair)))
        return len(said(pair, "all workers were replaced")) == 1 and len(workers_of(pair)) == 2

    with (
        Crowd(lambda: pair.url, pair.headers) as crowd,
        openai.OpenAI(base_url=f"{pair.url}/v1", api_key=pair.token, max_retries=0) as client,
    ):
        assert wait_for(lambda: min(crowd.done["streamed"], crowd.done["whole"]) > 20, LONG_S)
        _replace(pair)
        while not replaced():
            answer = client.chat.completions.create(model="llama", messages=[{"role": "user", "content": "hello"}])
            assert answer.choices[0].message.content == "hello"
        done = crowd.done.total()
        assert wait_for(lambda: crowd.done.total() > done + 40, LONG_S)
    assert crowd.failures == []
    assert not before & workers_of(pair)
    assert most == 3


def test_a_worker_that_cannot_start_replaces_nobody(pair: GatewayProcess) -> None:
    before = serving(pair)
    (pair.directory / "policy.yaml").write_text(INVALID)
    with Crowd(lambda: pair.url, pair.headers, streams=1) as crowd:
        _replace(pair)
        assert wait_for(lambda: len(said(pair, FAILED)) == 1, LONG_S)
        done = crowd.done.total()
        assert wait_for(lambda: crowd.done.total() > done + 10, LONG_S)
    assert crowd.failures == []
    assert workers_of(pair) == before
    assert any("policy.yaml" in line.get("problem", "") for line in lines(pair))

    (pair.directory / "policy.yaml").write_text(POLICY)
    _replace(pair)
    assert wait_for(lambda: len(said(pair, "all workers were replaced")) == 1, LONG_S)
    assert not before & workers_of(pair)


def test_workers_that_die_while_they_are_replaced(pair: GatewayProcess) -> None:
    before = serving(pair)
    _replace(pair)
    assert wait_for(lambda: len(workers_of(pair)) == 3, LONG_S)
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    assert wait_for(lambda: len(said(pair, "all workers were replaced")) == 1, LONG_S)
    assert wait_for(lambda: len(serving(pair)) == len(workers_of(pair)) == 2, LONG_S)
    assert not before & workers_of(pair)
    assert pair.process.poll() is None


def test_the_end_comes_also_in_the_middle(pair: GatewayProcess) -> None:
    _replace(pair)
    assert wait_for(lambda: len(workers_of(pair)) == 3, LONG_S)
    pair.process.send_signal(signal.SIGTERM)
    assert pair.process.wait(60) == 0
    assert workers_of(pair) == set()


def test_workers_that_hold_too_much_are_replaced(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    settings = {"GATEWAY_WORKER_MEMORY": "1000000"}
    gateway = start_gateway(tmp_path, upstream.url, policy_in(tmp_path), "--workers", "2", settings=settings)
    try:
        assert wait_for(lambda: len(serving(gateway)) == 2, LONG_S)
        before = serving(gateway)
        with Crowd(lambda: gateway.url, gateway.headers, streams=1) as crowd:
            assert wait_for(lambda: not before & workers_of(gateway), LONG_S)
        assert crowd.failures == []
        assert said(gateway, "a worker holds too much memory and is replaced")
    finally:
        gateway.stop()


def test_a_single_process_says_that_it_cannot_be_replaced(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    gateway = start_gateway(tmp_path, upstream.url, policy_in(tmp_path))
    try:
        _replace(gateway)
        assert wait_for(lambda: any("SIGUSR2" in line["message"] for line in lines(gateway)), 30)
        assert gateway.process.poll() is None
    finally:
        gateway.stop()


def test_a_worker_that_is_sent_away_before_it_serves_never_does(pair: GatewayProcess) -> None:
    before = serving(pair)
    os.kill(pair.process.pid, signal.SIGTTIN)
    assert wait_for(lambda: len(workers_of(pair)) == 3, LONG_S)
    os.kill(pair.process.pid, signal.SIGTTOU)
    assert wait_for(lambda: workers_of(pair) == before, LONG_S)
    assert serving(pair) == before
