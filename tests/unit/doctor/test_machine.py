"""Clock, audit log, ports and the machine."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.doctor import audit, clock, ports, process
from gateway.doctor.process import Machine
from gateway.settings import Settings
from tests.support.gateway import GatewayProcess
from tests.support.redis import free_port
from tests.unit.doctor.scene import is_well, problems, warnings

GIB = 2**30
HERE = Machine(
    files=4096,
    cores=4,
    free_bytes=8 * GIB,
    is_root=False,
    cache=Path("/cache"),
    is_cache_writable=True,
    is_cache_private=True,
    is_tmp_writable=True,
    tmp_free_bytes=GIB,
)


def test_the_clock() -> None:
    now = datetime(2027, 1, 1, tzinfo=UTC)
    assert is_well(clock.judge(now, {"Redis": 4.9, "upstream default": -4.9}))
    assert "that of Redis is 6 s before this one" in warnings(clock.judge(now, {"Redis": 6.2}))
    assert "that of Redis is 60 s behind this one" in warnings(clock.judge(now, {"Redis": -60}))
    assert "NTP" in problems(clock.judge(datetime(1970, 1, 1, tzinfo=UTC), {}))


def test_a_log_that_can_be_written(tmp_path: Path) -> None:
    settings = Settings(audit=str(tmp_path / "a.jsonl"))
    looked = replace(audit.look(settings), free_bytes=9 * GIB)
    assert is_well(audit.judge(looked, settings))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", ["none", "-"])
def test_no_log_and_a_stream(target: str) -> None:
    settings = Settings(audit=target)
    assert is_well(audit.judge(audit.look(settings), settings))


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    for target in (tmp_path / "no" / "a.jsonl", tmp_path):
        settings = Settings(audit=str(target))
        assert "it cannot be written" in problems(audit.judge(audit.look(settings), settings))


def test_heads_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(audit=str(tmp_path / "a.jsonl"))
    (tmp_path / "a.jsonl.heads").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith(".heads"))
    assert "a.jsonl.heads cannot be written" in problems(audit.judge(audit.look(settings), settings))


def test_logs_that_others_read_that_grow_or_have_no_room(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("")
    os.chmod(path, 0o644)
    settings = Settings(audit=str(path))
    looked = replace(audit.look(settings), free_bytes=9 * GIB)
    assert "chmod 600" in warnings(audit.judge(looked, settings))
    looked = replace(looked, is_open=False, size_bytes=2 * GIB)
    assert "audit_max_size" in warnings(audit.judge(looked, settings))
    assert is_well(audit.judge(looked, settings.model_copy(update={"audit_max_size": GIB})))
    looked = replace(looked, size_bytes=0, free_bytes=GIB // 2)
    assert "512 MiB are free" in warnings(audit.judge(looked, settings))
    assert "1 MiB are free" in problems(audit.judge(replace(looked, free_bytes=2**20), settings))


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))
        listener.listen()
        yield listener.getsockname()[1]


def test_ports(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_TIMEOUT_S", 0.2)
    assert is_well(ports.judge(ports.look(Settings(port=free_port(), metrics_port=free_port()))))
    assert ports.look(Settings(port=0)) == []
    told = problems(ports.judge(ports.look(Settings(port=free_port(), metrics_port=taken))))
    assert f"metrics_port {taken}" in told
    assert "--metrics-port" in told
    same = Settings(port=(port := free_port()), metrics_port=port)
    assert "port of the gateway itself" in problems(ports.judge(ports.look(same)))
    assert problems(ports.judge(ports.look(Settings(host="no-such-host.invalid"))))


def test_a_port_that_a_gateway_has_is_well(gateway_process: GatewayProcess) -> None:
    settings = Settings(port=int(gateway_process.url.rpartition(":")[2]))
    looked = ports.look(settings)
    assert looked[0].is_ours
    assert is_well(ports.judge(looked))
    assert is_well(ports.judge([ports.Port("port", "127.0.0.1", 8080, "in use", is_ours=True)]))


def test_this_machine_can_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    looked = process.look()
    assert looked.cores >= 1
    assert looked.files == resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert looked.is_cache_writable
    assert looked.is_cache_private
    assert looked.is_tmp_writable
    assert (looked.free_bytes or 0) > 0
    assert not list(tmp_path.iterdir())
    looked.cache.mkdir()
    os.chmod(looked.cache, 0o777)
    assert not process.look().is_cache_private


def test_a_good_machine() -> None:
    assert is_well(process.judge(HERE, Settings()))


@pytest.mark.parametrize(
    ("machine", "settings", "told"),
    [
        (replace(HERE, files=512), Settings(), "ulimit -n 4096"),
        (replace(HERE, files=1024), Settings(places=2000), "ulimit -n"),
        (replace(HERE, cores=2), Settings(workers=3), "--workers 2"),
        (replace(HERE, free_bytes=GIB), Settings(workers=4), "fewer --workers"),
        (replace(HERE, is_cache_writable=False), Settings(), "XDG_CACHE_HOME"),
        (replace(HERE, is_cache_private=False), Settings(), "others may write to it"),
        (replace(HERE, tmp_free_bytes=0), Settings(workers=2), "keep their metrics there"),
        (replace(HERE, is_root=True), Settings(), "it runs as root"),
    ],
)
def test_what_makes_a_machine_worse(machine: Machine, settings: Settings, told: str) -> None:
    found = list(process.judge(machine, settings))
    assert told in warnings(found)
    assert not problems(found)


def test_what_makes_a_machine_of_no_use() -> None:
    assert "ulimit" in problems(process.judge(replace(HERE, files=100), Settings()))
    assert "TMPDIR" in problems(process.judge(replace(HERE, is_tmp_writable=False), Settings()))
    assert is_well(process.judge(replace(HERE, files=resource.RLIM_INFINITY, free_bytes=None), Settings()))


def test_a_container_has_less_than_its_machine(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    (tmp_path / "memory.max").write_text(f"{GIB}\n")
    (tmp_path / "memory.current").write_text(f"{GIB // 4}\n")
    assert process._cores(tmp_path / "cpu.max") == 0.5
    assert process._free_bytes(tmp_path, tmp_path / "no") == GIB // 4 * 3
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert process._cores(tmp_path / "cpu.max") == len(os.sched_getaffinity(0))
    assert process._free_bytes(tmp_path, tmp_path / "no") is None
