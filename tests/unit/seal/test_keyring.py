"""The keys as a running gateway uses them: live, bound to places, gone when they are forgotten."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.pipeline.ports import SealerOf
from gateway.seal.errors import SaltsUnavailable, SealError
from gateway.seal.keyring import Keyring, salts_file
from gateway.seal.keyset import Keyset, changed_keyset, create_keyset

MASTER = bytes(range(32))
PLACE = ("cache", "t", "s")


class Clock:
    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    create_keyset(path, MASTER)
    return path


@pytest.fixture
def keyring(path: Path, clock: Clock) -> Keyring:
    return Keyring.open(path, MASTER, clock=clock, monotonic=clock)


@pytest.fixture
def ephemeral() -> Iterator[Keyring]:
    with Keyring.ephemeral() as keyring:
        yield keyring


def change(path: Path, how: Callable[[Keyset], Keyset]) -> None:
    with changed_keyset(path, MASTER) as held:
        held[0] = how(held[0])


def shut(keyring: Keyring, sealed: bytes, place: tuple[str, str, str] = PLACE) -> bool:
    try:
        keyring.entries(*place).open(sealed, b"a")
    except SealError:
        return True
    return False


def test_entries_open_in_their_place_and_in_no_other(keyring: Keyring, path: Path) -> None:
    sealed = keyring.entries(*PLACE).seal(b"x", b"a")
    assert keyring.entries(*PLACE).open(sealed, b"a") == b"x"
    assert Keyring.open(path, MASTER, clock=keyring._salts._clock).entries(*PLACE).open(sealed, b"a") == b"x"
    for other in (("cachf", "t", "s"), ("cache", "u", "s"), ("cache", "t", "r"), ("cache", "t", ""),
                  ("cache", "ts", ""), ("cachet", "", "s")):  # fmt: skip
        assert shut(keyring, sealed, other)


def test_secrets_are_all_different_and_stay(keyring: Keyring, path: Path) -> None:
    def made(ring: Keyring) -> list[bytes]:
        return [ring.secret("p"), ring.secret("q"), ring.tenant_secret("p", "t"), ring.tenant_secret("q", "t"),
                ring.tenant_secret("p", "t", "s"), ring.tenant_secret("p", "u")]  # fmt: skip

    secrets = made(keyring)
    assert len(set(secrets)) == 6
    assert {len(secret) for secret in secrets} == {32}
    assert made(keyring) == secrets == made(Keyring.open(path, MASTER, clock=keyring._salts._clock))
    assert keyring.secrets("p") == [secrets[0]]
    # What is handed out is not the key of a sealer.
    assert secrets[4] not in keyring.entries("p", "t", "s")._keys.values()


def test_sealers_are_kept_and_so_many_of_them(keyring: Keyring) -> None:
    first = keyring.entries(*PLACE)
    assert keyring.entries(*PLACE) is first
    assert keyring.texts("t") is keyring.texts("t")
    keyring._entries._size = 3
    for subject in "abc":
        keyring.entries("cache", "t", subject)
    assert len(keyring._entries._made) == 3
    assert keyring.entries(*PLACE) is not first


def test_texts_are_sealed_the_same_after_a_restart(keyring: Keyring, path: Path) -> None:
    sealer_of: SealerOf = keyring.texts
    token = sealer_of("t").seal(b"Ada", b"PERSON")
    again = Keyring.open(path, MASTER)
    assert again.texts("t").seal(b"Ada", b"PERSON") == token
    assert again.texts("u").seal(b"Ada", b"PERSON") != token


def test_rotation_is_followed_while_it_runs(keyring: Keyring, path: Path, clock: Clock) -> None:
    old = keyring.entries(*PLACE).seal(b"x", b"a")
    text = keyring.texts("t").seal(b"x", b"a")
    secret, bound = keyring.secret("p"), keyring.tenant_secret("p", "t")
    change(path, Keyset.rotated)
    clock.now += 0.5
    assert keyring.entries(*PLACE).seal(b"", b"")[4] == 1
    clock.now += 0.5
    new = keyring.entries(*PLACE).seal(b"y", b"a")
    assert new[4] == 2
    assert keyring.entries(*PLACE).open(old, b"a") == b"x"
    assert keyring.texts("t").open(text, b"a") == b"x"
    assert keyring.secret("p") != secret
    assert keyring.tenant_secret("p", "t") != bound
    assert keyring.secrets("p") == [keyring.secret("p"), secret]
    change(path, lambda keyset: keyset.retired("k1"))
    clock.now += 1
    assert shut(keyring, old)
    with pytest.raises(SealError):
        keyring.texts("t").open(text, b"a")
    assert keyring.entries(*PLACE).open(new, b"a") == b"y"


@pytest.mark.parametrize("wrong", ["text", "gone", "mode", "master"])
def test_a_new_file_that_is_wrong_leaves_the_keys_in_force(
    keyring: Keyring, path: Path, clock: Clock, caplog: pytest.LogCaptureFixture, wrong: str
) -> None:
    sealed = keyring.entries(*PLACE).seal(b"x", b"a")
    saved = path.read_bytes()
    path.unlink()
    if wrong == "master":
        create_keyset(path, bytes(32))
    elif wrong != "gone":
        path.touch(0o644 if wrong == "mode" else 0o600)
        path.write_bytes(saved if wrong == "mode" else b"private")
    with caplog.at_level(logging.WARNING, "gateway"):
        for _ in range(3):
            clock.now += 1
            assert keyring.entries(*PLACE).open(sealed, b"a") == b"x"
    assert [record.getMessage() for record in caplog.records] == [
        "the keyset file cannot be used; the keys from before stay in force"
    ]
    path.unlink(missing_ok=True)
    path.touch(0o600)
    path.write_bytes(saved)
    change(path, Keyset.rotated)
    clock.now += 1
    assert keyring.entries(*PLACE).seal(b"", b"")[4] == 2


def test_forgetting_a_subject_leaves_the_others(keyring: Keyring, path: Path) -> None:
    ring, other = keyring, Keyring.open(path, MASTER, clock=keyring._salts._clock)
    mine, yours = ring.entries("cache", "t", "s").seal(b"x", b"a"), ring.entries("cache", "t", "r").seal(b"y", b"a")
    text = ring.texts("t").seal(b"x", b"a")
    name = other.tenant_secret("name", "t", "s")
    assert not shut(other, mine)
    assert ring.forget("t", "s") == 1
    for each in (ring, other):
        assert shut(each, mine)
        assert each.tenant_secret("name", "t", "s") != name
        assert each.entries("cache", "t", "r").open(yours, b"a") == b"y"
    assert ring.forget("t") == 3
    assert shut(other, yours, ("cache", "t", "r"))
    assert other.texts("t").open(text, b"a") == b"x"
    assert ring.forget("nobody") == ring.forget("t", "nobody") == 0


def test_shredding_makes_a_copy_unreadable_even_with_a_copy_of_the_keyset(
    keyring: Keyring, path: Path, tmp_path: Path
) -> None:
    sealed, text = keyring.entries(*PLACE).seal(b"x", b"a"), keyring.texts("t").seal(b"x", b"a")
    theirs = keyring.texts("u").seal(b"x", b"a")
    stolen = tmp_path / "stolen.json"
    stolen.touch(0o600)
    stolen.write_bytes(path.read_bytes())
    assert keyring.shred("t") == 3
    salts_file(stolen).touch(0o600)
    salts_file(stolen).write_bytes(salts_file(path).read_bytes())
    for ring in (keyring, Keyring.open(stolen, MASTER, clock=keyring._salts._clock)):
        assert shut(ring, sealed)
        with pytest.raises(SealError):
            ring.texts("t").open(text, b"a")
        assert ring.texts("u").open(theirs, b"a") == b"x"


def test_a_day_later_entries_are_shut_and_texts_are_not(keyring: Keyring, clock: Clock) -> None:
    sealed, text = keyring.entries(*PLACE).seal(b"x", b"a"), keyring.texts("t").seal(b"x", b"a")
    secret = keyring.tenant_secret("name", "t", "s")
    clock.now += 86_399
    assert not shut(keyring, sealed)
    clock.now += 1
    assert shut(keyring, sealed)
    assert keyring.tenant_secret("name", "t", "s") != secret
    assert keyring.texts("t").open(text, b"a") == b"x"


def test_what_was_derived_is_not_kept_when_it_is_forgotten(keyring: Keyring) -> None:
    keyring.entries(*PLACE)
    keyring.tenant_secret("p", "t")
    keyring.forget("t")
    assert not keyring._entries._made
    assert not keyring._secrets._made


def test_salts_that_cannot_be_written_shut_out_the_new_and_not_the_known(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = keyring.entries(*PLACE).seal(b"x", b"a")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    for call in (lambda: keyring.texts("new"), lambda: keyring.entries("cache", "new", ""), lambda: keyring.shred("t")):
        with pytest.raises(SaltsUnavailable):
            call()
    assert not shut(keyring, sealed)


def test_ephemeral_keys_leave_nothing(ephemeral: Keyring) -> None:
    directory = ephemeral._path.parent
    assert directory.stat().st_mode & 0o777 == 0o700
    sealed = ephemeral.texts("t").seal(b"x", b"a")
    with Keyring.ephemeral() as other:
        with pytest.raises(SealError):
            other.texts("t").open(sealed, b"a")
        assert other.secret("p") != ephemeral.secret("p")
    assert not other._path.parent.exists()
    assert MASTER not in b"".join(file.read_bytes() for file in directory.iterdir())
    ephemeral.close()
    ephemeral.close()
    assert not directory.exists()


def _work(keyring: Keyring, sealed: bytes, answers: object) -> None:
    answers.put((keyring.entries(*PLACE).open(sealed, b"a"), keyring.texts("new").seal(b"x", b"")))  # type: ignore[attr-defined]
    keyring.close()


@pytest.mark.parametrize("kind", ["file", "ephemeral"])
def test_workers_have_the_same_keys_and_remove_nothing(path: Path, ephemeral: Keyring, kind: str) -> None:
    keyring = ephemeral if kind == "ephemeral" else Keyring.open(path, MASTER)
    sealed = keyring.entries(*PLACE).seal(b"x", b"a")
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    worker = context.Process(target=_work, args=(keyring, sealed, answers))
    worker.start()
    plain, token = answers.get(timeout=30)
    worker.join(30)
    assert plain == b"x"
    assert keyring.texts("new").seal(b"x", b"") == token
    assert keyring._path.parent.exists()
    copy = pickle.loads(pickle.dumps(keyring))
    keyring.forget("t")
    assert shut(copy, sealed)
    copy.close()
    assert keyring._path.parent.exists()


def test_a_reader_makes_no_salts(path: Path, keyring: Keyring) -> None:
    reader = Keyring.open(path, MASTER, read_only=True)
    with pytest.raises(SealError):
        reader.texts("t")
    assert not salts_file(path).exists()
    sealed = keyring.texts("t").seal(b"x", b"a")
    assert reader.texts("t").open(sealed, b"a") == b"x"
    with pytest.raises(SaltsUnavailable):
        reader.shred("t")


def test_threads_share_it(keyring: Keyring) -> None:
    made: list[bytes] = []

    def work() -> None:
        made.extend(keyring.texts(f"t{i % 5}").seal(b"x", b"") for i in range(200))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 800
    assert len(set(made)) == 5


def test_nothing_is_shown(keyring: Keyring) -> None:
    keyring.texts("t")
    assert f"{keyring!r} {keyring}" == "<Keyring> <Keyring>"
