"""uvicorn's HTTP protocol, with the limits that it lacks: on the time and size of request headers, and on the time
for which a client may leave what it gets unread."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.edge.envelope import error_object
from gateway.errors import InvalidRequest

_MAX_HEADER_BYTES = 64 * 2**10


class ServerConfig(Config):
    """uvicorn's configuration with two more settings, in seconds."""

    header_timeout_s: float = 10.0
    send_timeout_s: float = 30.0


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose request headers are too large or take too long, or whose client does not read."""

    config: ServerConfig
    _headers_timer: asyncio.TimerHandle | None = None
    _unread_timer: asyncio.TimerHandle | None = None
    _in_headers = False
    _header_bytes = 0
    _unparsed_bytes = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        if self._headers_timer is None and (self.cycle is None or self.cycle.response_complete):
            self._await_headers()
        super().data_received(data)
        # A header that goes on and on is never handed to `on_header`.
        if self._in_headers:
            self._unparsed_bytes += len(data)
            if self._unparsed_bytes > _MAX_HEADER_BYTES:
                self.send_400_response("")

    def on_message_begin(self) -> None:
        self._in_headers, self._header_bytes, self._unparsed_bytes = True, 0, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > _MAX_HEADER_BYTES:
            raise InvalidRequest("The request's headers are too large.")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._headers_timer = _stopped(self._headers_timer)
        if self.parser.should_upgrade():
            # The parser takes such a request for one without a body, and what is its body for the next request.
            raise InvalidRequest("Upgrades are not accepted.")
        super().on_headers_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread_timer = self.loop.call_later(self.config.send_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        self._unread_timer = _stopped(self._unread_timer)
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_timer = _stopped(self._headers_timer)
        self._unread_timer = _stopped(self._unread_timer)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """The error envelope, where uvicorn would write a line of text."""
        body = orjson.dumps(error_object(InvalidRequest("This is not an HTTP/1.1 request that can be read.")))
        head = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n"
        self.transport.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        self.transport.close()

    def _await_headers(self) -> None:
        self._headers_timer = self.loop.call_later(self.config.header_timeout_s, self.transport.close)


def _stopped(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """Cancels a timer and gives what takes its place: none."""
    if timer is not None:
        timer.cancel()
    return None
