"""The end of a gateway: what is under way is answered, and nothing is lost that could be answered."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from tests.faults.wire import (
    Answer,
    ask,
    assert_envelope,
    assert_error,
    chat,
    connected,
    read_answer,
    read_to_end,
    request_bytes,
    wait_for,
)
from tests.server.clients import Crowd
from tests.server.scene import LONG_S, policy_in, serving
from tests.support.gateway import GatewayProcess, start_gateway
from tests.support.upstream import ScriptedUpstream, chunks, completion

Start = Callable[..., GatewayProcess]
pytestmark = pytest.mark.xdist_group("server")


class Slow:
    """An upstream that begins, and goes on when it may."""

    def __init__(self, upstream: ScriptedUpstream) -> None:
        self._go_on = threading.Event()
        self.began = 0
        upstream.handler = self._answer

    def go_on(self) -> None:
        self._go_on.set()

    async def _answer(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if not body.get("stream"):
            self.began += 1
            await self._wait()
            return web.json_response(completion("at last"))
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        first, *rest = chunks(["first of all, " * 40, "and then, ", "at last"])
        for event in (first, rest[0], rest[1]):
            await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        self.began += 1
        await self._wait()
        for event in rest[2:]:
            await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        return response

    async def _wait(self) -> None:
        while not self._go_on.is_set():
            await asyncio.sleep(0.02)


@pytest.fixture
def start(upstream: ScriptedUpstream, tmp_path: Path) -> Iterator[Start]:
    started: list[GatewayProcess] = []

    def start(*flags: str, workers: int = 1) -> GatewayProcess:
        folder = tmp_path / str(len(started))
        folder.mkdir()
        gateway = start_gateway(folder, upstream.url, policy_in(folder), "--workers", str(workers), *flags)
        started.append(gateway)
        if workers > 1:
            assert wait_for(lambda: len(serving(gateway)) == workers, LONG_S)
        return gateway

    yield start
    for gateway in started:
        if gateway.process.poll() is None:
            os.killpg(gateway.process.pid, signal.SIGKILL)
            gateway.process.wait(30)


both = pytest.mark.parametrize("workers", [1, 2])


def _under_way(gateway: GatewayProcess, upstream: ScriptedUpstream, pool: ThreadPoolExecutor) -> tuple[Slow, list[Any]]:
    """Two requests that wait for the upstream, one of them a stream that has begun."""
    slow = Slow(upstream)
    asked = [pool.submit(ask, gateway, chat("hello", stream=stream)) for stream in (False, True)]
    assert wait_for(lambda: slow.began == 2, 30)
    return slow, asked


def _readiness(gateway: GatewayProcess) -> int:
    return ask(gateway, path="/health/ready", method="GET").status


def _is_closed(gateway: GatewayProcess) -> bool:
    """Whether nobody listens any more."""
    try:
        socket.create_connection(("127.0.0.1", int(gateway.url.rpartition(":")[2])), 5).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize(("workers", "number"), [(1, signal.SIGTERM), (2, signal.SIGTERM), (2, signal.SIGINT)])
def test_what_is_under_way_is_answered(
    start: Start, upstream: ScriptedUpstream, workers: int, number: signal.Signals
) -> None:
    """Also if the signal comes to all processes, as from a terminal or from systemd."""
    gateway = start(workers=workers)
    with ThreadPoolExecutor() as pool:
        slow, asked = _under_way(gateway, upstream, pool)
        os.killpg(gateway.process.pid, number)
        assert wait_for(lambda: _is_closed(gateway), 30)
        slow.go_on()
        whole, streamed = (one.result(60) for one in asked)
    assert whole.document["choices"][0]["message"]["content"] == "at last"
    assert whole.headers["connection"] == "close"
    assert streamed.streamed_text == "first of all, " * 40 + "and then, at last"
    assert streamed.events[-1] == "[DONE]"
    gateway.process.wait(30)


@both
def test_what_takes_too_long_ends_as_its_client_expects(start: Start, upstream: ScriptedUpstream, workers: int) -> None:
    gateway = start("--drain-timeout", "1", workers=workers)
    with ThreadPoolExecutor() as pool:
        _, asked = _under_way(gateway, upstream, pool)
        gateway.process.send_signal(signal.SIGTERM)
        whole, streamed = (one.result(60) for one in asked)
    assert_error(whole, 503, "not_ready")
    assert whole.headers["retry-after"] == "1"
    assert whole.headers["connection"] == "close"
    _assert_cut_off(streamed)
    gateway.process.wait(30)
    events = gateway.events(lambda found: sum(line.get("event") == "exchange" for line in found) >= 2)
    assert [(line["status"], line["code"]) for line in events if line.get("event") == "exchange"] == [
        (503, "not_ready")
    ] * 2


def _assert_cut_off(answer: Answer) -> None:
    assert answer.status == 200
    *sent, error, end = answer.events
    assert "first" in "".join(sent)
    assert_envelope(json.loads(error), 503, "not_ready")
    assert end == "[DONE]"


@both
def test_the_second_signal_ends_at_once(start: Start, upstream: ScriptedUpstream, workers: int) -> None:
    gateway = start("--drain-timeout", "300", workers=workers)
    with ThreadPoolExecutor() as pool:
        _, asked = _under_way(gateway, upstream, pool)
        gateway.process.send_signal(signal.SIGTERM)
        assert wait_for(lambda: _is_closed(gateway), 30)
        gateway.process.send_signal(signal.SIGTERM)
        gateway.process.wait(30)
        for one in asked:
            one.exception(60)


@both
def test_balancers_are_told_before_the_door_is_closed(start: Start, upstream: ScriptedUpstream, workers: int) -> None:
    gateway = start("--drain-delay", "4", workers=workers)
    with httpx.Client(base_url=gateway.url, trust_env=False, timeout=30) as kept:
        assert kept.get("/health/ready").status_code == 200
        gateway.process.send_signal(signal.SIGTERM)
        assert wait_for(lambda: all(_readiness(gateway) == 503 for _ in range(5)), 30)
        refused = ask(gateway, path="/health/ready", method="GET")
        assert_error(refused, 503, "not_ready")
        # Whoever comes is served all the same, and told to come on another connection the next time.
        answer = ask(gateway, chat("hello"))
        assert answer.status == 200
        assert answer.headers["connection"] == "close"
        assert ask(gateway, path="/health/live", method="GET").status == 200
        assert kept.get("/health/live").headers["connection"] == "close"
    gateway.process.wait(30)


def test_a_kept_connection_is_answered_once_more(start: Start) -> None:
    gateway = start()
    with connected(gateway) as kept, connected(gateway) as idle:
        for connection in (kept, idle):
            connection.sendall(request_bytes(gateway, chat("one")))
            answer = read_answer(connection)
            assert answer.status == 200
            assert "connection" not in answer.headers
        gateway.process.send_signal(signal.SIGTERM)
        assert wait_for(lambda: _is_closed(gateway), 30)
        kept.sendall(request_bytes(gateway, chat("two")))
        answer = read_answer(kept)
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert read_to_end(idle) == b""
    # Nobody waits for what nobody uses.
    gateway.process.wait(20)


def test_a_stream_that_began_before_the_end_does_not_cut_off_the_next_request(
    start: Start, upstream: ScriptedUpstream
) -> None:
    """Its headers did not say that the connection would be closed."""
    gateway = start()
    slow = Slow(upstream)
    with httpx.Client(base_url=gateway.url, trust_env=False, timeout=30, headers=gateway.headers) as client:
        with client.stream("POST", "/v1/chat/completions", json=chat("hello", stream=True)) as answer:
            assert wait_for(lambda: slow.began == 1, 30)
            gateway.process.send_signal(signal.SIGTERM)
            assert wait_for(lambda: _is_closed(gateway), 30)
            slow.go_on()
            assert answer.read().endswith(b"[DONE]\n\n")
        assert client.get("/health/live").headers["connection"] == "close"
    gateway.process.wait(30)


def test_connections_that_wait_to_be_taken_are_taken(start: Start) -> None:
    """They have been made as far as their clients know."""
    gateway = start()
    os.kill(gateway.process.pid, signal.SIGSTOP)
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(ask, gateway, chat("hello")) for _ in range(20)]
        time.sleep(0.5)
        gateway.process.send_signal(signal.SIGTERM)
        os.kill(gateway.process.pid, signal.SIGCONT)
        assert {one.result(60).status for one in asked} == {200}
    gateway.process.wait(30)


def test_who_does_not_read_does_not_hold_up_the_end(start: Start, upstream: ScriptedUpstream) -> None:
    async def floods(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        event = b"data: " + json.dumps(chunks(["word " * 10_000])[1]).encode() + b"\n\n"
        while True:
            await response.write(event)

    gateway = start("--drain-timeout", "1")
    upstream.handler = floods
    with connected(gateway, receive_bytes=4096) as connection:
        connection.sendall(request_bytes(gateway, chat(stream=True)))
        assert wait_for(lambda: bool(upstream.bodies), 30)
        gateway.process.send_signal(signal.SIGTERM)
        gateway.process.wait(25)


def test_workers_do_not_outlive_their_parent(start: Start) -> None:
    gateway = start(workers=2)
    os.kill(gateway.process.pid, signal.SIGKILL)
    gateway.process.wait(30)
    assert wait_for(lambda: _is_closed(gateway), LONG_S)


def test_one_of_two_gateways_ends_and_no_request_fails(start: Start) -> None:
    """Behind a balancer that goes by readiness."""
    both = [start("--drain-delay", "2"), start("--drain-delay", "2")]
    turn, ready = 0, {gateway.url: True for gateway in both}
    stop = threading.Event()

    def look() -> None:
        with httpx.Client(trust_env=False, timeout=5) as client:
            while not stop.wait(0.2):
                for url in ready:
                    try:
                        ready[url] = client.get(f"{url}/health/ready").status_code == 200
                    except httpx.HTTPError:
                        ready[url] = False

    def where() -> str:
        nonlocal turn
        turn += 1
        able = [url for url in ready if ready[url]]
        return able[turn % len(able)]

    looking = threading.Thread(target=look)
    looking.start()
    # A token of one is none of the other.
    both[1].directory.joinpath("tokens.yaml").write_text(both[0].directory.joinpath("tokens.yaml").read_text())
    try:
        assert wait_for(lambda: ask(both[1], chat("x"), headers=both[0].headers).status == 200, 30)
        with Crowd(where, both[0].headers) as crowd:
            assert wait_for(lambda: min(crowd.done["streamed"], crowd.done["whole"]) > 20, LONG_S)
            both[0].process.send_signal(signal.SIGTERM)
            both[0].process.wait(60)
            before = crowd.done.total()
            assert wait_for(lambda: crowd.done.total() > before + 40, LONG_S)
    finally:
        stop.set()
        looking.join(30)
    assert crowd.failures == []
