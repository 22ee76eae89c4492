"""Runs the app in one process on a listening socket, until a signal comes, and then until all is answered.

At the end /health/ready says first that it is not ready, for `drain_delay`; then no connection is taken any more, and
what is under way has `drain_timeout` to be answered.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType

from fastapi import FastAPI
from uvicorn import Server
from uvicorn.config import STARTUP_FAILURE

from gateway.edge.acceptor import Acceptor, Reception
from gateway.edge.connections import Connections, connections_for, raise_file_limit
from gateway.edge.cutoff import LastWords
from gateway.edge.life import Serving, cut_off
from gateway.edge.protocol import BoundedProtocol, ServerConfig
from gateway.settings import ConfigurationError, Settings

_BACKLOG = 2048
_KEEP_ALIVE_S = 75
_IDLE_S = 2.0
"""A kept connection on which nothing has come for so long is closed at the end: its client is not about to use it."""
_LAST_WORDS_S = 5.0
"""For clients to take what is said to them when the time is over."""
_CLOSING_S = 2.0
_TICK_S = 0.05
_FIRST_PASSED = 3
"""The first file descriptor that a service manager passes on."""
_HSTS = ("strict-transport-security", "max-age=31536000")


def listen(settings: Settings) -> socket.socket:
    """The socket that all workers share: one that systemd passes on, or a new one.

    Raises ConfigurationError if the address cannot be had.
    """
    if (passed := _passed_on()) is not None:
        return passed
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        raise ConfigurationError(
            f"setting port: {settings.host}:{settings.port} cannot be listened on ({error.strerror}); choose another"
        ) from None
    listener.listen(_BACKLOG)
    return listener


def _passed_on() -> socket.socket | None:
    """Of a socket unit: sd_listen_fds(3). Such a socket outlives the gateway, and what waits in it, too."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    count = os.environ.get("LISTEN_FDS", "")
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        os.environ.pop(name, None)
    with suppress(OSError):
        passed = socket.socket(fileno=_FIRST_PASSED)
        inet = passed.family in (socket.AF_INET, socket.AF_INET6) and passed.type == socket.SOCK_STREAM
        if count == "1" and inet and passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            passed.set_inheritable(False)
            return passed
    raise ConfigurationError("LISTEN_FDS: expected one socket that listens on TCP (ListenStream=8080)")


def url_of(listener: socket.socket, settings: Settings) -> str:
    """Where the gateway is."""
    scheme = "http" if settings.tls_cert is None else "https"
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def say_ready(url: str) -> None:
    sys.stdout.write(f"ready {url}\n")
    sys.stdout.flush()


def serve_one(settings: Settings, listener: socket.socket, app: FastAPI) -> None:
    """Serve in this process until a signal comes. Raises ConfigurationError."""
    url = url_of(listener, settings)
    GatewayServer(settings, app, lambda: say_ready(url)).run([listener])


class GatewayServer(Server):
    """uvicorn's server with an end that loses no request."""

    config: ServerConfig

    def __init__(
        self, settings: Settings, app: FastAPI, started: Callable[[], None], *, is_worker: bool = False
    ) -> None:
        """`started` is called when it serves. A worker is told by its parent when to end at once, since a signal for
        the whole group comes to it twice. Raises ConfigurationError."""
        self._settings = settings
        self._serving: Serving = app.state.serving
        self._tell_started = started
        self._is_worker = is_worker
        self._gives_way = False
        self._acceptors: list[Acceptor] = []
        most = connections_for(raise_file_limit(), settings.max_connections)
        super().__init__(_configuration(settings, app, Connections(most, self._serving.report)))

    def give_way(self) -> None:
        """Another process serves on the same socket: end when all is answered. For other threads."""
        self._gives_way = True
        self._serving.life.give_way()
        self.should_exit = True

    def end_at_once(self) -> None:
        """For other threads."""
        self.should_exit = self.force_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, the second ends at once."""
        self._captured_signals.append(sig)
        if self.should_exit and not self._is_worker:
            self.force_exit = True
        # At once, so that no worker is ready for longer than another.
        self._serving.life.end()
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        certificate = self._serving.certificate
        reception = Reception(
            self._made,
            self.config.connections,
            lambda: None if certificate is None else certificate.context,
            self._settings.header_timeout,
        )
        for listener in sockets or []:
            acceptor = Acceptor(listener, reception)
            acceptor.open()
            self._acceptors.append(acceptor)
        if not self._is_worker:
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, _cannot_be_replaced)
        self.started = True
        self._tell_started()

    def _made(self, has_room: bool) -> BoundedProtocol:
        return BoundedProtocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state, has_room=has_room
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        state = self.server_state
        if not self._gives_way:
            self._serving.life.end()
            self._wind_down()
            await self._until(self._settings.drain_delay, lambda: False)
        for acceptor in self._acceptors:
            acceptor.close()
        await self._until(self._settings.drain_timeout, self._is_done)
        for task in list(state.tasks):
            cut_off(task)
        await self._until(0 if self.force_exit else _LAST_WORDS_S, lambda: not state.tasks)
        await self._close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING_S if self.force_exit else None):
                await self.lifespan.shutdown()

    def _wind_down(self) -> None:
        for connection in list(self.server_state.connections):
            connection.shutdown()

    def _is_done(self) -> bool:
        """Whether all is answered. Closes what nobody is about to use."""
        self._wind_down()
        for connection in list(self.server_state.connections):
            if isinstance(connection, BoundedProtocol):
                connection.close_if_idle(_IDLE_S)
        is_greeting = any(acceptor.is_greeting for acceptor in self._acceptors)
        return not (is_greeting or self.server_state.connections or self.server_state.tasks)

    async def _until(self, limit_s: float, is_done: Callable[[], bool]) -> None:
        """Wait for so long, for that, or for the signal to end at once."""
        until = time.monotonic() + limit_s
        while not is_done() and not self.force_exit and time.monotonic() < until:
            await self.on_tick(0)  # keeps the header Date right
            await asyncio.sleep(_TICK_S)

    async def _close(self) -> None:
        """All that is still open: first politely."""
        state = self.server_state
        for connection in list(state.connections):
            connection.transport.close()
        await self._until(0 if self.force_exit else _CLOSING_S, lambda: not state.connections)
        for connection in list(state.connections):
            connection.transport.abort()
        for task in list(state.tasks):
            task.cancel()
        # Once round the loop for each of them to note it.
        await asyncio.sleep(0)


def _cannot_be_replaced() -> None:
    logging.getLogger("gateway").warning("SIGUSR2 replaces workers, and there is one process only: --workers 2")


def _configuration(settings: Settings, app: FastAPI, connections: Connections) -> ServerConfig:
    configuration = ServerConfig(
        partial(LastWords, app),
        factory=True,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        headers=[] if settings.tls_cert is None else [_HSTS],
        timeout_keep_alive=_KEEP_ALIVE_S,
    )
    configuration.header_timeout_s = settings.header_timeout
    configuration.send_timeout_s = settings.send_timeout
    configuration.connections = connections
    configuration.life = app.state.serving.life
    return configuration
