"""The processes of a load test: each in a group of its own, bounded in time, and gone when the test is."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

START_TIMEOUT_S = 90
_STOP_TIMEOUT_S = 15
_QUIET_S = 0.6
_QUIET_CPU_S = 0.015


class BenchError(Exception):
    """The test cannot be made or its answers are wrong; there is nothing to report."""


@dataclass(frozen=True, slots=True)
class Running:
    """A started process and the file that holds what it prints."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def require_alive(self) -> None:
        """Raises BenchError with the end of what it printed."""
        if (code := self.process.poll()) is not None:
            tail = "\n".join(self.said().splitlines()[-20:])
            raise BenchError(f"{self.name} ended with code {code}:\n{tail}")


class Processes:
    """Starts processes and stops all of them at the end of the block, whatever ended it."""

    def __init__(self, directory: Path, limit_s: int) -> None:
        self._directory = directory
        self._limit_s = limit_s
        self._started: list[Running] = []

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        while self._started:
            self.stop(self._started[-1])

    def start(self, name: str, command: Sequence[str]) -> Running:
        """`timeout` ends it even if nobody is left to do so."""
        log = self._directory / f"{len(self._started)}-{name}.log"
        bounded = ["timeout", "--kill-after=10", str(self._limit_s), *command]
        with log.open("wb") as output:
            process = subprocess.Popen(bounded, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        running = Running(name, process, log)
        self._started.append(running)
        return running

    def stop(self, running: Running) -> None:
        """Ask the whole group to end, then make it."""
        process = running.process
        _signal_group(process.pid, signal.SIGTERM)
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            _signal_group(process.pid, signal.SIGKILL)
            process.wait(_STOP_TIMEOUT_S)
            if running in self._started:
                self._started.remove(running)


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(running: Running, port: int) -> None:
    """Until it accepts connections. Raises BenchError if it does not."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        running.require_alive()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.02)
    raise BenchError(f"{running.name} does not listen")


def wait_for_url(running: Running) -> str:
    """The URL of its line `ready http://…`. Raises BenchError if there is none in time."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        for line in running.said().splitlines():
            if line.startswith("ready http://"):
                return line.split()[1]
        running.require_alive()
        time.sleep(0.05)
    raise BenchError(f"{running.name} did not become ready")


def wait_until_quiet(running: Running) -> None:
    """Until no process of its group computes any more: `ready` speaks of the first worker, not of the others."""
    deadline = time.monotonic() + START_TIMEOUT_S
    before = -1.0
    while time.monotonic() < deadline:
        running.require_alive()
        spent = cpu_s(running)
        if 0 <= spent - before <= _QUIET_CPU_S:
            return
        before = spent
        time.sleep(_QUIET_S)
    raise BenchError(f"{running.name} does not come to rest")


def cpu_s(running: Running) -> float:
    """Processor time that its process group has used, in seconds."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
            if int(fields[2]) == running.process.pid:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
