"""Several workers, or one, when the files on disk are wrong, when workers die, and when SIGHUP comes early."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.wire import wait_for
from tests.support.gateway import GatewayProcess, mint, start_gateway

POLICY = """\
version: 1
name: common
models: {{llama: {{upstream: default, id: tiny-llama}}}}
redact: {{nlp: {{engine: patterns}}, entities: {{EMAIL_ADDRESS: {action}}}}}
cache: {{when: never}}
"""
VALID, INVALID = POLICY.format(action="mask"), POLICY.format(action="hide")
UPSTREAM = "http://127.0.0.1:9/v1"
MODULE, SCRIPT = [sys.executable, "-m", "gateway"], [str(Path(sys.executable).with_name("gateway"))]
# A gateway starts in seconds, but not on a busy machine.
LONG_S = 180
pytestmark = pytest.mark.xdist_group("workers")


class Pair:
    """A gateway with two workers, both of which serve."""

    def __init__(self, process: GatewayProcess, policy: Path) -> None:
        self.process = process
        self.policy = policy
        self.pid = process.process.pid

    def lives(self) -> bool:
        with httpx.Client(trust_env=False, timeout=60) as client:
            return client.get(f"{self.process.url}/health/live").status_code == 200

    def lines(self) -> list[dict[str, Any]]:
        """The log, all of which must be JSON; the last line may be half written."""
        raw = self.process.log.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in raw if line.endswith("\n")]

    def failures(self) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line["message"] == "the worker could not start"]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    policy = tmp_path / "policy.yaml"
    policy.write_text(VALID)
    process = start_gateway(tmp_path, UPSTREAM, policy, "--workers", "2")
    try:
        assert wait_for(lambda: len(_serving(process.process.pid)) == 2, LONG_S)
        yield Pair(process, policy)
    finally:
        process.stop()


def test_one_worker_goes_on_alone_until_the_files_are_valid_again(pair: Pair) -> None:
    killed, other = sorted(_serving(pair.pid))
    pair.policy.write_text(INVALID)
    os.kill(killed, signal.SIGKILL)
    assert wait_for(lambda: pair.lives() and len(pair.failures()) >= 3, LONG_S)
    assert _serving(pair.pid) == {other}
    assert {line["logger"] for line in pair.failures()} == {"gateway"}
    assert all("policy.yaml:4:" in line["problem"] for line in pair.failures())
    times = [datetime.fromisoformat(line["time"]) for line in pair.failures()[:3]]
    pauses = [(after - before).total_seconds() for before, after in pairwise(times)]
    assert pauses[0] >= 1
    assert pauses[1] >= 2

    pair.policy.write_text(VALID)
    assert wait_for(lambda: len(_serving(pair.pid)) == 2, LONG_S)
    assert other in _serving(pair.pid)
    assert pair.lives()


def test_the_gateway_ends_when_no_worker_is_left_and_none_can_start(pair: Pair) -> None:
    first, second = _serving(pair.pid)
    pair.policy.write_text(INVALID)
    os.kill(first, signal.SIGKILL)
    assert wait_for(lambda: len(pair.failures()) >= 1, LONG_S)
    os.kill(second, signal.SIGKILL)
    assert pair.process.process.wait(LONG_S) == 2
    assert pair.lines()[-1]["message"] == "no worker is left and none can start, so the gateway ends"
    with pytest.raises(httpx.ConnectError):
        pair.lives()


def test_a_replacement_outlives_hangups(pair: Pair) -> None:
    before, seen = _serving(pair.pid), set[int]()
    killed = min(before)
    os.kill(killed, signal.SIGKILL)

    def replaced() -> bool:
        os.killpg(pair.pid, signal.SIGHUP)
        seen.update(_workers(pair.pid))
        return len(_serving(pair.pid) - {killed}) == 2

    assert wait_for(replaced, LONG_S)
    assert len(seen - before) == 1
    assert pair.lives()
    assert pair.failures() == []


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("program", [MODULE, SCRIPT], ids=["module", "script"])
def test_hangups_while_it_starts_change_nothing(program: list[str], workers: int, tmp_path: Path) -> None:
    """SIGHUP for all processes, again and again, whenever something has been imported since the last."""
    process = _start(program, tmp_path, "--workers", str(workers))
    imports, output, seen = tmp_path / "gateway.log", tmp_path / "output", set[int]()
    length = 0

    def ready() -> bool:
        nonlocal length
        before, length = length, imports.stat().st_size
        if length > before:
            os.killpg(process.pid, signal.SIGHUP)
        seen.update(_workers(process.pid))
        serving = {process.pid} if workers == 1 else _serving(process.pid)
        return process.poll() is not None or (output.read_text().startswith("ready ") and len(serving) == workers)

    try:
        # Nothing can be ignored before Python runs the first line of the gateway.
        assert wait_for(lambda: bool(re.search(r"\| +gateway\.cli$", imports.read_text(), re.M)), LONG_S)
        assert not re.search(r"\| +(typer|numpy|fastapi)$", imports.read_text().split(" gateway.cli\n")[0], re.M)
        assert wait_for(ready, LONG_S)
        assert process.poll() is None
        assert len(seen) == (0 if workers == 1 else workers)
    finally:
        process.terminate()
        process.wait(LONG_S)


def _start(program: list[str], folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a gateway that writes what it imports, and do not wait."""
    (folder / "policy.yaml").write_text(VALID)
    mint(folder / "tokens.yaml", "acme")
    command = [*program, "serve", "--port", "0", "--policy", str(folder / "policy.yaml"), "--upstream", UPSTREAM]
    command += ["--tokens", str(folder / "tokens.yaml"), "--audit", "none", "--metrics-port", "0", *arguments]
    environment = {**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}
    with (folder / "gateway.log").open("wb") as log, (folder / "output").open("wb") as output:
        return subprocess.Popen(command, stdout=output, stderr=log, start_new_session=True, env=environment)


def _workers(parent: int) -> set[int]:
    children = _read(parent, f"task/{parent}/children").split()
    return {int(child) for child in children if "spawn_main" in _read(int(child), "cmdline")}


def _serving(parent: int) -> set[int]:
    """The workers that have read their files and read them again at SIGHUP."""
    return {worker for worker in _workers(parent) if _handles(worker, signal.SIGHUP)}


def _handles(process: int, number: signal.Signals) -> bool:
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", _read(process, "status"), re.M)
    return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)


def _read(process: int, name: str) -> str:
    """What the system says of a process: nothing if it has ended."""
    try:
        return Path(f"/proc/{process}/{name}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
