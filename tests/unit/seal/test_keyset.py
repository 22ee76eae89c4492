from __future__ import annotations

import json
import os
import pickle
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.seal.aead import SealError
from gateway.seal.keyset import Keyset, changed_keyset, create_keyset
from gateway.settings import ConfigurationError

PLACES = st.tuples(st.text(max_size=8), st.text(max_size=8), st.binary(max_size=8))


@given(plain=st.binary(max_size=80), place=PLACES, other=PLACES)
def test_what_is_sealed_opens_in_its_place_and_in_no_other(
    plain: bytes, place: tuple[str, str, bytes], other: tuple[str, str, bytes]
) -> None:
    keyset = Keyset.fresh()
    purpose, tenant, aad = place
    sealed = keyset.sealer(purpose, tenant).seal(plain, aad)
    assert keyset.sealer(purpose, tenant).open(sealed, aad) == plain
    if other != place:
        with pytest.raises(SealError):
            keyset.sealer(*other[:2]).open(sealed, other[2])
    with pytest.raises(SealError):
        Keyset.fresh().sealer(purpose, tenant).open(sealed, aad)


@given(plain=st.binary(max_size=40), at=st.integers(0, 400))
def test_changed_bytes_do_not_open(plain: bytes, at: int) -> None:
    sealer = Keyset.fresh().sealer("p", "t")
    sealed = bytearray(sealer.seal(plain, b"a"))
    sealed[(at // 8) % len(sealed)] ^= 1 << (at % 8)
    with pytest.raises(SealError) as caught:
        sealer.open(bytes(sealed), b"a")
    assert caught.value.__context__ is None or not str(caught.value.__context__)


@pytest.mark.parametrize("sealed", [b"", b"x", bytes(15), bytes(16)])
def test_what_is_too_short_does_not_open(sealed: bytes) -> None:
    with pytest.raises(SealError):
        Keyset.fresh().sealer("p", "t").open(sealed, b"")


def test_sealing_again_gives_the_same() -> None:
    keyset = Keyset.fresh()
    assert keyset.sealer("p", "t").seal(b"x", b"a") == keyset.sealer("p", "t").seal(b"x", b"a")


def test_a_rotated_keyset_seals_with_the_new_key_and_opens_with_all() -> None:
    old = Keyset.fresh()
    new = old.rotated()
    before = old.sealer("p", "t").seal(b"x", b"")
    after = new.sealer("p", "t").seal(b"x", b"")
    assert before != after
    assert new.sealer("p", "t").open(before, b"") == new.sealer("p", "t").open(after, b"") == b"x"
    with pytest.raises(SealError):
        old.sealer("p", "t").open(after, b"")
    assert old.secret("hash") != new.secret("hash")
    assert old.secret("hash") != old.secret("salt")


def test_a_retired_key_opens_nothing_and_its_bytes_are_gone(tmp_path: Path) -> None:
    path = tmp_path / "k.json"
    create_keyset(path)
    before = Keyset.load(path).sealer("p", "t").seal(b"x", b"")
    with changed_keyset(path) as held:
        held[0] = held[0].rotated()
    with changed_keyset(path) as held:
        held[0] = held[0].retired("k1")
    keyset = Keyset.load(path)
    with pytest.raises(SealError):
        keyset.sealer("p", "t").open(before, b"")
    assert [key["key"] == "" for key in json.loads(path.read_text())["keys"]] == [True, False]
    assert keyset.rotated().active == "k3"


def test_the_file_is_for_its_owner_only_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "k.json"
    create_keyset(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="there is a file already"):
        create_keyset(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["k.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "k.json"
    create_keyset(path)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        Keyset.load(path)


def test_a_change_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "k.json"
    create_keyset(path)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="is the key that seals"), changed_keyset(path) as held:
        held[0] = held[0].retired("k1")
    with pytest.raises(ConfigurationError, match="no such key"), changed_keyset(path) as held:
        held[0] = held[0].retired("k7")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2}, {"active": "k2"}, {"active": None}, {"keys": []}, {"keys": None}, {"keys": [1]},
        {"keys": [{"id": "k1", "created": "2026-01-01T00:00:00+00:00", "state": "active", "key": "AAAA"}]},
        {"keys": [{"id": "k1", "created": "2026-01-01T00:00:00+00:00", "state": "gone", "key": "A" * 43}]},
        {"keys": [{"id": "x", "created": "2026-01-01T00:00:00+00:00", "state": "active", "key": "A" * 43}]},
        {"keys": [{"id": "k1", "created": "soon", "state": "active", "key": "A" * 43}]},
        {"keys": [{"id": "k1", "created": "2026-01-01T00:00:00+00:00", "state": "active", "key": "!" * 43}]},
        {"keys": [{"id": "k1", "created": "2026-01-01T00:00:00+00:00", "state": "retired", "key": ""}]},
    ],
)  # fmt: skip
def test_a_file_that_is_no_whole_keyset_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "k.json"
    create_keyset(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ConfigurationError) as caught:
        Keyset.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "\x00", '{"version": 1}', "[" * 100_000])
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "k.json"
    path.touch(0o600)
    path.write_text(text)
    with pytest.raises(ConfigurationError):
        Keyset.load(path)
    with pytest.raises(ConfigurationError, match="gateway key init"):
        Keyset.load(tmp_path / "none.json")


def test_keys_are_not_shown() -> None:
    keyset = Keyset.fresh()
    secret = keyset.keys[0].secret
    shown = f"{keyset!r} {keyset} {keyset.keys} {keyset.sealer('p', 't')!r}"
    assert repr(secret) not in shown
    assert secret.hex() not in shown


def test_a_keyset_reaches_worker_processes() -> None:
    keyset = Keyset.fresh()
    copy = pickle.loads(pickle.dumps(keyset))
    assert copy.sealer("p", "t").open(keyset.sealer("p", "t").seal(b"x", b""), b"") == b"x"


def test_a_directory_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        path = tmp_path / "file"
        path.touch()
        path = path / "k.json"
    else:
        tmp_path.chmod(0o500)
        path = tmp_path / "k.json"
    with pytest.raises(ConfigurationError, match="cannot be written"):
        create_keyset(path)
