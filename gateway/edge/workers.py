"""Several processes that serve on one listening socket, and the one that looks after them.

SIGTERM or SIGINT ends all of them when what is under way is answered, the second at once. SIGHUP makes them read their
files again. SIGUSR2 replaces them one by one: a new one first, and when it serves, the old one takes no more
connections and ends when it has answered. Since all share the socket, no connection that waits in it is lost.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from fastapi import FastAPI

from gateway.edge.connections import connections_for, raise_file_limit
from gateway.edge.server import GatewayServer, say_ready, url_of
from gateway.settings import Settings

AppFactory = Callable[[], FastAPI]
_TICK_S = 0.1
_START_S = 60
"""For a worker's first sign of life: importing everything takes long on a busy machine."""
_ASK_EVERY_S = 0.5
_ANSWER_S = 5
"""For one that serves."""
_LONGEST_PAUSE_S = 30
_AFTER_DRAIN_S = 15.0
"""A worker that drains has ended after so long more than it may take, or hangs."""
_AT_ONCE_S = 5.0
_LOOK_AT_MEMORY_S = 5.0
_PING, _GIVE_WAY, _AT_ONCE = b"ping", b"give way", b"at once"
_SPAWN = multiprocessing.get_context("spawn")
_LOG = logging.getLogger("gateway")


def serve_many(settings: Settings, listener: socket.socket, factory: AppFactory) -> bool:
    """Serve in `settings.workers` processes until a signal comes; whether one came. If not, no worker could start.

    `factory` is called in each, so it must pickle. The processes start with SIGHUP blocked; `factory` unblocks it.
    """
    # Each worker finds as many descriptors.
    connections_for(raise_file_limit(), settings.max_connections)
    workers = Workers(settings, listener, factory)
    workers.run()
    return not workers.gave_up


def _work(settings: Settings, listener: socket.socket, factory: AppFactory, parent: Connection) -> None:
    """What a worker does."""
    # Ctrl-C comes to the whole group; the parent says when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    started = threading.Event()
    serving: deque[GatewayServer] = deque(maxlen=1)
    threading.Thread(target=_obey, args=(parent, serving, started), daemon=True).start()
    server = GatewayServer(settings, factory(), started.set, is_worker=True)
    serving.append(server)
    server.run([listener])


def _obey(parent: Connection, serving: deque[GatewayServer], started: threading.Event) -> None:
    """Answer the parent's questions, and do what it says. Without a parent there is nobody to go on for."""
    with suppress(OSError):
        while True:
            try:
                said = parent.recv_bytes()
            except EOFError:
                break
            if said == _PING:
                parent.send(started.is_set())
            elif serving:
                (serving[0].give_way if said == _GIVE_WAY else serving[0].end_at_once)()
            else:  # it has nothing to finish
                break
    os.kill(os.getpid(), signal.SIGTERM)


class _Worker:
    """A process that serves, asked again and again whether it does, without ever waiting for its answer."""

    def __init__(self, settings: Settings, listener: socket.socket, factory: AppFactory) -> None:
        self._parent, child = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=_work, args=(settings, listener, factory, child))
        # With SIGHUP blocked, which a new process inherits: what is forwarded to it must not end it while it imports.
        # Ignored instead, the signal would be lost if it came to this process at the same moment.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            child.close()
        self.has_served = False
        self.is_buried = False
        self.since_s = time.monotonic()
        self._asked_s: float | None = None
        self._ask_at_s = 0.0

    def look(self) -> bool:
        """Whether it lives, as far as is known: it need not answer at once, only in time."""
        now = time.monotonic()
        try:
            if self._asked_s is not None and self._parent.poll(0):
                self.has_served = self._parent.recv() or self.has_served
                self._asked_s = None
            if not self.process.is_alive():
                return False
            if self._asked_s is None:
                if self.has_served and now < self._ask_at_s:
                    return True
                self._parent.send_bytes(_PING)
                self._asked_s, self._ask_at_s = now, now + _ASK_EVERY_S
        except (OSError, EOFError):
            return self.process.is_alive() and now - (self._asked_s or now) <= _ANSWER_S
        return now - self._asked_s <= (_ANSWER_S if self.has_served else _START_S)

    def tell(self, what: bytes) -> None:
        with suppress(OSError):
            self._parent.send_bytes(what)

    def send(self, number: signal.Signals) -> None:
        pid = self.process.pid
        if pid is not None and self.process.exitcode is None:
            os.kill(pid, number)

    def bury(self) -> None:
        """It is dead, or hangs."""
        self.is_buried = True
        self.process.kill()
        self.process.join()
        self._parent.close()

    def memory_bytes(self) -> int:
        """What it holds of the machine's memory; 0 where the system does not say."""
        with suppress(OSError, ValueError, IndexError):
            pages = Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()[1]
            return int(pages) * os.sysconf("SC_PAGE_SIZE")
        return 0


