"""Whatever somebody with the disk and without the key does to a log is found, or the verdict says what is not sure."""

from __future__ import annotations

import gzip
import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.observe.audit_heads import directory_of
from gateway.observe.audit_verdict import Level
from tests.unit.observe.audit_scene import (
    OTHER_SEED,
    copied,
    edit,
    event,
    exchanges_of,
    forged,
    lines_of,
    rechained,
    texts,
    verified,
    write,
    written,
)

LINES = 10


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "audit.jsonl"
    write(path, LINES)
    return path


def test_a_log_that_was_ended_is_whole(log: Path) -> None:
    verdict = verified(log)
    assert (verdict.exit_code, verdict.remarks, verdict.lines) == (0, (), LINES + 2)
    assert [end.state for end in verdict.chains] == ["ended"]


def swap(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], lines[5], lines[4], *lines[6:]]


def change_and_rehash(lines: list[bytes]) -> list[bytes]:
    changed = [*lines]
    changed[4] = changed[4].replace(b'"acme"', b'"evil"')
    return rechained(changed, 4)


ATTACKS: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "a changed byte": (
        lambda lines: [*lines[:4], lines[4].replace(b'"acme"', b'"acne"'), *lines[5:]],
        "audit.jsonl:5: line 4 of chain",
    ),
    "a changed line with its hash made anew": (
        lambda lines: [*lines[:4], *rechained([*lines[:4], lines[4].replace(b"acme", b"acne")], 4)[4:], *lines[5:]],
        "audit.jsonl:6: line 5",
    ),
    "all made anew without the key": (change_and_rehash, "has no signature, or a wrong one"),
    "two lines swapped": (swap, "audit.jsonl:5: before line 5"),
    "a line deleted": (lambda lines: [*lines[:4], *lines[5:]], "audit.jsonl:5: before line 5 of chain"),
    "the first line deleted": (lambda lines: lines[1:], "those before it are missing"),
    "the last line deleted": (lambda lines: lines[:-1], "after this line 1 line is missing"),
    "the last four deleted": (lambda lines: lines[:-4], "after this line 4 lines are missing"),
    "all deleted": (lambda lines: [], "at least 12 lines are in none of these files"),
    "a line twice": (lambda lines: [*lines[:5], lines[4], *lines[5:]], "audit.jsonl:6: line 4 of chain"),
    "a block repeated": (lambda lines: [*lines, *lines[3:6]], "repeated or moved"),
    "the whole log twice": (lambda lines: [*lines, *lines], "audit.jsonl:13: line 0"),
    "cut within a line in the middle": (
        lambda lines: [*lines[:4], lines[4][:150] + b"\n", *lines[5:]],
        "audit.jsonl:6: before line 5",
    ),
    "cut within the last line": (lambda lines: [*lines[:-1], lines[-1][:200]], "after this line 1 line is missing"),
    "an empty line put in": (lambda lines: [*lines[:4], b"\n", *lines[4:]], "is no line of an audit log"),
    "something else put in": (lambda lines: [*lines[:4], b'{"a":1}\n', *lines[4:]], "is no line of an audit log"),
    "zeros put in": (lambda lines: [*lines[:4], bytes(5000), *lines[4:]], "is no line of an audit log"),
    "a line of no chain put in": (
        lambda lines: [
            *lines[:4],
            b'{"time":"2026-01-01T00:00:00.000+00:00","event":"exchange","status":200}\n',
            *lines[4:],
        ],
        "a line in no chain",
    ),
    "more after a line's end": (
        lambda lines: [*lines[:4], lines[4][:-1] + b" \n", *lines[5:]],
        "audit.jsonl:6: before line 5",
    ),
    "a line after the end mark": (
        lambda lines: [*lines, forged(chain_of(lines), 12, hash_of(lines[-1]))],
        "stands after the end mark",
    ),
    "the signature taken away": (
        lambda lines: [*lines[:-1], lines[-1][: lines[-1].index(b',"signature"')] + b"}\n"],
        "has no signature",
    ),
    "the signature of another line": (
        lambda lines: [*lines[:-1], lines[-1].replace(signature_of(lines[-1]), signature_of(lines[0]))],
        "has no signature, or a wrong one",
    ),
}


