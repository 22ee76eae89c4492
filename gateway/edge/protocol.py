"""uvicorn's HTTP protocol, with the limits that it lacks: on the time and size of request headers, on the time for
which a client may leave what it gets unread, and on the number of connections. And with an end that loses no request.
"""

from __future__ import annotations

import asyncio
import secrets
import select
from typing import Any

import orjson
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.edge.connections import Connections
from gateway.edge.envelope import Send, error_object, send_error
from gateway.edge.life import Life
from gateway.errors import InvalidRequest, Overloaded

_MAX_HEADER_BYTES = 64 * 2**10
_LINGER_S = 2.0


class ServerConfig(Config):
    """uvicorn's configuration with more settings. Times are in seconds."""

    header_timeout_s: float
    send_timeout_s: float
    connections: Connections
    life: Life


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose request headers are too large or take too long, or whose client does not read."""

    config: ServerConfig
    _headers_timer: asyncio.TimerHandle | None = None
    _unread_timer: asyncio.TimerHandle | None = None
    _in_headers = False
    _header_bytes = 0
    _unparsed_bytes = 0
    _idle_since_s = 0.0

    def __init__(self, *arguments: Any, has_room: bool = True, **named: Any) -> None:
        """`has_room`: false for one connection too many, whose request is answered with 503."""
        super().__init__(*arguments, **named)
        self._has_room = has_room
        if not has_room:
            self.app = _no_room

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_headers()
        self._wait()

    def data_received(self, data: bytes) -> None:
        if self._headers_timer is None and self._is_idle():
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
        self.config.connections.works(self)
        super().on_headers_complete()
        if self.config.life.is_closing or not self._has_room:
            self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_idle():
            self._wait()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread_timer = self.loop.call_later(self.config.send_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        self._unread_timer = _stopped(self._unread_timer)
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_timer = _stopped(self._headers_timer)
        self._unread_timer = _stopped(self._unread_timer)
        self.config.connections.gone(self)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """From now on answers say that their connection ends. One that has begun without saying so does not end it: its
        client may be sending the next request already."""
        if not self._is_idle() and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def close_if_idle(self, for_s: float) -> None:
        """Close if no request is under way, and none has been for so long."""
        if not self._is_idle() or self._in_headers or self.transport.is_closing():
            return
        if self.loop.time() - self._idle_since_s >= for_s and not _has_unread(self.transport):
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """The error envelope, where uvicorn would write a line of text."""
        body = orjson.dumps(error_object(InvalidRequest("This is not an HTTP/1.1 request that can be read.")))
        head = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n"
        fixed = b"".join(b"%b: %b\r\n" % header for header in self.server_state.default_headers)
        self.transport.write(head + fixed + b"content-length: %d\r\n\r\n" % len(body) + body)
        self.transport.close()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait(self) -> None:
        self._idle_since_s = self.loop.time()
        self.config.connections.waits(self, self._let_go)

    def _let_go(self) -> bool:
        """For a newer one. If the last answer has not left whole, the client has a moment to read it."""
        if not self.transport.is_closing() and self.transport.get_write_buffer_size():
            self.transport.close()
            self.loop.call_later(_LINGER_S, self.transport.abort)
            return False
        self.transport.abort()
        return True

    def _await_headers(self) -> None:
        self._headers_timer = self.loop.call_later(self.config.header_timeout_s, self.transport.close)


async def _no_room(_scope: Any, _receive: Any, send: Send) -> None:
    """The app of a connection too many."""
    error = Overloaded("The gateway has more connections than it can take; send this again in a moment.")
    await send_error(send, error, [(b"x-request-id", secrets.token_hex(16).encode())])


def _has_unread(transport: asyncio.Transport) -> bool:
    """Whether something has come that nobody has looked at yet."""
    waiting = select.poll()
    waiting.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _stopped(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """Cancels a timer and gives what takes its place: none."""
    if timer is not None:
        timer.cancel()
    return None
