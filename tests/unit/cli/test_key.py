"""`gateway key` and `gateway reveal` as scripts use them, and what `gateway serve` says of keysets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.app import Secrets
from gateway.build import build_stages
from gateway.cli.policy import sees
from gateway.policy.load import load_policy
from gateway.settings import Settings
from tests.support.gateway import gateway

POLICY = """version: 1
name: x
models: {a: {id: b}}
redact:
  nlp: {engine: patterns}
  entities:
    EMAIL_ADDRESS: encrypt
"""


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    assert gateway("key", "init", str(path)).returncode == 0
    return path


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "p.yaml"
    path.write_text(POLICY)
    return path


def sealed(policy: Path, keys: Path, text: str = "Write to ada@example.org now.") -> str:
    """What a model would see. Its tenant has no name."""
    secrets = Secrets.of(Settings(keyset=keys))
    loaded = load_policy(policy)
    chain = build_stages(loaded, hash_key=secrets.hash_key, sealer_of=secrets.sealer_of)
    return sees(chain, loaded.policy, text)


def test_a_keyset_is_made_once_and_rotated(keys: Path) -> None:
    again = gateway("key", "init", str(keys))
    assert again.returncode == 2
    assert "there is a file already" in again.stderr
    assert gateway("key", "rotate", "--keyset", str(keys)).stdout == "k2 seals from now on\n"
    listed = gateway("key", "list", "--keyset", str(keys))
    assert "k1" in listed.stdout
    assert all(key["key"] not in listed.stdout for key in json.loads(keys.read_text())["keys"])
    assert gateway("key", "retire", "k2", "--keyset", str(keys)).returncode == 2
    assert gateway("key", "retire", "k9", "--keyset", str(keys)).returncode == 2
    assert gateway("key", "retire", "k1", "--keyset", str(keys)).returncode == 0
    assert "retired" in gateway("key", "list", "--keyset", str(keys)).stdout


@pytest.mark.parametrize("command", [["rotate"], ["list"], ["retire", "k1"]])
def test_a_missing_or_open_keyset_is_wrong_usage(keys: Path, tmp_path: Path, command: list[str]) -> None:
    missing = gateway("key", *command, "--keyset", str(tmp_path / "none.json"))
    assert missing.returncode == 2
    assert "gateway key init" in missing.stderr
    keys.chmod(0o644)
    opened = gateway("key", *command, "--keyset", str(keys))
    assert opened.returncode == 2
    assert "chmod 600" in opened.stderr


def test_reveal_opens_what_the_gateway_sealed(keys: Path, policy: Path, tmp_path: Path) -> None:
    text = tmp_path / "log.txt"
    text.write_text(f"one\r\n{sealed(policy, keys)}\n")
    assert "ada" not in text.read_text()
    done = gateway("reveal", str(text), "--keyset", str(keys))
    assert done.returncode == 0
    assert done.stdout.replace("\r\n", "\n") == "one\nWrite to ada@example.org now.\n"
    gateway("key", "rotate", "--keyset", str(keys))
    assert gateway("reveal", str(text), "--keyset", str(keys)).returncode == 0


def test_reveal_leaves_what_it_cannot_open(keys: Path, policy: Path, tmp_path: Path) -> None:
    text = tmp_path / "log.txt"
    text.write_text(seen := sealed(policy, keys))
    done = gateway("reveal", str(text), "--keyset", str(keys), "--tenant", "globex")
    assert done.returncode == 1
    assert done.stdout == seen
    assert "1 sealed values could not be opened with this keyset for tenant globex" in done.stderr
    assert gateway("reveal", str(tmp_path / "none"), "--keyset", str(keys)).returncode == 2


def test_hashes_stay_the_same_after_a_restart_with_a_keyset(keys: Path, policy: Path) -> None:
    policy.write_text(POLICY.replace("encrypt", "hash"))
    assert sealed(policy, keys) == sealed(policy, keys)
    without = Secrets.of(Settings())
    assert without.hash_key != Secrets.of(Settings()).hash_key
    assert Secrets.of(Settings(keyset=keys)).salt_key == Secrets.of(Settings(keyset=keys)).salt_key
    assert without.sealer_of is None


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [("", "", ":7:5:"), ("  entities:\n    EMAIL_ADDRESS: encrypt\n", "  default: encrypt\n", ":6:3:")],
)
def test_encrypt_without_a_keyset_is_refused_at_start(
    policy: Path, tmp_path: Path, old: str, new: str, place: str
) -> None:
    policy.write_text(POLICY.replace(old, new) if old else POLICY)
    tokens = tmp_path / "tokens.yaml"
    tokens.write_text("version: 1\n")
    done = gateway("serve", "--policy", str(policy), "--tokens", str(tokens))
    assert done.returncode == 2
    assert f"{policy}{place} encrypt needs a keyset: `gateway key init keys.json`" in done.stderr
    assert gateway("policy", "check", str(policy)).returncode == 0


def test_serve_refuses_a_keyset_that_is_not_there(policy: Path, tmp_path: Path) -> None:
    done = gateway("serve", "--policy", str(policy), "--keyset", str(tmp_path / "none.json"))
    assert done.returncode == 2
    assert "none.json: there is no such file; `gateway key init" in done.stderr
