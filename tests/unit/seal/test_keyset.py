"""The keyset file: sealed under the master key, for its owner only, changed as a whole."""

from __future__ import annotations

import base64
import json
import os
import pickle
import stat
from pathlib import Path
from typing import Any

import pytest

from gateway.seal.derive import derived
from gateway.seal.envelope import EntrySealer
from gateway.seal.keyset import Keyset, changed_keyset, create_keyset
from gateway.settings import ConfigurationError

MASTER = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "k.json"
    create_keyset(path, MASTER)
    return path


def sealer() -> EntrySealer:
    return EntrySealer({0: derived(MASTER, ("keyset file",))}, 0)


def document(path: Path) -> dict[str, Any]:
    sealed = base64.b64decode(json.loads(path.read_text())["sealed"])
    return dict(json.loads(sealer().open(sealed, b"gateway keyset 2")))


def write(path: Path, plain: bytes) -> None:
    sealed = base64.b64encode(sealer().seal(plain, b"gateway keyset 2")).decode()
    path.write_text(json.dumps({"version": 2, "sealed": sealed}))


def test_the_file_holds_no_key_in_the_clear(path: Path) -> None:
    raw = path.read_bytes()
    (key,) = document(path)["keys"]
    assert set(json.loads(raw)) == {"version", "sealed"}
    opened = base64.b64decode(json.loads(raw)["sealed"])
    for secret in (key["key"].encode(), Keyset.load(path, MASTER).keys[0].secret, MASTER):
        assert secret not in raw
        assert secret not in opened


def test_another_master_key_is_said_so(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not open with this master key"):
        Keyset.load(path, bytes(32))
    with pytest.raises(ConfigurationError, match="does not open with this master key"), changed_keyset(path, bytes(32)):
        pass


def test_rotation_adds_a_key_and_retiring_deletes_one(path: Path) -> None:
    with changed_keyset(path, MASTER) as held:
        held[0] = held[0].rotated()
    with changed_keyset(path, MASTER) as held:
        held[0] = held[0].retired("k1")
    keyset = Keyset.load(path, MASTER)
    assert [(key["id"], key["key"] == "") for key in document(path)["keys"]] == [("k1", True), ("k2", False)]
    assert [key.number for key in keyset.usable()] == [2]
    assert keyset.rotated().active == "k3"
    assert [key.id for key in keyset.rotated().usable()] == ["k3", "k2"]
    assert keyset.secret("hash") != keyset.rotated().secret("hash")
    assert keyset.secret("hash") != keyset.secret("salt")
    assert keyset.rotated().secrets("hash")[1:] == keyset.secrets("hash") == [keyset.secret("hash")]


def test_the_file_is_for_its_owner_only_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "k.json"
    create_keyset(path, MASTER)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="there is a file already"):
        create_keyset(path, MASTER)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["k.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_file_that_others_may_read_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        Keyset.load(path, MASTER)


def test_a_change_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="is the key that seals"), changed_keyset(path, MASTER) as held:
        held[0] = held[0].retired("k1")
    with pytest.raises(ConfigurationError, match="no such key"), changed_keyset(path, MASTER) as held:
        held[0] = held[0].retired("k7")
    assert path.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "change",
    [
        {"active": "k2"}, {"active": None}, {"keys": []}, {"keys": None}, {"keys": [1]},
        {"keys": [{"id": "k1", "created": "2026-01-01T00:00:00+00:00", "state": "active", "key": "AAAA"}]},
        {"keys": [{"id": "k1", "created": "2026-01-01T00:00:00+00:00", "state": "gone", "key": "A" * 43}]},
        {"keys": [{"id": "x", "created": "2026-01-01T00:00:00+00:00", "state": "active", "key": "A" * 43}]},
        {"keys": [{"id": "k1", "created": "soon", "state": "active", "key": "A" * 43}]},
        {"keys": [{"id": "k1", "created": "2026-01-01T00:00:00+00:00", "state": "active", "key": "!" * 43}]},
        {"keys": [{"id": "k1", "created": "2026-01-01T00:00:00+00:00", "state": "retired", "key": ""}]},
    ],
)  # fmt: skip
def test_a_file_that_is_no_whole_keyset_is_refused(path: Path, change: dict[str, Any]) -> None:
    write(path, json.dumps({**document(path), **change}).encode())
    with pytest.raises(ConfigurationError, match="not a whole keyset") as caught:
        Keyset.load(path, MASTER)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "1", "\x00", '{"version": 2}', '{"version": 2, "sealed": 1}', '{"version": 2, "sealed": "!"}',
        "[" * 100_000, '{"sealed": ""}', '"version"',
    ],
)  # fmt: skip
def test_a_file_that_is_something_else_is_refused(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="gateway key init"):
        Keyset.load(path, MASTER)


def test_a_missing_file_and_other_versions_are_said_so(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="gateway key init"):
        Keyset.load(path.with_name("none.json"), MASTER)
    path.write_text(json.dumps({"version": 1, "active": "k1", "keys": []}))
    with pytest.raises(ConfigurationError, match="is of version 1, whose keys were not sealed"):
        Keyset.load(path, MASTER)
    path.write_text(json.dumps({"version": 3, "sealed": ""}))
    with pytest.raises(ConfigurationError, match="newer gateway"):
        Keyset.load(path, MASTER)


def test_changed_bits_of_the_file_are_seen(path: Path) -> None:
    text = path.read_text()
    start = text.index('"sealed": "') + 11
    for at in (start, start + 4, start + 100, len(text) - 10):
        letter = "A" if text[at] != "A" else "B"
        path.write_text(text[:at] + letter + text[at + 1 :])
        with pytest.raises(ConfigurationError, match="does not open"):
            Keyset.load(path, MASTER)


def test_keys_are_not_shown_and_reach_worker_processes() -> None:
    keyset = Keyset.fresh()
    secret = keyset.keys[0].secret
    shown = f"{keyset!r} {keyset} {keyset.keys}"
    assert repr(secret) not in shown
    assert secret.hex() not in shown
    assert pickle.loads(pickle.dumps(keyset)).secret("p") == keyset.secret("p")


def test_a_directory_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        path = tmp_path / "file"
        path.touch()
        path = path / "k.json"
    else:
        tmp_path.chmod(0o500)
        path = tmp_path / "k.json"
    with pytest.raises(ConfigurationError, match="cannot be written"):
        create_keyset(path, MASTER)
