"""The file of canaries, and the phrases that are made of it and a keyset."""

from __future__ import annotations

import stat
from datetime import date
from pathlib import Path

import pytest

from gateway.guard import canaries
from gateway.guard.canaries import PHRASE_WORDS, Canaries, edit_records, load_records, new_canary
from gateway.seal.keyring import Keyring
from gateway.seal.keyset import changed_keyset, create_keyset
from gateway.settings import ConfigurationError

MASTER = bytes(range(32))
TODAY = date(2026, 11, 25)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    create_keyset(path, MASTER)
    return path


def planted(path: Path, keys: Path, label: str = "hr/2026") -> tuple[str, str]:
    with Keyring.open(keys, MASTER) as keyring, edit_records(path) as records:
        record, phrase = new_canary(keyring, label, TODAY)
        records[record.id] = record
    return record.id, phrase


def loaded(path: Path, keys: Path) -> dict[str, str]:
    with Keyring.open(keys, MASTER) as keyring:
        return dict(Canaries.load(path, keyring).phrases)


def test_words_are_256_and_none_begins_another() -> None:
    words = canaries._WORDS
    assert len(set(words)) == len(words) == 256
    assert not [(a, b) for a in words for b in words if a != b and b.startswith(a)]
    assert all(word.isascii() and word.isalpha() and word.islower() and 4 <= len(word) <= 8 for word in words)


def test_a_phrase_is_made_of_its_id_and_the_keyset_and_is_in_no_file(tmp_path: Path, keys: Path) -> None:
    path = tmp_path / "canaries.yaml"
    made = dict(planted(path, keys) for _ in range(3))
    assert loaded(path, keys) == made
    assert len(set(made.values())) == 3
    assert all(len(phrase.split()) == PHRASE_WORDS for phrase in made.values())
    kept = path.read_text()
    for phrase in made.values():
        assert not any(word in kept.replace("canar", "") for word in phrase.split())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert repr(Canaries(made)) == "<3 canaries>"


def test_phrases_outlive_a_rotation_of_the_keyset(tmp_path: Path, keys: Path) -> None:
    path = tmp_path / "canaries.yaml"
    made = dict([planted(path, keys)])
    with changed_keyset(keys, MASTER) as held:
        held[0] = held[0].rotated()
    made |= dict([planted(path, keys)])
    assert loaded(path, keys) == made
    with changed_keyset(keys, MASTER) as held:
        held[0] = held[0].retired("k1")
    with pytest.raises(ConfigurationError, match="a key that is retired"):
        loaded(path, keys)


def test_another_keyset_is_not_taken_for_the_right_one(tmp_path: Path, keys: Path) -> None:
    path = tmp_path / "canaries.yaml"
    planted(path, keys)
    other = tmp_path / "other.json"
    create_keyset(other, MASTER)
    with pytest.raises(ConfigurationError, match="made with another keyset"):
        loaded(path, other)


def test_a_record_whose_id_was_changed_is_refused(tmp_path: Path, keys: Path) -> None:
    path = tmp_path / "canaries.yaml"
    id_, _ = planted(path, keys)
    path.write_text(path.read_text().replace(id_, "aaaaaaaa"))
    with pytest.raises(ConfigurationError, match="canary aaaaaaaa"):
        loaded(path, keys)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("canaries: [{id: x}]", r"canaries\.0\.id"),
        ("version: 2", "version"),
        ("words: []", "words"),
        ("[", "not valid YAML"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "canaries.yaml"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=says):
        load_records(path)
    with pytest.raises(ConfigurationError, match="gateway canary make"):
        load_records(tmp_path / "none.yaml")


def test_an_id_that_is_there_twice_is_refused(tmp_path: Path, keys: Path) -> None:
    path = tmp_path / "canaries.yaml"
    planted(path, keys)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, *lines[3:]]))
    with pytest.raises(ConfigurationError, match="the same id"):
        load_records(path)


def test_a_label_names_a_place_and_nothing_else(tmp_path: Path, keys: Path) -> None:
    with pytest.raises(ConfigurationError, match="--label"):
        planted(tmp_path / "c.yaml", keys, "two words")
    assert not (tmp_path / "c.yaml").exists()


def test_what_goes_wrong_leaves_the_file_as_it_was(tmp_path: Path, keys: Path) -> None:
    path = tmp_path / "canaries.yaml"
    planted(path, keys)
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), edit_records(path) as records:
        records.pop("nobody", 1 / 0)
    assert path.read_bytes() == before
    with pytest.raises(ConfigurationError, match="cannot be written"), edit_records(path / "x"):
        pass
    assert sorted(p.name for p in tmp_path.iterdir() if "canaries" in p.name) == ["canaries.yaml", "canaries.yaml.lock"]
