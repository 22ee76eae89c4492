"""What is sent to a model server, and how often."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.errors import UpstreamFailed
from gateway.pipeline.ports import Call
from gateway.upstream.client import Target, VllmClient

ANSWER = b'{"choices":[]}'
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _asking(serve: Serve) -> AsyncIterator[VllmClient]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = VllmClient(salt_of=lambda _tenant, _model: "salt", connect_timeout_s=5)
    asked = client.with_targets({"default": Target(f"http://127.0.0.1:{port}/v1")})
    await client.open()
    try:
        yield asked
    finally:
        await client.close()
        server.close()


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    size = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-le")), 0)
    await reader.readexactly(size)
    return head


def _call() -> Call:
    return Call(
        upstream="default",
        endpoint="/chat/completions",
        body={"model": "m"},
        tenant="acme",
        timeout_s=10,
        subject="jane",
    )


async def test_who_reads_a_request_and_breaks_off_is_not_asked_again() -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await _read_request(reader))
        writer.close()

    async with _asking(serve) as client:
        with pytest.raises(UpstreamFailed):
            await client.complete(_call())
    assert len(heads) == 1


async def test_a_kept_connection_that_was_closed_is_no_failure() -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await _read_request(reader))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER))
        writer.write(ANSWER)
        await writer.drain()
        if len(heads) == 1:
            # Closed when the next request comes, before it is read.
            await reader.read(1)
            writer.transport.abort()

    async with _asking(serve) as client:
        for _ in range(2):
            assert await client.complete(_call()) == {"choices": []}
    assert len(heads) == 2


@pytest.mark.parametrize(("status", "is_there"), [(b"200 OK", True), (b"404 No", True), (b"302 Found", False)])
async def test_a_server_that_sends_us_elsewhere_is_not_followed(status: bytes, is_there: bool) -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await _read_request(reader))
        writer.write(b"HTTP/1.1 " + status + b"\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()

    async with _asking(serve) as client:
        assert await client.reachable("default") is is_there
    assert len(heads) == 1
