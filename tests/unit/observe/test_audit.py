"""What the audit log writes, when it refuses, and how it heals."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import Unavailable
from gateway.observe.audit import AuditLog, OnFailure
from gateway.observe.audit_file import AuditFile
from gateway.observe.audit_heads import directory_of
from gateway.observe.audit_lines import body_of, linked, pseudonyms, read_line
from gateway.observe.audit_verdict import Level
from gateway.observe.events import ExchangeEvent
from gateway.pipeline.exchange import Finding
from gateway.seal.signing import Signers
from gateway.settings import ConfigurationError
from tests.unit.observe.audit_scene import (
    KEY,
    OTHER_SEED,
    SEED,
    copied,
    event,
    exchanges_of,
    lines_of,
    signers,
    texts,
    verified,
    write,
    written,
)

pytestmark = pytest.mark.slow


def until(true: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.01)
    return False


def test_an_exchange_is_a_line_with_all_that_is_known_and_no_subject_in_plain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with written(path, 0, pseudonym=pseudonyms(b"k" * 32)) as log:
        done = event(
            7,
            token_id="tok_1",
            policy_digest="d" * 64,
            usage={"prompt_tokens": 3},
            streamed=True,
            cache="miss",
            seconds=0.1234567,
            analysis_seconds=0.001,
            subject="jane",
            rules=("secrets", "links"),
            code="content_filter",
            status=400,
        )
        log.exchange_done(done)
        (line,) = exchanges_of(path)
    assert "jane" not in path.read_text()
    subject = line.pop("subject")
    assert subject == pseudonyms(b"k" * 32)("acme", "jane")
    assert len(subject) == 24
    for name in ("time", "chain", "seq", "prev", "hash"):
        line.pop(name)
    assert line == {
        "event": "exchange",
        "request_id": f"{7:032x}",
        "endpoint": "/v1/chat/completions",
        "status": 400,
        "code": "content_filter",
        "token": "tok_1",
        "tenant": "acme",
        "model": "llama",
        "policy": "d" * 64,
        "findings": [{"stage": "redact", "kind": "PERSON", "action": "placeholder", "count": 1}],
        "rules": ["secrets", "links"],
        "usage": {"prompt_tokens": 3},
        "streamed": True,
        "cache": "miss",
        "seconds": 0.123457,
        "analysis_seconds": 0.001,
    }


def test_an_act_of_an_administrator_is_an_event_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with written(path, 0) as log:
        log.exchange_done(event(kind="admin", endpoint="DELETE /admin/cache", subject="boss"))
    assert [(line["event"], line.get("endpoint"), line.get("subject")) for line in lines_of(path)][1] == (
        "admin",
        "DELETE /admin/cache",
        "",
    )


def test_a_pseudonym_is_of_one_tenant_and_one_key() -> None:
    name = pseudonyms(b"a" * 32)
    assert name("acme", "jane") == name("acme", "jane")
    others = {name("acme", "jane"), name("acm", "ejane"), name("other", "jane"), pseudonyms(b"b" * 32)("acme", "jane")}
    assert len(others) == 4
    assert name("acme", "") == ""
    assert name("acme", "\ud800")


NASTY = [
    'a"b',
    "a\nb",
    "a\r\nb",
    "\ud800",
    "\u2028",
    "\x00",
    '","hash":"' + "0" * 64 + '"}',
    '{"time":"',
    "x" * 100_000,
    "é" * 300,
]


@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
def test_whatever_is_in_a_field_stays_in_its_line(tmp_path: Path, nasty: str) -> None:
    path = tmp_path / "audit.jsonl"
    with written(path, 1) as log:
        finding = Finding(nasty, nasty, nasty, 2**70)
        log.exchange_done(
            event(
                request_id=nasty,
                endpoint=nasty,
                code=nasty,
                token_id=nasty,
                tenant=nasty,
                model=nasty,
                policy_digest=nasty,
                findings=[finding] * 1000,
                rules=[nasty] * 1000,
                usage={nasty: 2**80},
                cache=nasty,
            )
        )
        log.exchange_done(event(2))
    assert len(path.read_bytes().splitlines()) == len(lines_of(path)) == 5
    assert max(map(len, path.read_bytes().splitlines())) < 500_000
    assert verified(path).exit_code == 0


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.characters()),
    st.dictionaries(st.text(st.characters()), st.integers()),
    st.floats(),
    st.integers(),
)
def test_any_event_is_one_line_that_can_be_read(text: str, usage: dict[str, int], seconds: float, status: int) -> None:
    body = body_of(ExchangeEvent(text, text, status, model=text, usage=usage, seconds=seconds), text)
    line, hash_ = linked(body, "a" * 32, 3, "b" * 64)
    read = read_line(line)
    assert read is not None
    assert (read.is_whole, read.seq, read.prev, read.hash) == (True, 3, "b" * 64, hash_)
    assert b"\n" not in line
    json.loads(line)


def test_infinite_seconds_and_strange_types_are_no_reason_to_fail(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    strange: Any = {"usage": {"a": object()}, "findings": ()}
    with written(path, 0) as log:
        log.exchange_done(event(seconds=float("nan"), **strange))
        log.exchange_done(event(seconds=float("inf")))
    assert [line["seconds"] for line in exchanges_of(path)] == [None, None]


def test_nothing_is_written_before_the_first_event_and_a_log_without_events_has_no_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(str(path))
    assert path.read_bytes() == b""
    log.close()
    log.close()
    assert path.read_bytes() == b""
    lazy = AuditLog(str(path), signer=signers())
    lazy.exchange_done(event())
    lazy.close()
    assert [line["event"] for line in lines_of(path)] == ["chain_opened", "exchange", "chain_closed"]
    assert verified(path).exit_code == 0


def test_a_line_is_in_the_file_when_the_call_returns(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with written(path, 0, fsync="never") as log:
        for at in range(100):
            log.exchange_done(event(at))
            if log.waiting_bytes == 0:
                assert exchanges_of(path)[-1]["request_id"] == f"{at:032x}"


@pytest.mark.parametrize("fsync", ["always", "interval", "never"])
def test_when_lines_are_brought_to_the_disk(tmp_path: Path, fsync: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(AuditFile, "sync", lambda _: synced.append(threading.current_thread().name))
    path = tmp_path / "audit.jsonl"
    with written(path, 0, fsync=fsync) as log:
        at_start = len(synced)
        log.exchange_done(event())
        if fsync == "always":
            assert until(lambda: len(synced) > at_start, 0.8)
        elif fsync == "interval":
            assert until(lambda: len(synced) > at_start, 5)
        assert set(synced[at_start:]) <= {"audit"}
    assert bool(synced) == (fsync != "never")


def test_the_head_follows_within_a_second_or_two(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with written(path, 5):
        assert until(lambda: verified(path).exit_code == 0, 5)


def test_a_checkpoint_comes_after_a_thousand_lines(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with written(path, 3000):
        assert until(lambda: sum(line["event"] == "checkpoint" for line in lines_of(path)) >= 1)
    assert verified(path).exit_code == 0
    assert len(exchanges_of(path)) == 3000


def test_a_checkpoint_comes_after_a_minute(tmp_path: Path) -> None:
    now = [0.0]
    path = tmp_path / "audit.jsonl"
    with written(path, 3, clock=lambda: now[0]) as log:
        log._tick()
        assert "checkpoint" not in path.read_text()
        now[0] = 61.0
        log._tick()
        assert lines_of(path)[-1]["event"] == "checkpoint"
        now[0] = 200.0
        log._tick()
        assert path.read_text().count("checkpoint") == 1


def test_another_key_signs_after_the_keyset_was_rotated(tmp_path: Path) -> None:
    seeds = [SEED]
    path = tmp_path / "audit.jsonl"
    log = AuditLog(str(path), signer=Signers(lambda: (f"k{len(seeds)}", seeds[-1])))
    log.exchange_done(event())
    seeds.append(OTHER_SEED)
    log.close()
    assert verified(path, trusted=(KEY, signers(OTHER_SEED)().public)).exit_code == 0
    assert verified(path).exit_code == 1


def test_a_key_that_cannot_be_had_stops_the_log(tmp_path: Path) -> None:
    def gone() -> tuple[str, bytes]:
        raise ConfigurationError("no key")

    log = AuditLog(str(tmp_path / "audit.jsonl"), signer=Signers(gone))
    log.start()
    with pytest.raises(Unavailable):
        log.check()
    log.close()


@pytest.mark.parametrize("place", ["/nonexistent/audit.jsonl", "/"])
def test_a_file_that_cannot_be_written_is_said_at_once(place: str) -> None:
    with pytest.raises(ConfigurationError, match="setting audit"):
        AuditLog(place)


def test_heads_that_cannot_be_kept_are_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl.heads").write_text("a file")
    with pytest.raises(ConfigurationError, match="is needed beside the log"):
        AuditLog(str(tmp_path / "audit.jsonl"))


def test_only_the_owner_can_read_the_log_and_its_heads(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    write(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert directory_of(path).stat().st_mode & 0o777 == 0o700


def test_standard_output_is_chained_too(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = AuditLog("-", signer=signers())
    log.exchange_done(event())
    log.close()
    path = tmp_path / "out.jsonl"
    path.write_text(capfd.readouterr().out)
    assert len(lines_of(path)) == 3
    assert verified(path).exit_code == 0


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes may still be written; an empty list: as many as one likes."""
    room: list[int] = []
    real = os.write

    def write_(handle: int, data: bytes) -> int:
        if not room:
            return real(handle, data)
        if room[0] <= 0:
            raise OSError(28, "No space left on device")
        done = real(handle, data[: room[0]])
        room[0] -= done
        return done

    monkeypatch.setattr("gateway.observe.audit_file.os.write", write_)
    return room