class Workers:
    """Replaces workers that die: at once those that served, after pauses that grow those that could not even start.

    They go on with the files that they read when those were valid, so only when none is left it is time to end: clients
    would wait for answers that nobody gives.
    """

    def __init__(self, settings: Settings, listener: socket.socket, factory: AppFactory) -> None:
        self.gave_up = False
        self._settings = settings
        self._listener = listener
        self._factory = factory
        self._workers: list[_Worker] = []
        self._to_replace: deque[_Worker] = deque()
        self._old: _Worker | None = None
        self._fresh: _Worker | None = None
        """Started to take the place of the old one."""
        self._leaving: list[_Worker] = []
        self._is_replacing = False
        self._signals: deque[int] = deque()
        self._ends = False
        self._is_announced = False
        self._pause_s = 0.0
        self._next_start_s = 0.0
        self._next_memory_s = 0.0

    def run(self) -> None:
        """Until a signal comes, or no worker is left."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU):
            signal.signal(number, lambda sig, _frame: self._signals.append(sig))
        self._workers += [self._launched() for _ in range(self._settings.workers)]
        while not self._ends:
            self._keep_alive()
            self._replace()
            self._announce()
            time.sleep(_TICK_S)
            self._obey()
        self._end()

    def _launched(self) -> _Worker:
        return _Worker(self._settings, self._listener, self._factory)

    def _announce(self) -> None:
        """Say once that the gateway serves."""
        if not self._is_announced and any(worker.has_served for worker in self._workers):
            self._is_announced = True
            say_ready(url_of(self._listener, self._settings))

    def _obey(self) -> None:
        """Do what signals say."""
        while self._signals:
            number = self._signals.popleft()
            if number in (signal.SIGINT, signal.SIGTERM):
                self._ends = True
            elif number == signal.SIGHUP:
                for worker in self._all():
                    worker.send(signal.SIGHUP)
            elif number == signal.SIGUSR2:
                self._to_replace = deque(self._workers)
            elif number == signal.SIGTTIN:
                self._workers.append(self._launched())
            elif number == signal.SIGTTOU and len(self._workers) > 1:
                # Those that do not serve yet first, so that one that does is left.
                self._workers.sort(key=lambda worker: not worker.has_served)
                self._dismiss(self._workers.pop())

    def _all(self) -> list[_Worker]:
        return [*self._workers, *self._leaving, *([self._fresh] if self._fresh else [])]

    def _keep_alive(self) -> None:
        failed = self._bury_dead()
        all_dead = all(worker.is_buried for worker in self._workers)
        if all_dead and failed:
            _LOG.error("no worker is left and none can start, so the gateway ends")
            self.gave_up = self._ends = True
        elif all_dead or time.monotonic() >= self._next_start_s:
            self._workers[:] = [self._launched() if worker.is_buried else worker for worker in self._workers]

    def _bury_dead(self) -> bool:
        """Look after all workers; whether one has died, since the last look, that never served."""
        failed = False
        for worker in self._workers:
            served_before = worker.has_served
            if not worker.is_buried and not worker.look():
                worker.bury()
                failed = failed or not worker.has_served
            elif worker.has_served and not served_before:
                self._pause_s = self._next_start_s = 0.0
        now = time.monotonic()
        if failed and now >= self._next_start_s:
            self._pause_s = min(2 * self._pause_s or 1.0, _LONGEST_PAUSE_S)
            self._next_start_s = now + self._pause_s
        return failed

    def _replace(self) -> None:
        """One step of replacing workers, of which one at a time is too many."""
        self._leaving = [worker for worker in self._leaving if not self._has_left(worker)]
        self._look_at_memory()
        if self._fresh is not None:
            self._look_at_fresh(self._fresh)
        self._to_replace = deque(worker for worker in self._to_replace if worker in self._workers)
        if self._fresh is not None or self._leaving:
            return
        if self._to_replace:
            self._old = self._to_replace.popleft()
            self._fresh = self._launched()
        elif self._is_replacing:
            self._is_replacing = False
            _LOG.info("all workers were replaced")

    def _look_at_fresh(self, fresh: _Worker) -> None:
        """Whether the new one serves, or has failed."""
        if not fresh.look():
            fresh.bury()
            self._fresh = None
            self._to_replace.clear()
            self._is_replacing = False
            _LOG.error("a new worker could not start, so those that serve stay")
        elif fresh.has_served:
            self._fresh = None
            self._is_replacing = True
            if self._old is not None and self._old in self._workers:
                self._workers = [fresh if worker is self._old else worker for worker in self._workers]
                self._dismiss(self._old)
            else:  # it has died meanwhile, and has a successor
                self._dismiss(fresh)

    def _look_at_memory(self) -> None:
        most, now = self._settings.worker_memory, time.monotonic()
        if not most or now < self._next_memory_s or self._to_replace or self._fresh is not None:
            return
        self._next_memory_s = now + _LOOK_AT_MEMORY_S
        for worker in self._workers:
            if worker.has_served and (held := worker.memory_bytes()) > most:
                _LOG.warning("a worker holds too much memory and is replaced", extra={"part": f"{held >> 20} MiB"})
                self._to_replace.append(worker)

    def _dismiss(self, worker: _Worker) -> None:
        """Others serve: it ends when it has answered."""
        worker.since_s = time.monotonic()
        worker.tell(_GIVE_WAY)
        self._leaving.append(worker)

    def _has_left(self, worker: _Worker) -> bool:
        patience_s = self._settings.drain_timeout + _AFTER_DRAIN_S
        if worker.process.is_alive() and time.monotonic() - worker.since_s <= patience_s:
            return False
        worker.bury()
        return True

    def _end(self) -> None:
        """All drain; at the next signal they end at once."""
        # What waits in the socket is taken by the workers before they let go of it, so nobody waits for nothing.
        self._listener.close()
        for worker in self._all():
            worker.send(signal.SIGTERM)
        until = time.monotonic() + self._settings.drain_delay + self._settings.drain_timeout + _AFTER_DRAIN_S
        is_at_once = False
        while time.monotonic() < until and any(worker.process.is_alive() for worker in self._all()):
            if not is_at_once and any(number in (signal.SIGINT, signal.SIGTERM) for number in self._signals):
                is_at_once, until = True, time.monotonic() + _AT_ONCE_S
                for worker in self._all():
                    worker.tell(_AT_ONCE)
            time.sleep(_TICK_S / 2)
        for worker in self._all():
            worker.bury()
