"""Redis, the model and the gateway as processes, and how to break and mend each."""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.processes import BenchError, Processes, Running, wait_for_port, wait_for_url, wait_until_quiet
from demo import vllm
from gateway.cli.main import run as gateway_command

WORKERS = 2
TENANTS = ("acme", "globex", "initech")
PEOPLE = ("jane", "raj", "mia")
_SCOPES = ("chat", "completions", "embeddings")
_VLLM_START_S = 180
_PORTS = (20_000, 29_999)


@dataclass(frozen=True, slots=True)
class Choices:
    """What to start. `swap`: a model that mixes up its users, for the control."""

    policy: Path
    upstream: str = "fast"
    swap: bool = False


class Servers:
    """Everything that a run needs but the users. The ports stay the same when something is started again."""

    def __init__(self, processes: Processes, folder: Path, choices: Choices) -> None:
        self._processes = processes
        self._folder = folder
        self._choices = choices
        self._redis_port, self._mock_port, self.metrics_port = _ports(3)
        self._forward = ""
        self._redis: Running | None = None
        self._mock: Running | None = None
        self._gateway: Running | None = None
        self._vllm: vllm.Vllm | None = None
        self.url = ""
        self.tokens: list[str] = []

    @property
    def redis_url(self) -> str:
        return f"redis://127.0.0.1:{self._redis_port}/0"

    @property
    def audit(self) -> Path:
        return self._folder / "audit.jsonl"

    @property
    def host_and_port(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 0

    def start(self) -> None:
        """Returns when all of it is ready. Raises BenchError."""
        if self._choices.upstream == "tiny-llama":
            self._forward = self._start_vllm()
        self._start_redis()
        self._start_mock()
        tokens, keyset = self._folder / "tokens.yaml", self._folder / "keys.json"
        _gateway("key", "init", str(keyset))
        for tenant in TENANTS:
            for subject in PEOPLE:
                scopes = [part for scope in _SCOPES for part in ("--scope", scope)]
                command = ("token", "mint", "--tokens", str(tokens), "--tenant", tenant, "--subject", subject, *scopes)
                self.tokens.append(_gateway(*command))
        command = (sys.executable, "-m", "gateway", "serve", "--host", "127.0.0.1", "--port", "0")
        command += ("--policy", str(self._choices.policy), "--tokens", str(tokens), "--keyset", str(keyset))
        command += ("--upstream", f"http://127.0.0.1:{self._mock_port}/v1", "--workers", str(WORKERS))
        command += ("--store", self.redis_url, "--audit", str(self.audit), "--metrics-port", str(self.metrics_port))
        self._gateway = self._processes.start("gateway", [*command, "--log-level", "debug"])
        self.url = wait_for_url(self._gateway)
        wait_until_quiet(self._gateway)

    def stop(self) -> None:
        """What is not one of the processes; those end with their block."""
        if self._vllm is not None:
            self._vllm.stop()

    def audit_problems(self) -> list[str]:
        """What `gateway audit verify` finds wrong with the log. Lines of killed workers that were not signed yet are
        not wrong."""
        code, said, _ = _said("audit", "verify", str(self.audit), "--keyset", str(self._folder / "keys.json"))
        return [f"the audit log is not as it was written: {said[-500:]}"] if code == 1 else []

    def logs(self) -> list[Path]:
        """What the processes printed, the audit log, and whatever else lies there but what the run itself writes."""
        return [path for path in sorted(self._folder.iterdir()) if path.suffix in (".log", ".jsonl", ".yaml", ".json")]

    def workers(self) -> list[int]:
        """The process ids of the gateway's workers, those that are there now."""
        if self._gateway is None:
            return []
        group = self._gateway.process.pid
        return sorted(pid for pid, command in _group(group) if b"spawn_main" in command)

    def alive(self) -> bool:
        return self._gateway is not None and self._gateway.process.poll() is None

    @contextlib.contextmanager
    def without_redis(self) -> Iterator[None]:
        """Killed when the block begins, started again with nothing in it when the block ends."""
        _kill(self._processes, self._redis)
        try:
            yield
        finally:
            self._start_redis()

    @contextlib.contextmanager
    def without_mock(self) -> Iterator[None]:
        _kill(self._processes, self._mock)
        try:
            yield
        finally:
            self._start_mock()

    def kill_worker(self, which: int) -> None:
        if pids := self.workers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pids[which % len(pids)], signal.SIGKILL)

    def _start_redis(self) -> None:
        server = shutil.which("redis-server")
        if server is None:
            raise BenchError("redis-server is not installed; python -m demo.redis installs it")
        # Not compressed: what is dumped is searched.
        command = [server, "--port", str(self._redis_port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        command += ["--rdbcompression", "no", "--maxmemory", "512mb", "--dir", str(self._folder)]
        self._redis = self._processes.start("redis", command)
        wait_for_port(self._redis, self._redis_port)

    def _start_mock(self) -> None:
        command = [sys.executable, "-m", "loadtest.mock", "--port", str(self._mock_port), "--folder", str(self._folder)]
        command += ["--swap"] if self._choices.swap else []
        command += ["--forward", self._forward] if self._forward else []
        self._mock = self._processes.start("mock", command)
        wait_for_port(self._mock, self._mock_port)

    def _start_vllm(self) -> str:
        vllm.install()
        self._vllm = vllm.start(str(vllm.TINY_LLAMA), self._folder / "vllm.log")
        self._vllm.wait(_VLLM_START_S)
        return self._vllm.url


def _ports(count: int) -> list[int]:
    """Free ports beneath those that the system gives out by itself: nobody takes one while its server is down."""
    found: list[int] = []
    while len(found) < count:
        port = random.randint(*_PORTS)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            found.append(port)
    return found


def _kill(processes: Processes, running: Running | None) -> None:
    if running is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.process.pid, signal.SIGKILL)
        processes.stop(running)


def _gateway(*arguments: str) -> str:
    """What a command of the gateway prints. Raises BenchError if it fails."""
    code, said, errors = _said(*arguments)
    if code:
        raise BenchError(f"gateway {arguments[0]} {arguments[1]} failed: {errors}")
    return said


def _said(*arguments: str) -> tuple[int, str, str]:
    """The exit code, and what a command prints as output and as errors.

    In this process: importing everything for each token takes long.
    """
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        code = gateway_command(arguments)
    return code, out.getvalue().strip(), errors.getvalue()


def _group(group: int) -> Iterator[tuple[int, bytes]]:
    """Process ids and command lines of a process group."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
            if int(fields[2]) == group:
                yield int(stat.parent.name), (stat.parent / "cmdline").read_bytes()
