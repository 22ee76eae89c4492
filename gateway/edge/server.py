"""Runs the app: one process or several, on one listening socket, drained on a signal."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from functools import partial

from fastapi import FastAPI
from uvicorn import Server
from uvicorn.supervisors import Multiprocess

from gateway.edge.protocol import BoundedProtocol, ServerConfig
from gateway.settings import ConfigurationError, Settings

AppFactory = Callable[[], FastAPI]
_BACKLOG = 2048
_DRAIN_S = 30
_KEEP_ALIVE_S = 75


def listen(settings: Settings) -> socket.socket:
    """The socket that all workers share. Raises ConfigurationError if the address cannot be had."""
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
    listener.set_inheritable(True)
    return listener


def serve_one(settings: Settings, listener: socket.socket, app: FastAPI) -> None:
    """Serve in this process until a signal comes."""
    _announce(listener)
    Server(_configuration(settings, partial(_same, app))).run(sockets=[listener])


def serve_many(settings: Settings, listener: socket.socket, factory: AppFactory) -> None:
    """Serve in `settings.workers` processes until a signal comes. `factory` is called in each, so it must pickle."""
    _announce(listener)
    _Workers(_configuration(settings, factory), sockets=[listener]).run()


class _Workers(Multiprocess):
    """SIGHUP is for the workers, who read their files again; none has to be replaced for that."""

    def handle_hup(self) -> None:
        for process in self.processes:
            if process.pid is not None and process.exitcode is None:
                os.kill(process.pid, signal.SIGHUP)


def _same(app: FastAPI) -> FastAPI:
    return app


def _configuration(settings: Settings, factory: AppFactory) -> ServerConfig:
    configuration = ServerConfig(
        factory,
        factory=True,
        workers=settings.workers,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_DRAIN_S,
        backlog=_BACKLOG,
    )
    configuration.header_timeout_s = settings.header_timeout
    configuration.send_timeout_s = settings.send_timeout
    return configuration


def _announce(listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    threading.Thread(target=_say_ready, args=(url,), daemon=True).start()


def _say_ready(url: str) -> None:
    """Ask until a worker answers, then say so, once."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    reachable = url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    while True:
        try:
            opener.open(f"{reachable}/health/live", timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            sys.stdout.write(f"ready {url}\n")
            sys.stdout.flush()
            return