@pytest.mark.parametrize("on_failure", ["stop", "buffer"])
@pytest.mark.parametrize("room", [0, 1, 100, 700, 1500])
def test_a_full_disk_loses_nothing_and_leaves_no_half_lines(
    tmp_path: Path, failing: list[int], on_failure: OnFailure, room: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "audit.jsonl"
    with written(path, 3, on_failure=on_failure) as log:
        failing.append(room)
        for at in range(10):
            log.exchange_done(event(at))
        assert not log.is_healthy
        assert path.read_bytes().endswith(b"}\n")
        if on_failure == "stop":
            with pytest.raises(Unavailable) as refused:
                log.check()
            assert refused.value.status == 503
        else:
            log.check()
        assert verified(copied(path, tmp_path / "copy")).exit_code == 3
        failing.clear()
        assert until(lambda: log.is_healthy)
        log.check()
    assert len(exchanges_of(path)) == 13
    assert verified(path).remarks == ()
    assert [record.message for record in caplog.records] == [
        "the audit log cannot be written",
        "the audit log is written again",
    ]


def test_a_half_line_that_cannot_be_cut_off_is_ended_and_written_again(
    tmp_path: Path, failing: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    path = tmp_path / "audit.jsonl"
    with written(path, 3) as log:
        monkeypatch.setattr("gateway.observe.audit_file.os.ftruncate", refuse)
        failing.append(300)
        log.exchange_done(event(9))
        assert not path.read_bytes().endswith(b"\n")
        failing.clear()
        assert until(lambda: log.is_healthy)
    verdict = verified(path)
    assert (verdict.exit_code, len(verdict.remarks)) == (3, 1)
    assert "it stands again below, whole" in texts(verdict, Level.OPEN)[0]


def test_another_process_ends_the_line_of_one_that_died(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with written(path, 3) as dead:
        with written(path, 3):
            with path.open("ab") as file:
                line, _ = linked(body_of(event(), ""), dead.chain, 4, dead._prev)
                file.write(line[:250])
            copied(path, tmp_path / "before")
            # Somebody who has not written since: the next line of the other chain.
        raw = path.read_bytes().splitlines()
        assert raw[-2] == line[:250]
        copy = copied(path, tmp_path / "copy")
    verdict = verified(copy)
    assert verdict.exit_code == 3
    assert any("is there in part: its writer was killed" in text for text in texts(verdict, Level.OPEN))


def test_refusals_do_not_take_the_room_of_what_was_done(tmp_path: Path, failing: list[int]) -> None:
    path = tmp_path / "audit.jsonl"
    with written(path, 1, on_failure="buffer", buffer_bytes=20_000) as log:
        failing.append(0)
        sent = 1 + 1000 + 1 + 1000
        while log.waiting_bytes < 15_000:
            log.exchange_done(event())
            log.check()
            sent += 1
        for _ in range(1000):
            log.exchange_done(event(status=401))
        with pytest.raises(Unavailable):
            log.check()
        before = log.waiting_bytes
        log.exchange_done(event(99))
        assert before < log.waiting_bytes < 2 * 20_000
        for _ in range(1000):
            log.exchange_done(event())
        assert log.waiting_bytes < 2 * 20_000 + 2000
        failing.clear()
        assert until(lambda: log.is_healthy)
        log.check()
    lines = lines_of(path)
    assert f"{99:032x}" in {line.get("request_id") for line in lines}
    (lost,) = [line for line in lines if line["event"] == "lost"]
    assert lost["count"] + len(exchanges_of(path)) == sent
    verdict = verified(path)
    assert verdict.exit_code == 3
    assert "were not recorded" in texts(verdict, Level.OPEN)[0]


def test_a_disk_that_does_not_answer_stops_the_gateway_and_not_its_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = threading.Event()
    monkeypatch.setattr(AuditFile, "sync", lambda _: answer.wait(30))
    path = tmp_path / "audit.jsonl"
    log = AuditLog(str(path), signer=signers(), fsync="always", buffer_bytes=50_000)
    answer.set()
    log.start()
    answer.clear()
    log.exchange_done(event())
    assert until(log._turn.locked)
    started = time.monotonic()
    for at in range(1000):
        log.exchange_done(event(at))
    with pytest.raises(Unavailable):
        log.check()
    assert time.monotonic() - started < 2
    answer.set()
    assert until(lambda: log.waiting_bytes == 0)
    log.check()
    log.close()
    lost = [line["count"] for line in lines_of(path) if line["event"] == "lost"]
    assert len(exchanges_of(path)) + sum(lost) == 1001
    assert verified(path).exit_code == 3


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rooms=st.lists(st.integers(0, 3000), max_size=6))
def test_however_often_the_disk_fills_the_chain_holds(
    tmp_path_factory: pytest.TempPathFactory, failing: list[int], rooms: list[int]
) -> None:
    path = tmp_path_factory.mktemp("log") / "audit.jsonl"
    log = AuditLog(str(path), signer=signers(), fsync="never")
    log.start()
    for room in rooms:
        failing[:] = [room]
        for at in range(5):
            log.exchange_done(event(at))
        log._tick()
        failing.clear()
        log._tick()
    log.close()
    assert len(exchanges_of(path)) == 5 * len(rooms)
    assert verified(path).remarks == ()


def test_a_file_of_a_size_is_moved_aside_and_the_chain_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with written(path, 0, max_bytes=20_000) as log:
        for at in range(200):
            log.exchange_done(event(at))
            if at % 10 == 0:
                log._tick()
    files = [path, *sorted(tmp_path.glob("audit.jsonl.*Z"))]
    assert len(files) >= 4
    assert all(file.stat().st_size < 40_000 for file in files)
    assert verified(*reversed(files), heads=path).remarks == ()
    assert sum(len(exchanges_of(file)) for file in files) == 200
    first = [lines_of(file)[0]["event"] for file in files]
    assert sorted(first) == ["chain_continued"] * (len(files) - 1) + ["chain_opened"]


def test_a_file_that_was_moved_or_deleted_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with written(path, 3) as log:
        path.rename(tmp_path / "audit.jsonl.1")
        log.exchange_done(event(7))
        assert until(path.exists, 5)
        log.exchange_done(event(8))
        assert until(lambda: log.waiting_bytes == 0)
    assert exchanges_of(tmp_path / "audit.jsonl.1")[-1]["request_id"] == f"{7:032x}"
    assert verified(path, tmp_path / "audit.jsonl.1").exit_code == 0
