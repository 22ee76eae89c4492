"""Real faults: full disks, processes that are killed under load, files that are moved while several write to them."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import Unavailable
from gateway.observe.audit import AuditLog
from gateway.observe.audit_heads import heads_in
from gateway.observe.audit_verdict import Level
from tests.faults.wire import wait_for
from tests.unit.observe.audit_scene import KEY, SEED, event, exchanges_of, signers, texts, verified, written

ROOT = Path(__file__).parents[2]
_STARTED: list[subprocess.Popen[str]] = []
WRITER = """
import resource, signal, sys, time
from gateway.observe.audit import AuditLog
from tests.unit.observe.audit_scene import event, signers

path, events, pause_s, max_bytes, limit = sys.argv[1], *map(float, sys.argv[2:6])
log = AuditLog(path, signer=signers(), max_bytes=int(max_bytes), fsync="interval")
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
log.start()
print("started", flush=True)
stopped = []
signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))
done = 0
while done < events and not stopped:
    log.exchange_done(event(done))
    done += 1
    if pause_s:
        time.sleep(pause_s)
if limit:
    while log.is_healthy:
        time.sleep(0.01)
    print("full", flush=True)
    time.sleep(1.5)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    while not log.is_healthy:
        time.sleep(0.01)
log.close()
print(done, flush=True)
"""


@pytest.fixture(autouse=True)
def _no_writer_stays() -> Iterator[None]:
    """A test that fails leaves nobody behind who writes for ever."""
    _STARTED.clear()
    yield
    for process in _STARTED:
        process.kill()
        process.wait()


def writer(path: Path, events: int, pause_s: float = 0, max_bytes: int = 0, limit: int = 0) -> subprocess.Popen[str]:
    arguments = [str(path), *map(str, (events, pause_s, max_bytes, limit))]
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ}
    )
    _STARTED.append(process)
    return process


def started(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"


def wrote(process: subprocess.Popen[str]) -> int:
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return int(said.split()[-1])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can make a small file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def until_refused(log: AuditLog, most: int) -> int:
    """How many events were recorded before `check` refused."""
    for at in range(most):
        try:
            log.check()
        except Unavailable:
            return at
        log.exchange_done(event(at))
    raise AssertionError("the disk never was full")


def heals(log: AuditLog) -> bool:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        time.sleep(0.05)
        if log.is_healthy and not log.waiting_bytes:
            return True
    return False


@pytest.mark.parametrize("on_failure", ["stop", "buffer"])
def test_a_disk_that_is_full_and_is_emptied(small_disk: Path, on_failure: str) -> None:
    path, ballast = small_disk / "audit.jsonl", small_disk / "ballast"
    ballast.write_bytes(bytes(60_000))
    with written(path, 0, on_failure=on_failure, buffer_bytes=100_000) as log:
        done = until_refused(log, 5000)
        assert path.read_bytes().endswith(b"}\n")
        in_file = len(exchanges_of(path))
        assert in_file < done
        if on_failure == "buffer":
            assert log.waiting_bytes >= 100_000
        # In flight: what had begun before is recorded too.
        log.exchange_done(event(done))
        subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
        assert heals(log)
        log.check()
    assert len(exchanges_of(path)) == done + 1
    assert verified(path).remarks == ()


def test_a_disk_that_is_full_when_the_gateway_starts(small_disk: Path) -> None:
    path, ballast = small_disk / "audit.jsonl", small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        while os.statvfs(small_disk).f_bavail:
            file.write(bytes(4096))
    log = AuditLog(str(path), signer=signers())
    log.start()
    with pytest.raises(Unavailable):
        log.check()
    ballast.unlink()
    assert heals(log)
    log.exchange_done(event())
    log.close()
    assert verified(path).exit_code == 0


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    process = writer(path, 500, limit=100_001)
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(2)] == ["started\n", "full\n"]
    assert path.stat().st_size <= 100_001
    assert path.read_bytes().endswith(b"}\n")
    assert wrote(process) == 500
    assert len(exchanges_of(path)) == 500
    assert verified(path).remarks == ()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_device_that_is_always_full() -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = AuditLog("/dev/full", signer=signers())
    log.start()
    with pytest.raises(Unavailable):
        log.check()
    log.exchange_done(event())
    log.close()
    assert resource.getrlimit(resource.RLIMIT_FSIZE) == before
    assert not Path("/dev/full.heads").exists()


def test_processes_that_are_killed_under_load(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for round_ in range(3):
        processes = [writer(path, 10**9) for _ in range(2)]
        started(processes)
        time.sleep((0.3, 0.6, 2.5)[round_])
        if round_ == 2:
            # On a busy machine it may take longer until a head says how far a chain has got.
            assert wait_for(lambda: any(mark.seq for mark, _ in heads_in(path.with_name("audit.jsonl.heads"))[0]), 30)
        for process in processes:
            process.send_signal(signal.SIGKILL)
        for process in processes:
            process.communicate()
        verdict = verified(path)
        assert texts(verdict) == []
        assert verdict.exit_code == 3
        states = [end.state for end in verdict.chains]
        assert states == ["no end mark"] * 2 * (round_ + 1)
        ends = [text for text in texts(verdict, Level.OPEN) if "ends here without its end mark" in text]
        assert len(ends) == 2 * (round_ + 1)
    dead = {end.chain for end in verified(path).chains}
    with written(path, 3) as log:
        # One that was killed may have left half a line, which is no JSON.
        raw = [line for line in path.read_bytes().splitlines() if b'"event":"chain_opened"' in line[:80]]
        opened = [json.loads(line) for line in raw]
        assert opened[-1]["chain"] == log.chain
        known = [mark for line in opened for mark in line["known"]]
        assert {mark["chain"] for mark in known} == dead
        assert not any(mark["ended"] for mark in known)
    verdict = verified(path)
    assert texts(verdict) == []
    assert verdict.exit_code == 3
    # The head of a killed chain is in the line that opened the next one: what it held cannot be cut off either.
    raw = path.read_bytes().splitlines(keepends=True)
    mark = max(known, key=lambda mark: mark["seq"])
    assert mark["seq"] > 0
    cut = {line for line in raw if mark["chain"].encode() in line[:110] and _seq(line) >= mark["seq"]}
    path.write_bytes(b"".join(line for line in raw if line not in cut))
    found = texts(verified(path))
    assert any("missing, says" in text for text in found), found


def _seq(line: bytes) -> int:
    return int(line.split(b'"seq":', 1)[1].split(b",", 1)[0])


def test_several_processes_move_their_file_aside(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    processes = [writer(path, 3000, pause_s=0.0005, max_bytes=300_000) for _ in range(3)]
    started(processes)
    assert [wrote(process) for process in processes] == [3000] * 3
    files = [path, *sorted(tmp_path.glob("audit.jsonl.*Z"))]
    assert len(files) > 4
    verdict = verified(*files, heads=path)
    assert verdict.remarks == ()
    assert len(verdict.chains) == 3
    assert sum(len(exchanges_of(file)) for file in files) == 9000


def test_logrotate_moves_the_file_of_several_processes(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    processes = [writer(path, 10**9, pause_s=0.001) for _ in range(2)]
    started(processes)
    for at in range(3):
        time.sleep(1.3)
        path.rename(tmp_path / f"audit.jsonl.{at}")
    time.sleep(1.3)
    for process in processes:
        process.terminate()
    done = sum(wrote(process) for process in processes)
    files = [path, *(tmp_path / f"audit.jsonl.{at}" for at in range(3))]
    assert verified(*files, heads=path).remarks == ()
    assert sum(len(exchanges_of(file)) for file in files) == done


def test_the_key_of_these_tests_is_that_of_the_writers() -> None:
    assert signers(SEED)().public == KEY
