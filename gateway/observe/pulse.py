"""What is looked at a few times a second instead of being counted: what is under way, the process, the audit log."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gateway import __version__
from gateway.observe.audit import AuditLog
from gateway.observe.events import Flow
from gateway.observe.series import SHORT_SECONDS, Series

TICK_S = 0.25
_SLOW_S = 1.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SELF = Path("/proc/self")


class Pulse:
    """Of one worker. `run` keeps what is shared with other workers up to date, and feels how late the event loop is.

    `clock` gives seconds and never goes back.
    """

    def __init__(self, series: Series, flow: Flow, clock: Callable[[], float]) -> None:
        self._series = series
        self._clock = clock
        self._flow = flow
        self._exchanges = series.gauge("gateway_exchanges_in_flight", "Requests that are being answered")
        self._streams = series.gauge("gateway_streams_in_flight", "Streams that have begun and not ended")
        self._lag = series.histogram(
            "gateway_loop_lag_seconds", "How late the event loop was, four times a second", (), SHORT_SECONDS
        )
        series.gauge("gateway_workers", "Processes that serve, by version", ("version",)).labels(__version__).set(1)
        self._resident = series.gauge("gateway_process_resident_bytes", "Memory of the workers")
        self._files = series.gauge("gateway_process_open_files", "Open files and connections of the workers")
        self._threads = series.gauge("gateway_process_threads", "Threads of the workers")
        self._cpu = series.counter("gateway_process_cpu_seconds", "CPU time of the workers")
        self._looked_s = float("-inf")
        series.pourers.insert(0, self._sample)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            due_s = self._clock() + TICK_S
            await asyncio.sleep(TICK_S)
            self._lag.of().observe(max(0.0, self._clock() - due_s))
            self._series.pour()

    def stop(self) -> None:
        """Bring what was counted last to where it is read."""
        self._series.pour()

    def _sample(self) -> None:
        self._exchanges.set(self._flow.exchanges)
        self._streams.set(self._flow.streams)
        now_s = self._clock()
        if now_s - self._looked_s >= _SLOW_S:
            self._looked_s = now_s
            self._look()

    def _look(self) -> None:
        self._cpu.of().count = sum(os.times()[:2])
        self._threads.set(threading.active_count())
        with suppress(OSError, ValueError, IndexError):
            self._resident.set(int((_SELF / "statm").read_text().split()[1]) * _PAGE_BYTES)
            self._files.set(len(os.listdir(_SELF / "fd")))


def watch_audit(series: Series, audit: AuditLog) -> None:
    """How the audit log of a worker does."""
    lines = series.counter("gateway_audit_lines", "Lines that the audit log has")
    lost = series.counter("gateway_audit_lost", "Exchanges for whose lines there was no room")
    failures = series.counter("gateway_audit_failures", "Attempts to write the audit log that failed")
    broken = series.gauge("gateway_audit_broken", "Workers that cannot write their audit log now")
    waiting = series.gauge("gateway_audit_waiting_bytes", "What waits in memory to be written")
    written = series.worst("gateway_audit_written_timestamp_seconds", "When a line was written last")

    def look() -> None:
        state = audit.state
        lines.of().count, lost.of().count, failures.of().count = state.lines, state.lost, state.failures
        broken.set(0 if audit.is_healthy else 1)
        waiting.set(audit.waiting_bytes)
        if state.quiet_s is not None:
            written.set(time.time() - state.quiet_s)

    series.pourers.insert(0, look)


def watch_queue(series: Series, waiting: Callable[[], int]) -> None:
    """How many wait for a place at the models."""
    gauge = series.gauge("gateway_queue_waiting", "Requests that wait for a place")
    series.pourers.insert(0, lambda: gauge.set(waiting()))


def watch_key(series: Series, created_s: Callable[[], float]) -> None:
    """When the key was made with which is sealed now, in seconds since 1970."""
    gauge = series.worst("gateway_key_created_timestamp_seconds", "When the active key of the keyset was made")
    series.pourers.insert(0, lambda: gauge.set(created_s()))
