"""A real `gateway serve` process for tests."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from gateway.cli.main import run

START_TIMEOUT_S = 60


@dataclass
class GatewayProcess:
    """A running gateway: where it is, a token for it, the files it writes."""

    url: str
    token: str
    directory: Path
    process: subprocess.Popen[str]
    log: Path
    audit: Path
    metrics_url: str
    other_token: str = field(repr=False, default="")

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def events(self, enough: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """The audit log's lines when there are enough of them, or after five seconds: the last ones may come a moment
        after the answers. Half a line is left out."""
        until = time.monotonic() + 5
        while True:
            raw = self.audit.read_bytes().splitlines(keepends=True)
            events = [json.loads(line) for line in raw if line.endswith(b"\n")]
            if enough(events) or time.monotonic() > until:
                return events
            time.sleep(0.05)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            return self.process.wait(10)


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


def gateway(*arguments: str) -> Done:
    """Run a command in this process: importing everything anew takes seconds."""
    out, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(errors):
        code = run(arguments)
    return Done(code, out.getvalue(), errors.getvalue())


def gateway_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own, and wait."""
    command = [sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def mint(tokens: Path, tenant: str, *more: str) -> str:
    done = gateway("token", "mint", "--tokens", str(tokens), "--tenant", tenant, *more)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def start_gateway(
    directory: Path,
    upstream_url: str,
    policy: Path,
    *arguments: str,
    metrics_port: int = 0,
    program: Sequence[str] = ("gateway",),
    settings: Mapping[str, str] | None = None,
    close_fds: bool = True,
) -> GatewayProcess:
    """Start and wait for the `ready` line. Log level debug, so that tests see all that could be logged.

    `settings`: more of them, by their names in the environment. `close_fds`: open files that can be inherited are not.
    """
    tokens, log, audit = directory / "tokens.yaml", directory / "gateway.log", directory / "audit.jsonl"
    token = mint(tokens, "acme")
    other = mint(tokens, "globex")
    command = [sys.executable, "-m", *program, "serve", "--host", "127.0.0.1", "--port", "0"]
    command += ["--policy", str(policy), "--upstream", upstream_url, "--tokens", str(tokens)]
    command += ["--audit", str(audit), "--metrics-port", str(metrics_port), "--log-level", "debug", *arguments]
    with log.open("w") as errors:
        environment = {**os.environ, **(settings or {})}
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
            env=environment,
            close_fds=close_fds,
        )
    url = _ready(process, log)
    metrics = f"http://127.0.0.1:{metrics_port}/metrics" if metrics_port else ""
    return GatewayProcess(url, token, directory, process, log, audit, metrics, other)


def _ready(process: subprocess.Popen[str], log: Path) -> str:
    lines: Queue[str] = Queue()
    assert process.stdout is not None
    stdout = process.stdout

    def read() -> None:
        for line in stdout:
            lines.put(line)
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    try:
        line = lines.get(timeout=START_TIMEOUT_S)
    except Empty:
        os.killpg(process.pid, signal.SIGKILL)
        raise AssertionError(f"the gateway did not become ready: {log.read_text()}") from None
    assert line.startswith(("ready http://", "ready https://")), f"{line!r} {log.read_text()}"
    return line.split()[1]