def chain_of(lines: list[bytes]) -> str:
    return lines[0].split(b'"chain":"')[1][:32].decode()


def hash_of(line: bytes) -> str:
    return line.split(b'"hash":"')[1][:64].decode()


def signature_of(line: bytes) -> bytes:
    return line.split(b'"signature":"')[1][:86]


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_found(log: Path, name: str) -> None:
    attack, what = ATTACKS[name]
    edit(log, attack)
    verdict = verified(log)
    assert verdict.exit_code == 1
    assert any(what in text for text in texts(verdict)), texts(verdict)


@pytest.mark.parametrize("name", sorted(set(ATTACKS) - {"all deleted", "cut within the last line"}))
def test_most_are_found_without_heads_too(log: Path, name: str) -> None:
    attack, _ = ATTACKS[name]
    edit(log, attack)
    shutil.rmtree(directory_of(log))
    assert verified(log).exit_code == (3 if name.startswith("the last") else 1)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_change_of_any_byte_is_found(log: Path, data: st.DataObject) -> None:
    original = log.read_bytes()
    at = data.draw(st.integers(0, len(original) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != original[at]))
    try:
        log.write_bytes(original[:at] + bytes([other]) + original[at + 1 :])
        verdict = verified(log)
    finally:
        log.write_bytes(original)
    # The newline at the very end is not needed for anything but the next line.
    assert verdict.exit_code == 1 or at == len(original) - 1


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(order=st.lists(st.integers(0, LINES + 1), max_size=LINES + 4))
def test_any_other_choice_and_order_of_lines_is_found(log: Path, order: list[int]) -> None:
    original = log.read_bytes()
    lines = original.splitlines(keepends=True)
    try:
        log.write_bytes(b"".join(lines[at] for at in order))
        verdict = verified(log)
    finally:
        log.write_bytes(original)
    assert verdict.exit_code == (0 if order == list(range(LINES + 2)) else 1)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_cut_is_found(log: Path, data: st.DataObject) -> None:
    original = log.read_bytes()
    length = data.draw(st.integers(0, len(original) - 2))
    try:
        log.write_bytes(original[:length])
        verdict = verified(log)
    finally:
        log.write_bytes(original)
    assert verdict.exit_code == 1


