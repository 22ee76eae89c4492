"""`gateway canary` as people use it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.canary import app
from gateway.guard.canaries import Canaries
from gateway.seal.keyring import Keyring
from gateway.seal.master import master_key
from tests.support.gateway import Done, gateway
from tests.unit.guard.reading.command import run


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    assert gateway("key", "init", str(path)).returncode == 0
    return path


def canary(keys: Path, *arguments: str) -> Done:
    return run(app, *arguments, "--keyset", str(keys))


def test_canaries_are_made_shown_once_and_found(tmp_path: Path, keys: Path) -> None:
    file = tmp_path / "canaries.yaml"
    made = canary(keys, "make", "--count", "3", "--label", "hr/2026", "--canaries", str(file))
    assert made.returncode == 0
    phrases = dict(line.split("\t") for line in made.stdout.splitlines())
    assert len(phrases) == 3
    assert canary(keys, "make", "--canaries", str(file)).returncode == 0
    listed = run(app, "list", "--canaries", str(file))
    assert listed.returncode == 0
    assert all(id_ in listed.stdout for id_ in phrases)
    assert listed.stdout.count("hr/2026") == 3
    assert not any(phrase in listed.stdout + file.read_text() for phrase in phrases.values())
    with Keyring.open(keys, master_key(None, keys)) as keyring:
        loaded = Canaries.load(file, keyring)
    assert len(loaded) == 4
    for id_, phrase in phrases.items():
        finder = loaded.open()
        assert "".join((finder.push(f"It said {phrase}."), finder.flush())) in "It said "
        assert finder.hit == id_


def test_what_cannot_be_is_wrong_usage(tmp_path: Path, keys: Path) -> None:
    file = tmp_path / "canaries.yaml"
    assert run(app, "list", "--canaries", str(file)).returncode == 2
    bad = canary(keys, "make", "--label", "a b", "--canaries", str(file))
    assert bad.returncode == 2
    assert "--label" in bad.stderr
    assert not file.exists()
    missing = run(app, "make", "--canaries", str(file), "--keyset", str(tmp_path / "none.json"))
    assert missing.returncode == 2
    assert "gateway key init" in missing.stderr
