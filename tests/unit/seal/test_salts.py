"""Salts: made once for all processes, destroyed for good, a day old at most where they are for the cache."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.seal import salt_file
from gateway.seal.errors import SaltsUnavailable, SealError
from gateway.seal.salts import CACHE, LIFE_S, TEXT, Group, Salts
from gateway.settings import ConfigurationError

MASTER = bytes(range(32))
DAY = LIFE_S


class Clock:
    """A clock that somebody sets."""

    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json.salts"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(path: Path, clock: Clock) -> Callable[[], Salts]:
    return lambda: Salts(path, MASTER, clock)


Opened = Callable[[], Salts]


def lines(path: Path) -> int:
    """Without the mark."""
    return path.read_bytes().count(b"\n") - 1


def test_salts_are_random_and_stay(opened: Opened, path: Path) -> None:
    salts = opened()
    tenant, subject = salts.salt(CACHE, "t"), salts.salt(CACHE, "t", "s")
    assert len(tenant) == 32
    assert subject[:32] == tenant
    assert (
        len({tenant, subject[32:], salts.salt(TEXT, "t"), salts.salt(CACHE, "u"), salts.salt(CACHE, "t", "r")[32:]})
        == 5
    )
    for again in (salts, opened()):
        assert again.salt(CACHE, "t", "s") == subject
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert lines(path) == 5
    assert all(secret not in path.read_bytes() for secret in (tenant, b"text", b"cache"))


def test_what_one_makes_or_destroys_the_other_sees_at_once(opened: Opened) -> None:
    one, two = opened(), opened()
    for tenant in ("a", "b", "c"):
        assert one.salt(CACHE, tenant, "s") == two.salt(CACHE, tenant, "s")
        assert two.salt(TEXT, tenant) == one.salt(TEXT, tenant)
    before, generation = one.salt(CACHE, "a", "s"), one.generation
    assert two.destroy(CACHE, "a", "s") == 1
    after = one.salt(CACHE, "a", "s")
    assert one.generation != generation
    assert after[:32] == before[:32]
    assert after[32:] != before[32:]
    assert after == two.salt(CACHE, "a", "s")


def test_destroying_takes_what_is_meant_and_no_more(opened: Opened, path: Path) -> None:
    salts = opened()
    places: list[tuple[Group, str, str]] = [
        (CACHE, "t", ""), (CACHE, "t", "s"), (CACHE, "t", "r"), (TEXT, "t", ""), (CACHE, "u", "s"), (TEXT, "u", ""),
    ]  # fmt: skip
    before = {place: salts.salt(*place)[-32:] for place in places}

    def changed() -> set[int]:
        return {at for at, place in enumerate(places) if salts.salt(*place)[-32:] != before[place]}

    assert salts.destroy(CACHE, "none") == salts.destroy(CACHE, "t", "none") == 0
    assert salts.destroy(CACHE, "t", "s") == 1
    assert changed() == {1}
    assert salts.destroy(CACHE, "t") == 3
    assert changed() == {0, 1, 2}
    assert salts.destroy(None, "t") == 4
    assert changed() == {0, 1, 2, 3}
    assert opened().salt(CACHE, "u", "s")[-32:] == before[(CACHE, "u", "s")]


def test_destroyed_lines_are_gone_from_the_file_and_overwritten_where_they_were(opened: Opened, path: Path) -> None:
    salts = opened()
    salts.salt(TEXT, "t")
    gone = path.read_bytes().split(b"\n")[1]
    salts.salt(TEXT, "u")
    with path.open("rb") as old:
        salts.destroy(None, "t")
        assert set(old.read()) == {0}
    assert gone not in path.read_bytes()
    assert lines(path) == 1
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name, path.name + ".lock"]


def test_salts_of_the_cache_live_a_day_and_those_of_texts_for_ever(opened: Opened, clock: Clock, path: Path) -> None:
    salts = opened()
    cache, text = salts.salt(CACHE, "t", "s"), salts.salt(TEXT, "t")
    clock.now += DAY - 1
    assert salts.salt(CACHE, "t", "s") == opened().salt(CACHE, "t", "s") == cache
    clock.now += 1
    new = salts.salt(CACHE, "t", "s")
    assert new[:32] != cache[:32]
    assert new[32:] != cache[32:]
    assert salts.salt(TEXT, "t") == text
    assert opened().salt(CACHE, "t", "s") == new
    assert lines(path) == 3


@pytest.mark.parametrize("by", [DAY, -DAY, 1e8, -1e8])
def test_what_is_too_old_is_dropped_when_the_file_is_opened(
    opened: Opened, clock: Clock, path: Path, by: float
) -> None:
    salts = opened()
    salts.salt(CACHE, "t", "s")
    text = salts.salt(TEXT, "t")
    clock.now += by
    assert opened().salt(TEXT, "t") == text
    assert lines(path) == 1


def test_a_process_that_runs_drops_what_is_too_old_within_an_hour(opened: Opened, clock: Clock, path: Path) -> None:
    salts = opened()
    salts.salt(TEXT, "u")
    for subject in "abc":
        salts.salt(CACHE, "t", subject)
    clock.now += DAY + 1
    salts.salt(TEXT, "u")
    assert lines(path) == 1


def test_a_file_with_half_of_its_lines_stale_is_written_anew(opened: Opened, clock: Clock, path: Path) -> None:
    salts = opened()
    for subject in "abcd":
        salts.salt(CACHE, "t", subject)
    clock.now += DAY - 10
    # Looks at the time now, and again in an hour.
    salts.salt(CACHE, "t")
    clock.now += 20
    counts = []
    for subject in "abcd":
        salts.salt(CACHE, "t", subject)
        counts.append(lines(path))
    assert max(counts) < 10
    assert counts[-1] == 5


def test_a_clock_that_was_set_back_gives_no_eternal_life(opened: Opened, clock: Clock) -> None:
    clock.now += 365 * DAY
    future = opened().salt(CACHE, "t")
    clock.now -= 365 * DAY
    salts = opened()
    present = salts.salt(CACHE, "t")
    assert present != future
    clock.now -= 3600
    assert salts.salt(CACHE, "t") == present
    clock.now -= DAY
    assert salts.salt(CACHE, "t") != present


def test_a_torn_last_line_is_ignored_and_cut_off(opened: Opened, path: Path) -> None:
    salts = opened()
    kept = salts.salt(TEXT, "t")
    torn = path.read_bytes().split(b"\n")[1][:100]
    with path.open("ab") as file:
        file.write(torn)
    for reader in (salts, opened()):
        assert reader.salt(TEXT, "t") == kept
    other = salts.salt(TEXT, "u")
    assert opened().salt(TEXT, "u") == other
    assert lines(path) == 2
    assert path.read_bytes().endswith(b"\n")


def test_what_a_writer_that_died_left_beside_the_file_is_removed(opened: Opened, path: Path) -> None:
    kept = opened().salt(TEXT, "t")
    leftover = path.with_name(path.name + ".new")
    leftover.write_bytes(path.read_bytes())
    with leftover.open("rb") as file:
        assert opened().salt(TEXT, "t") == kept
        assert set(file.read()) == {0}
    assert not leftover.exists()


@pytest.mark.parametrize("at", [0, 1], ids=["mark", "line"])
def test_another_line_that_does_not_open_closes_everything(opened: Opened, path: Path, at: int) -> None:
    salts = opened()
    salts.salt(TEXT, "t")
    before = path.read_bytes()
    rows = before.split(b"\n")
    rows[at] = rows[at][:60] + (b"A" if rows[at][60:61] != b"A" else b"B") + rows[at][61:]
    path.write_bytes(b"\n".join(rows))
    for _ in range(2):
        with pytest.raises(SealError) as caught:
            salts.salt(TEXT, "t")
        assert not isinstance(caught.value, SaltsUnavailable)
    with pytest.raises(ConfigurationError, match="does not open with this master key"):
        opened()
    path.write_bytes(before + b"")
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert salts.salt(TEXT, "t") == opened().salt(TEXT, "t")


def test_another_master_key_is_said_so(opened: Opened, path: Path, clock: Clock) -> None:
    opened().salt(TEXT, "t")
    with pytest.raises(ConfigurationError, match="does not open with this master key"):
        Salts(path, bytes(32), clock)


def test_lines_of_another_form_do_not_open(opened: Opened, path: Path) -> None:
    salts = opened()
    salts.salt(TEXT, "t")
    mark = path.read_bytes().split(b"\n")[0]
    for wrong in (mark, b"", b"!", b"AAAA"):
        changed = path.read_bytes() + wrong + b"\n"
        other = path.with_name("other")
        other.touch(0o600)
        other.write_bytes(changed)
        with pytest.raises(ConfigurationError):
            Salts(other, MASTER, Clock())


def test_an_empty_file_and_one_that_goes_hold_nothing(opened: Opened, path: Path) -> None:
    path.touch(0o600)
    salts = opened()
    first = salts.salt(TEXT, "t")
    path.unlink()
    second = salts.salt(TEXT, "t")
    assert first != second
    assert opened().salt(TEXT, "t") == second
    path.write_bytes(b"")
    assert salts.salt(TEXT, "t") not in (first, second)


def test_a_file_that_others_may_read_is_refused(opened: Opened, path: Path) -> None:
    salts = opened()
    salts.salt(TEXT, "t")
    path.chmod(0o640)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    with pytest.raises(ConfigurationError, match="chmod 600"):
        opened()
    with pytest.raises(SaltsUnavailable):
        salts.salt(TEXT, "t")


@pytest.mark.parametrize("call", ["pwrite", "open", "fsync", "replace"])
def test_a_file_that_cannot_be_written_is_said_so_and_serves_those_who_have_salts(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    salts = opened()
    kept = salts.salt(TEXT, "t")
    real = getattr(os, call)

    def full(*arguments: object, **named: object) -> object:
        if call == "open" and str(arguments[0]).endswith(".lock"):
            raise PermissionError(13, "Permission denied")
        if call != "open":
            raise OSError(28, "No space left on device")
        return real(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        if call != "replace":
            with pytest.raises(SaltsUnavailable, match="no salts can be kept there"):
                salts.salt(TEXT, "u")
        with pytest.raises(SaltsUnavailable):
            salts.destroy(None, "t")
        assert salts.salt(TEXT, "t") == kept
    other = salts.salt(TEXT, "u")
    assert opened().salt(TEXT, "u") == other
    assert opened().salt(TEXT, "t") == kept
    assert salts.destroy(None, "t") == 1
    assert opened().salt(TEXT, "t") != kept


def test_sweeping_a_file_that_cannot_be_written_waits(
    opened: Opened, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: Path
) -> None:
    salts = opened()
    text = salts.salt(TEXT, "private")
    salts.salt(CACHE, "private", "s")
    clock.now += DAY
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(PermissionError(13, "no")))
        assert salts.salt(TEXT, "private") == text
        assert opened().salt(TEXT, "private") == text
    assert "could not be destroyed" in caplog.text
    assert "private" not in caplog.text
    clock.now += 3600
    salts.salt(TEXT, "private")
    assert lines(path) == 1


def test_a_lock_that_another_holds_is_not_waited_for_for_ever(opened: Opened, path: Path) -> None:
    salts = opened()
    salts.salt(TEXT, "t")
    with path.with_name(path.name + ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SaltsUnavailable, match="another process holds its lock"):
            salts.salt(TEXT, "u")


def test_a_reader_is_not_fooled_by_a_file_that_is_overwritten_while_it_reads(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = opened(), opened()
    one.salt(TEXT, "t")
    kept = one.salt(TEXT, "u")
    raw, once = salt_file.SaltFile._raw, [True]

    def slow(self: salt_file.SaltFile, *arguments: object) -> tuple[bytes, int, bytes]:
        if once and once.pop():
            one.destroy(None, "t")
        return raw(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(salt_file.SaltFile, "_raw", slow)
    assert two.salt(TEXT, "u") == kept


def test_a_file_that_somebody_puts_there_meanwhile_is_not_written_into(opened: Opened, path: Path) -> None:
    salts = opened()
    salts.salt(TEXT, "t")
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.chmod(0o600)
    with salts._file.writing():
        salts._follow()
        copy.rename(path)
        with pytest.raises(OSError, match=r"[Ss]tale"):
            salts._file.rewrite([])


def test_a_reader_makes_and_destroys_nothing(opened: Opened, path: Path, clock: Clock) -> None:
    reader = Salts(path, MASTER, clock, read_only=True)
    with pytest.raises(SealError):
        reader.salt(TEXT, "t")
    assert not list(path.parent.iterdir())
    made = opened().salt(TEXT, "t")
    assert reader.salt(TEXT, "t") == made
    clock.now += 2 * DAY
    before = path.read_bytes()
    with pytest.raises(SaltsUnavailable):
        reader.destroy(None, "t")
    Salts(path, MASTER, clock, read_only=True).salt(TEXT, "t")
    assert path.read_bytes() == before


def _race(path: Path, begin: object, answers: object) -> None:
    begin.wait()  # type: ignore[attr-defined]
    salts = Salts(path, MASTER, Clock())
    answers.put([salts.salt(CACHE, f"t{i}", "s") for i in range(50)] + [salts.salt(TEXT, f"t{i}") for i in range(3)])  # type: ignore[attr-defined]


def test_two_processes_at_once_agree(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    begin, answers = context.Event(), context.Queue()
    workers = [context.Process(target=_race, args=(path, begin, answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    begin.set()
    one, two = answers.get(timeout=30), answers.get(timeout=30)
    for worker in workers:
        worker.join(30)
    assert one == two
    assert lines(path) == 103


def _churn(path: Path) -> None:
    salts = Salts(path, MASTER, Clock())
    for i in range(1_000_000):
        salts.salt(CACHE, "t", f"s{i % 7}")
        if i % 5 == 0:
            salts.destroy(CACHE, "t", f"s{i % 3}")


def test_a_writer_that_is_killed_at_any_time_loses_nothing_of_others(opened: Opened, path: Path) -> None:
    kept = opened().salt(TEXT, "t")
    context = multiprocessing.get_context("fork")
    for i in range(12):
        writer = context.Process(target=_churn, args=(path,))
        writer.start()
        writer.join(0.01 + 0.003 * i)
        writer.kill()
        writer.join(30)
        assert opened().salt(TEXT, "t") == kept


def test_nothing_is_shown(opened: Opened) -> None:
    salts = opened()
    salts.salt(TEXT, "t")
    shown = f"{salts!r} {salts._file!r} {salts._table}"
    assert shown.startswith("<Salts> <SaltFile>")
    assert "\\x" not in shown
