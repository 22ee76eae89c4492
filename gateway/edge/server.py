"""Runs the app: one process or several, on one listening socket, drained on a signal."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import cast

from fastapi import FastAPI
from uvicorn import Config, Server
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from gateway.edge.protocol import BoundedProtocol, ServerConfig
from gateway.settings import ConfigurationError, Settings

AppFactory = Callable[[], FastAPI]
_BACKLOG = 2048
_DRAIN_S = 30
_KEEP_ALIVE_S = 75
_START_S = 60
"""For a worker's first sign of life: importing everything takes long on a busy machine."""
_LONGEST_PAUSE_S = 30


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


def serve_many(settings: Settings, listener: socket.socket, factory: AppFactory) -> bool:
    """Serve in `settings.workers` processes until a signal comes; whether one came. If not, no worker could start.

    `factory` is called in each, so it must pickle. The processes start with SIGHUP blocked; `factory` unblocks it.
    """
    _announce(listener)
    workers = _Workers(_configuration(settings, factory), sockets=[listener])
    workers.run()
    return not workers.gave_up


class _Worker(Process):
    """A process that serves, asked again and again whether it does, without ever waiting for its answer."""

    def __init__(self, config: Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        self.served = False
        self.buried = False
        self._asked_at: float | None = None

    def launch(self) -> None:
        """Start with SIGHUP blocked, which a new process inherits: what is forwarded to it must not end it while it
        imports. Ignored instead, the signal would be lost if it came to this process at the same moment."""
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        try:
            self.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def look(self) -> bool:
        """Whether it lives, as far as is known: it need not answer at once, only in time."""
        now = time.monotonic()
        if self._asked_at is not None and self.parent_conn.poll(0):
            self.served = self.parent_conn.recv() or self.served
            self._asked_at = None
        if not self.process.is_alive():
            return False
        if self._asked_at is None:
            self.parent_conn.send(b"ping")
            self._asked_at = now
        patience = self.config.timeout_worker_healthcheck if self.served else _START_S
        return now - self._asked_at <= patience

    def bury(self) -> None:
        """It is dead, or hangs."""
        self.buried = True
        self.kill()
        self.join()


class _Workers(Multiprocess):
    """Replaces workers that die: at once those that served, after pauses that grow those that could not even start.

    uvicorn would end all workers when one cannot start. But these go on with the files that they read when those were
    valid, so only when none is left it is time to end: clients would wait for answers that nobody gives.
    """

    gave_up = False
    _pause_s = 0.0
    _next_start = 0.0

    def init_processes(self) -> None:
        for _ in range(self.processes_num):
            self.processes.append(self._launched())

    def keep_subprocess_alive(self) -> None:
        if self.should_exit.is_set():
            return
        failed = self._bury_dead()
        # All were made by `_launched`.
        workers = cast("list[_Worker]", self.processes)
        all_dead = all(worker.buried for worker in workers)
        if all_dead and failed:
            logging.getLogger("gateway").error("no worker is left and none can start, so the gateway ends")
            self.gave_up = True
            self.should_exit.set()
        elif all_dead or time.monotonic() >= self._next_start:
            self.processes[:] = [self._launched() if worker.buried else worker for worker in workers]

    def _bury_dead(self) -> bool:
        """Look after all workers; whether one has died, since the last look, that never served."""
        failed = False
        for worker in cast("list[_Worker]", self.processes):
            served_before = worker.served
            if not worker.buried and not worker.look():
                worker.bury()
                failed = failed or not worker.served
            elif worker.served and not served_before:
                self._pause_s = self._next_start = 0.0
        now = time.monotonic()
        if failed and now >= self._next_start:
            self._pause_s = min(2 * self._pause_s or 1.0, _LONGEST_PAUSE_S)
            self._next_start = now + self._pause_s
        return failed

    def _launched(self) -> _Worker:
        worker = _Worker(self.config, self.sockets)
        worker.launch()
        return worker

    def handle_hup(self) -> None:
        """The workers read their files again; none has to be replaced for that."""
        for process in self.processes:
            if process.pid is not None and process.exitcode is None:
                os.kill(process.pid, signal.SIGHUP)

    def handle_ttin(self) -> None:
        self.processes_num += 1
        self.processes.append(self._launched())


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
