"""Many connections and few file descriptors: those that say nothing give way, those that are answered do not."""

from __future__ import annotations

import os
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from gateway.edge.connections import Connections, connections_for, raise_file_limit
from gateway.settings import ConfigurationError
from tests.faults.wire import ask, assert_error, chat, connected, read_answer, request_bytes, wait_for
from tests.server.scene import LONG_S, Certificates, lines, policy_in
from tests.server.test_drain import Slow
from tests.support.gateway import GatewayProcess, start_gateway
from tests.support.upstream import ScriptedUpstream

FILES, MANY = 400, 1200
pytestmark = pytest.mark.xdist_group("server")


@pytest.fixture(params=["plain", "tls"])
def narrow(
    request: pytest.FixtureRequest, upstream: ScriptedUpstream, tmp_path: Path
) -> Iterator[tuple[GatewayProcess, httpx.Client]]:
    """A gateway with room for a hundred connections, and a client that keeps one."""
    certificates = Certificates(tmp_path)
    flags = certificates.issue("gateway").flags if request.param == "tls" else ()
    program = ("tests.server.limited", str(FILES))
    gateway = start_gateway(tmp_path, upstream.url, policy_in(tmp_path), *flags, program=program)
    with httpx.Client(
        base_url=gateway.url, headers=gateway.headers, verify=certificates.trust(), trust_env=False, timeout=30
    ) as client:
        yield gateway, client
    gateway.stop()


def _open_files(gateway: GatewayProcess) -> int:
    return len(os.listdir(f"/proc/{gateway.process.pid}/fd"))


def _is_answered(client: httpx.Client) -> bool:
    return client.post("/v1/chat/completions", json=chat("hello")).status_code == 200


def test_idle_connections_stop_nobody(narrow: tuple[GatewayProcess, httpx.Client]) -> None:
    gateway, client = narrow
    raise_file_limit()
    address = "127.0.0.1", urlsplit(gateway.url).port
    assert _is_answered(client)
    before = _open_files(gateway)
    with ExitStack() as stack:
        for number in range(MANY):
            stack.enter_context(socket.create_connection(address, 30))
            # Often enough that the client never waits longer than a hundred others, also those not yet accepted.
            if number % 10 == 0:
                assert _is_answered(client)
                assert _open_files(gateway) < FILES - 50
            if number % 200 == 0:
                assert _is_answered_anew(gateway)
    assert wait_for(lambda: _open_files(gateway) <= before + 10, LONG_S)
    assert _is_answered(client)
    told = [line for line in lines(gateway) if line.get("kind") == "let_go"]
    assert 1 <= len(told) <= 3


def _is_answered_anew(gateway: GatewayProcess) -> bool:
    """On a connection of its own."""
    trust = ssl.create_default_context(cafile=gateway.directory / "authority.pem")
    url = f"{gateway.url}/health/live"
    return httpx.get(url, verify=trust, trust_env=False, timeout=30).status_code == 200


def test_the_busy_keep_theirs_and_others_are_told_to_come_again(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    gateway = start_gateway(tmp_path, upstream.url, policy_in(tmp_path), settings={"GATEWAY_MAX_CONNECTIONS": "2"})
    try:
        slow = Slow(upstream)
        with ThreadPoolExecutor() as pool, connected(gateway) as idle:
            asked = [pool.submit(ask, gateway, chat("hello", stream=True)) for _ in range(2)]
            assert wait_for(lambda: slow.began == 2, 30)
            assert idle.recv(1) == b""
            refused = ask(gateway, chat("hello"))
            assert_error(refused, 503, "overloaded")
            assert refused.headers["connection"] == "close"
            assert refused.headers["retry-after"] == "1"
            slow.go_on()
            assert [one.result(30).status for one in asked] == [200, 200]
        with connected(gateway) as kept:
            for _ in range(3):
                kept.sendall(request_bytes(gateway, chat("hello")))
                assert read_answer(kept).status == 200
    finally:
        gateway.stop()


def test_a_socket_of_systemd_is_taken(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    """It outlives the gateway: who comes in between waits for the next."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        port = listener.getsockname()[1]
        program = ("tests.server.activated", str(listener.fileno()))
        os.set_inheritable(listener.fileno(), True)
        first = _activated(tmp_path / "first", upstream, program)
        assert first.url == f"http://127.0.0.1:{port}"
        assert ask(first, chat("hello")).status == 200
        first.process.send_signal(signal.SIGTERM)
        first.process.wait(60)
        with connected(first) as waiting:
            waiting.sendall(b"GET /health/live HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n")
            second = _activated(tmp_path / "second", upstream, program)
            assert read_answer(waiting).status == 200
        second.stop()


def _activated(folder: Path, upstream: ScriptedUpstream, program: tuple[str, ...]) -> GatewayProcess:
    folder.mkdir()
    return start_gateway(folder, upstream.url, policy_in(folder), "--workers", "2", program=program, close_fds=False)


def test_room_is_made_by_those_that_have_waited_longest() -> None:
    told: list[str] = []
    gone: list[str] = []

    def leaves(name: str, *, at_once: bool = True) -> Callable[[], bool]:
        def let_go() -> bool:
            gone.append(name)
            return at_once

        return let_go

    connections = Connections(2, told.append)
    for name in ("a", "b"):
        assert connections.make_room()
        connections.waits(name, leaves(name))
    connections.works("a")
    connections.waits("a", leaves("a"))
    # As it does when its handshake is over: no reason to go later.
    connections.waits("b", leaves("b"))
    assert connections.make_room()
    assert gone == ["b"]
    connections.waits("c", leaves("c"))
    connections.works("a")
    connections.works("c")
    assert not connections.make_room()
    connections.waits("d", leaves("d"))
    assert not connections.make_room()
    assert gone == ["b", "d"]
    assert told == ["let_go", "refused", "let_go", "refused"]
    connections.gone("a")
    assert connections.make_room()
    assert connections.count == 1
    # One that is still being written to takes its place until it has gone.
    connections.waits("e", leaves("e", at_once=False))
    assert not connections.make_room()
    assert connections.count == 2
    connections.gone("e")
    assert connections.make_room()


def test_as_many_as_there_are_descriptors_for() -> None:
    assert connections_for(1024, 0) == 412
    assert connections_for(100, 0) == 16
    assert connections_for(2**20, 0) == 16_384
    assert connections_for(1024, 400) == 400
    with pytest.raises(ConfigurationError, match="at most 412"):
        connections_for(1024, 413)
