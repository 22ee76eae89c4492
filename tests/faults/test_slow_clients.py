"""Clients that take their time: each has a limit, and is let go when it is over."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from tests.faults.wire import (
    CANARY,
    assert_error,
    chat,
    connected,
    head,
    read_answer,
    read_to_end,
    request_bytes,
    wait_for,
)
from tests.support.gateway import GatewayProcess
from tests.support.upstream import ScriptedUpstream, chunks, completion

GENEROUS_S = 8
"""How long a limit of less than a second may take on a busy machine."""


needs_linux = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's table of connections")


def _trickle(connection: socket.socket, data: Callable[[int], bytes]) -> None:
    """Send piece after piece, a few a second, until the other side has had enough: it answers or is gone."""
    until = time.monotonic() + GENEROUS_S
    piece = 0
    while time.monotonic() < until:
        try:
            connection.sendall(data(piece))
        except ConnectionError:
            return
        if select.select([connection], [], [], 0.2)[0]:
            return
        piece += 1
    raise AssertionError("the gateway put up with it")


def test_a_body_that_trickles_in_is_refused(hasty_gateway: GatewayProcess, upstream: ScriptedUpstream) -> None:
    with connected(hasty_gateway) as connection:
        connection.sendall(head(hasty_gateway, "content-length: 100000"))
        _trickle(connection, lambda _: CANARY.encode())
        error = assert_error(read_answer(connection), 400, "invalid_json")
    assert "within" in error["message"]
    assert not upstream.bodies


def test_a_body_that_stops_coming_is_refused(hasty_gateway: GatewayProcess, upstream: ScriptedUpstream) -> None:
    with connected(hasty_gateway) as connection:
        connection.settimeout(GENEROUS_S)
        connection.sendall(head(hasty_gateway, "content-length: 100") + b'{"model": "' + CANARY.encode())
        assert_error(read_answer(connection), 400, "invalid_json")
    assert not upstream.bodies


@pytest.mark.parametrize(
    "begun", [b"", b"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\n"], ids=["none", "some"]
)
def test_headers_that_do_not_come_end_the_connection(hasty_gateway: GatewayProcess, begun: bytes) -> None:
    with connected(hasty_gateway) as connection:
        connection.settimeout(GENEROUS_S)
        connection.sendall(begun)
        read_to_end(connection)


def test_headers_that_trickle_in_end_the_connection(hasty_gateway: GatewayProcess) -> None:
    with connected(hasty_gateway) as connection:
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\n")
        _trickle(connection, lambda piece: b"x-%d: y\r\n" % piece)


def test_headers_of_a_second_request_have_the_same_limit(
    hasty_gateway: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    with connected(hasty_gateway) as connection:
        connection.sendall(request_bytes(hasty_gateway, chat()))
        assert read_answer(connection).status == 200
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\n")
        _trickle(connection, lambda piece: b"x-%d: y\r\n" % piece)


def test_headers_without_end_are_refused(gateway_process: GatewayProcess) -> None:
    """Nobody has shown a token yet, so nobody may make the gateway keep 64 MiB."""
    line = b"x-header: " + b"y" * 65_000 + b"\r\n"
    sent = 0
    with connected(gateway_process) as connection:
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\n")
        try:
            while sent < 64 * 2**20:
                connection.sendall(line)
                sent += len(line)
        except ConnectionError:
            return
    raise AssertionError("the gateway took them all")


async def _floods(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Streams as fast as it is read, and does not end."""
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    event = b"data: " + json.dumps(chunks(["x" * 60_000])[1]).encode() + b"\n\n"
    while True:
        await response.write(event)


@needs_linux
def test_a_client_that_does_not_read_its_stream_is_let_go(
    hasty_gateway: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    upstream.handler = _floods
    with connected(hasty_gateway, receive_bytes=4096) as connection:
        connection.sendall(request_bytes(hasty_gateway, chat(stream=True)))
        assert wait_for(lambda: bool(upstream.bodies), GENEROUS_S)
        assert wait_for(lambda: upstream.aborted > 0, GENEROUS_S)
        assert wait_for(lambda: not _is_held(hasty_gateway, connection), GENEROUS_S)


@needs_linux
def test_a_client_that_does_not_read_its_whole_answer_is_let_go(
    hasty_gateway: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return web.json_response(completion("x" * 30_000_000))

    upstream.handler = answer
    with connected(hasty_gateway, receive_bytes=4096) as connection:
        connection.sendall(request_bytes(hasty_gateway, chat()))
        assert wait_for(lambda: bool(upstream.bodies), GENEROUS_S)
        assert wait_for(lambda: not _is_held(hasty_gateway, connection), GENEROUS_S)


def _is_held(gateway: GatewayProcess, connection: socket.socket) -> bool:
    """Whether the gateway's process still has its end of this connection open. Only Linux tells."""
    ports = urlsplit(gateway.url).port, connection.getsockname()[1]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        local, remote, inode = fields[1], fields[2], fields[9]
        if (int(local.split(":")[1], 16), int(remote.split(":")[1], 16)) == ports:
            return inode != "0"
    return False


def test_a_slow_client_does_not_slow_down_another(gateway_process: GatewayProcess, upstream: ScriptedUpstream) -> None:
    with connected(gateway_process) as slow, connected(gateway_process) as other:
        slow.sendall(head(gateway_process, "content-length: 1000"))
        other.sendall(request_bytes(gateway_process, chat()))
        assert read_answer(other).status == 200
