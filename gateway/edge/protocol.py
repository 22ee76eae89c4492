"""uvicorn's HTTP protocol, with a time limit on request headers (uvicorn itself has none)."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class ServerConfig(Config):
    """uvicorn's configuration with one more setting, in seconds."""

    header_timeout_s: float = 10.0


class BoundedHeaders(HttpToolsProtocol):
    """Closes a connection on which a request has begun (or has yet to begin) for longer than its headers may take."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._start()

    def data_received(self, data: bytes) -> None:
        if self._timer is None and (self.cycle is None or self.cycle.response_complete):
            self._start()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._stop()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def _start(self) -> None:
        seconds = self.config.header_timeout_s if isinstance(self.config, ServerConfig) else 10.0
        self._timer = self.loop.call_later(seconds, self.transport.close)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