def test_a_forged_chain_with_another_key_is_found(log: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    write(other, 3, OTHER_SEED)
    log.write_bytes(log.read_bytes() + other.read_bytes())
    verdict = verified(log)
    assert verdict.exit_code == 1
    assert sum("signed by a key that is not among those given" in text for text in texts(verdict)) == 2


def test_the_logs_of_two_gateways_are_told_apart_by_their_keys(log: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    write(other, 3, OTHER_SEED)
    assert verified(log, other).exit_code == 1
    mixed = [
        line
        for pair in itertools.zip_longest(*(p.read_bytes().splitlines(True) for p in (log, other)))
        for line in pair
    ]
    log.write_bytes(b"".join(line for line in mixed if line))
    verdict = verified(log, trusted=None)
    assert texts(verdict) == []
    assert (verdict.exit_code, len(verdict.keys)) == (3, 2)


def test_a_head_of_another_key_is_found(log: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    write(other, 3, OTHER_SEED)
    for head in directory_of(other).glob("*.json"):
        shutil.copy(head, directory_of(log))
    assert "signed by a key that is not among those given" in texts(verified(log))[0]


@pytest.mark.parametrize("change", [(b'"seq":11', b'"seq":10'), (b'"ended":true', b'"ended":false'), (b"{", b"[")])
def test_a_changed_head_is_found(log: Path, change: tuple[bytes, bytes]) -> None:
    (head,) = directory_of(log).glob("*.json")
    head.write_bytes(head.read_bytes().replace(*change))
    assert any("is not a head as the gateway writes it" in text for text in texts(verified(log)))


def test_a_chain_that_was_removed_is_missed_by_its_head_and_by_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    first = write(path, 5)
    first_bytes = path.read_bytes()
    second = write(path, 5)
    # The second chain has told of the first, whose head has gone since.
    assert {head.stem for head in directory_of(path).glob("*.json")} == {second}
    assert verified(path).exit_code == 0
    path.write_bytes(path.read_bytes()[len(first_bytes) :])
    verdict = verified(path)
    assert verdict.exit_code == 1
    assert f"chain {first[:8]}, at least 7 lines are in none of these files, but {path}:1 knows it" in texts(verdict)[0]
    assert verified(path, part=True).exit_code == 0


def test_an_old_file_that_is_put_back_is_found(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with written(path, 5) as log:
        old = path.read_bytes()
        for at in range(5):
            log.exchange_done(event(at))
    path.write_bytes(old)
    assert any("after this line 6 lines are missing" in text for text in texts(verified(path)))


def test_a_file_and_its_copy_are_found(log: Path, tmp_path: Path) -> None:
    shutil.copy(log, tmp_path / "audit.jsonl.1")
    assert any("a copy, or an old file" in text for text in texts(verified(log, tmp_path / "audit.jsonl.1")))


def test_lines_without_a_signature_yet_are_no_finding(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with written(path, 5):
        alive = verified(path)
        crashed = verified(copied(path, tmp_path / "copy"))
    assert (alive.exit_code, crashed.exit_code) == (3, 3)
    assert [text.partition(": ")[2] for text in texts(alive, Level.OPEN)] == [
        f"chain {alive.chains[0].chain[:8]}: its last 5 lines are not signed yet: they could be others, or more"
    ]
    assert any("without its end mark" in text for text in texts(crashed, Level.OPEN))
    assert [end.state for end in (*alive.chains, *crashed.chains)] == ["being written", "no end mark"]


def test_what_can_be_cut_from_a_chain_without_end_mark_is_what_no_signature_holds(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with written(path, 2500) as log:
        log._tick()
        for at in range(3):
            log.exchange_done(event(at))
        copy = copied(path, tmp_path / "copy")
    lines = copy.read_bytes().splitlines(keepends=True)
    signed = max(at for at, line in enumerate(lines) if b'"signature"' in line)
    assert signed > 1500
    copy.write_bytes(b"".join(lines[: signed + 1]))
    assert verified(copy).exit_code == 3
    copy.write_bytes(
        b"".join(rechained([*lines[: signed + 1], lines[signed + 1].replace(b"acme", b"evil")], signed + 1))
    )
    assert verified(copy).exit_code == 3
    shutil.rmtree(directory_of(copy))
    copy.write_bytes(b"".join(rechained([*lines[:900], lines[900].replace(b"acme", b"evil"), *lines[901:]], 900)))
    assert verified(copy).exit_code == 1


def test_a_line_that_was_begun_at_the_end_of_a_chain_that_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with written(path, 5):
        copy = copied(path, tmp_path / "copy")
    lines = copy.read_bytes().splitlines(keepends=True)
    for length in range(1, len(lines[-1]) - 1):
        copy.write_bytes(b"".join(lines[:-1]) + lines[-1][:length])
        verdict = verified(copy)
        assert verdict.exit_code == 3, texts(verdict)
        assert any(
            ":6: " in text and ("in part" in text or "beginning of a line" in text)
            for text in texts(verdict, Level.OPEN)
        )


def test_a_line_that_was_begun_and_written_again(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    write(path, 5)
    edit(path, lambda lines: [*lines[:3], lines[3][:170] + b"\n", *lines[3:]])
    verdict = verified(path)
    assert verdict.exit_code == 3
    assert texts(verdict, Level.OPEN) == [f"{path}:4: a line was begun here; it stands again below, whole"]


def test_files_in_any_order_and_compressed(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with written(path, 5) as log:
        for at in range(3):
            path.rename(tmp_path / f"audit.jsonl.{at}")
            log._tick()
            log.exchange_done(event(at))
    with gzip.open(tmp_path / "audit.jsonl.0.gz", "wb") as packed:
        packed.write((tmp_path / "audit.jsonl.0").read_bytes())
    (tmp_path / "audit.jsonl.0").unlink()
    files = [path, *(tmp_path / f"audit.jsonl.{name}" for name in ("0.gz", "1", "2"))]
    for order in itertools.permutations(files):
        assert verified(*order, heads=path).remarks == ()
    assert len([line for file in files[2:] for line in exchanges_of(file)]) == 2
    missing = verified(path, *files[2:], heads=path)
    assert any("in none of these files" in text for text in texts(missing))
    assert verified(path, *files[2:], heads=path, part=True).exit_code == 0
    middle = verified(path, *files[1:2], *files[3:], heads=path)
    assert any("missing since" in text for text in texts(middle))
    newest = verified(*files[1:], heads=path)
    assert any("after this line" in text for text in texts(newest))


def test_the_first_lines_of_a_file_are_missed_though_other_files_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with written(path, 5) as log:
        path.rename(tmp_path / "audit.jsonl.1")
        log._tick()
        log.exchange_done(event())
        log.exchange_done(event())
    assert verified(path, part=True).exit_code == 0
    edit(path, lambda lines: lines[2:])
    assert verified(path, part=True).exit_code == 1


def test_a_clock_that_goes_back_is_said_and_no_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.jsonl"
    with written(path, 2) as log:
        monkeypatch.setattr("gateway.observe.audit_lines.now", lambda: "2020-01-01T00:00:00.000+00:00")
        log.exchange_done(event())
        monkeypatch.undo()
    verdict = verified(path)
    assert verdict.exit_code == 0
    assert "the clock went back" in texts(verdict, Level.NOTE)[0]


def test_without_a_key_the_verdict_says_so(log: Path) -> None:
    verdict = verified(log, trusted=None)
    assert verdict.exit_code == 3
    assert "no public key was given" in texts(verdict, Level.OPEN)[0]


def test_very_many_findings_do_not_fill_the_memory(log: Path) -> None:
    log.write_bytes(log.read_bytes() + b"rubbish\n" * 5000)
    verdict = verified(log)
    assert len(verdict.remarks) <= 1001
    assert "4000 more findings are left out" in texts(verdict)[-1]


def test_a_line_without_end_is_read_in_pieces(log: Path) -> None:
    log.write_bytes(b"x" * (3 * 2**20) + b"\n" + log.read_bytes())
    verdict = verified(log)
    assert verdict.exit_code == 1
    assert {remark.line for remark in verdict.remarks} == {1}


def test_every_line_says_its_place(log: Path) -> None:
    lines = lines_of(log)
    assert [line["seq"] for line in lines] == list(range(LINES + 2))
    assert [line["event"] for line in lines] == ["chain_opened", *["exchange"] * LINES, "chain_closed"]
    assert all(line["prev"] == before["hash"] for before, line in itertools.pairwise(lines))


def test_a_chain_is_not_being_written_if_its_head_is_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.jsonl"
    with written(path, 0) as log:
        assert verified(path).exit_code == 0
        monkeypatch.setattr("gateway.observe.audit_heads.now", lambda: "2020-01-01T00:00:00.000+00:00")
        log._put_head(log._seq, log._prev, ended=False)
        monkeypatch.undo()
        verdict = verified(path)
        assert (verdict.exit_code, [end.state for end in verdict.chains]) == (3, ["no end mark"])


def test_a_head_is_written_again_each_minute(tmp_path: Path) -> None:
    seconds = [0.0]
    path = tmp_path / "audit.jsonl"
    with written(path, 0, clock=lambda: seconds[0]) as log:
        (head,) = directory_of(path).glob("*.json")
        before = head.stat().st_ino
        log._tick()
        assert head.stat().st_ino == before
        seconds[0] = 61.0
        log._tick()
        assert head.stat().st_ino != before
