"""A client that goes takes its request to the upstream with it."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import Any

import pytest
from aiohttp import web

from tests.faults.wire import chat, connected, head, request_bytes, wait_for
from tests.support.gateway import GatewayProcess
from tests.support.upstream import ScriptedUpstream, chunks

ABORT_S = 2
"""Less than the policy's limit on the upstream, which would end the request as well."""


async def _hangs(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    await asyncio.sleep(60)
    raise AssertionError


async def _drips(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    event = b"data: " + json.dumps(chunks(["drip "])[1]).encode() + b"\n\n"
    while True:
        await response.write(event)
        await asyncio.sleep(0.02)


def _leave(connection: socket.socket, how: str) -> None:
    if how == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_leaving_before_the_answer_aborts_the_upstream(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, how: str, stream: bool
) -> None:
    upstream.handler = _hangs
    with connected(gateway_process) as connection:
        connection.sendall(request_bytes(gateway_process, chat(stream=stream)))
        assert wait_for(lambda: bool(upstream.bodies), 10)
        assert upstream.aborted == 0
        _leave(connection, how)
        assert wait_for(lambda: upstream.aborted == 1, ABORT_S)


@pytest.mark.parametrize("how", ["close", "reset"])
def test_leaving_in_the_middle_of_a_stream_aborts_the_upstream(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, how: str
) -> None:
    upstream.handler = _drips
    with connected(gateway_process) as connection:
        connection.sendall(request_bytes(gateway_process, chat(stream=True)))
        received = b""
        while b"drip" not in received:
            received += connection.recv(4096)
        _leave(connection, how)
        assert wait_for(lambda: upstream.aborted == 1, ABORT_S)


@pytest.mark.parametrize("how", ["close", "reset"])
def test_leaving_in_the_middle_of_a_body_sends_nothing(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, how: str
) -> None:
    with connected(gateway_process) as connection:
        connection.sendall(head(gateway_process, "content-length: 1000") + b'{"model": "llama"')
        _leave(connection, how)
    assert not upstream.bodies


def test_many_clients_that_leave_at_once_abort_all_their_requests(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    upstream.handler = _hangs
    address = gateway_process.url.removeprefix("http://").split(":")
    connections = [socket.create_connection((address[0], int(address[1]))) for _ in range(20)]
    for connection in connections:
        connection.sendall(request_bytes(gateway_process, chat()))
    assert wait_for(lambda: len(upstream.bodies) == 20, 10)
    for connection in connections:
        connection.close()
    assert wait_for(lambda: upstream.aborted == 20, ABORT_S)
