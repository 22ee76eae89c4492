"""What is still being answered when the time to drain is over ends as its client expects, not in the middle."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

from gateway.edge.body import Receive
from gateway.edge.envelope import Send, error_object, send_error
from gateway.edge.life import is_cut_off
from gateway.errors import NotReady

App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
_EVENTS = b"text/event-stream"
_RETRY_S = 1


class LastWords:
    """An ASGI app around another. An exchange that is cut off gets a 503 if it has no answer yet, and the error event
    and the end mark if it is a stream. Nothing can be said behind half of a whole answer: its connection is closed."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        try:
            await self._app(scope, receive, answer.send)
        except asyncio.CancelledError as error:
            if not is_cut_off(error) or not await answer.end():
                raise


class _Answer:
    """How far an answer has come."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._has_begun = False
        self._is_stream = False
        self._is_done = False

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._has_begun = True
            self._is_stream = any(
                name.lower() == b"content-type" and value.startswith(_EVENTS) for name, value in message["headers"]
            )
        else:
            self._is_done = not message.get("more_body", False)
        await self._send(message)

    async def end(self) -> bool:
        """Whether it could be ended well."""
        if self._is_done:
            return True
        error = NotReady("The gateway is being restarted; send this again.", retry_after_s=_RETRY_S)
        if not self._has_begun:
            headers = [(b"connection", b"close"), (b"x-request-id", secrets.token_hex(16).encode())]
            await send_error(self._send, error, headers)
            return True
        if not self._is_stream:
            return False
        event = b"data: " + orjson.dumps(error_object(error)) + b"\n\ndata: [DONE]\n\n"
        await self._send({"type": "http.response.body", "body": event, "more_body": False})
        return True
