"""`python -m bench.stream_server PACE_MS CHUNKS`: a model server that streams so many chat chunks at a fixed pace.

Most chunks carry the time at which they leave, so that whoever receives one knows how long it was on its way,
whatever it came through. Some are pieces of placeholders, as models write them.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import cast

import orjson
import uvloop

PIECES = ("Mail <EMAIL", "_ADDR", "ESS_1> and call <PHONE_", "NUMBER_1> now. ")
PIECES_EVERY = 20
"""After so many chunks a placeholder comes in pieces."""
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)
_MODELS = b'{"object":"list","data":[]}'


def pieces_at(index: int) -> str | None:
    """The piece of a placeholder that chunk `index` carries, if it does."""
    place = index % PIECES_EVERY - (PIECES_EVERY - len(PIECES))
    return PIECES[place] if place >= 0 else None


def timed_chunks(chunks: int) -> int:
    """How many of so many chunks carry a time."""
    return sum(pieces_at(index) is None for index in range(chunks))


class Streams(asyncio.Protocol):
    """One connection. It reads just enough HTTP for the clients of this load test."""

    def __init__(self, pace_s: float, chunks: int) -> None:
        self._pace_s = pace_s
        self._chunks = chunks
        self._loop = asyncio.get_running_loop()
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the interface but not the base class.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = _content_length(head)
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        if head.startswith(b"GET"):
            size = str(len(_MODELS)).encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: " + size + b"\r\n\r\n" + _MODELS)
            return
        self._transport.write(_HEAD + _event({"role": "assistant", "content": ""}))
        self._send(0, self._loop.time())

    def _send(self, index: int, began: float) -> None:
        if self._transport.is_closing():
            return
        if index == self._chunks:
            end = _frame(b"data: [DONE]\n\n")
            self._transport.write(_event({}, "stop") + end + b"0\r\n\r\n")
            return
        text = pieces_at(index) or f"at {time.monotonic_ns()} "
        self._transport.write(_event({"content": text}))
        self._loop.call_at(began + (index + 1) * self._pace_s, self._send, index + 1, began)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    chunk = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1750000000,
        "model": "bench-model",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return _frame(b"data: " + orjson.dumps(chunk) + b"\n\n")


def _frame(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def _serve(pace_s: float, chunks: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Streams(pace_s, chunks), "127.0.0.1", 0, backlog=512)
    print(f"ready http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(float(sys.argv[1]) / 1e3, int(sys.argv[2])))
