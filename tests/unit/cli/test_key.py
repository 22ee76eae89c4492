"""`gateway key` and `gateway reveal` as scripts use them, and what `gateway serve` says of keysets."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from gateway.app import keyring_of
from gateway.build import build_stages
from gateway.policy.load import load_policy
from gateway.seal.keyset import Keyset
from gateway.seal.master import master_key
from gateway.settings import Settings
from gateway.trial import sees
from tests.support.gateway import gateway

pytestmark = pytest.mark.slow

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
    keyring = keyring_of(Settings(keyset=keys))
    loaded = load_policy(policy)
    chain = build_stages(loaded, hash_key=keyring.secret("redact hash"), keyring=keyring)
    return sees(chain, loaded.policy, text)


def test_a_keyset_is_made_once_with_its_master_key_and_rotated(keys: Path) -> None:
    master = Path(f"{keys}.master")
    assert stat.S_IMODE(master.stat().st_mode) == stat.S_IMODE(keys.stat().st_mode) == 0o600
    before = master.read_bytes()
    again = gateway("key", "init", str(keys))
    assert again.returncode == 2
    assert "there is a file already" in again.stderr
    assert gateway("key", "rotate", "--keyset", str(keys)).stdout == "k2 seals from now on\n"
    listed = gateway("key", "list", "--keyset", str(keys))
    assert "k1" in listed.stdout
    loaded = Keyset.load(keys, master_key(None, keys))
    for secret in (key.secret for key in loaded.keys):
        assert base64.urlsafe_b64encode(secret).decode()[:20] not in listed.stdout
    assert gateway("key", "retire", "k2", "--keyset", str(keys)).returncode == 2
    assert gateway("key", "retire", "k9", "--keyset", str(keys)).returncode == 2
    assert gateway("key", "retire", "k1", "--keyset", str(keys)).returncode == 0
    assert "retired" in gateway("key", "list", "--keyset", str(keys)).stdout
    assert master.read_bytes() == before


def test_init_says_what_to_keep_apart_and_never_overwrites(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    master = Path(f"{keys}.master")
    made = gateway("key", "init", str(keys))
    assert f"{master}: the master key that opens it; keep a copy of it, apart from the keyset's" in made.stdout
    before = master.read_bytes()
    assert before.decode().strip() not in made.stdout
    keys.unlink()
    assert gateway("key", "init", str(keys)).returncode == 0
    assert master.read_bytes() == before
    keys.unlink()
    master.write_text("half")
    half = gateway("key", "init", str(keys))
    assert half.returncode == 2
    assert "is not a master key" in half.stderr
    assert not keys.exists()


def test_a_master_key_of_another_source_is_only_read(tmp_path: Path) -> None:
    keys, text = tmp_path / "keys.json", bytes(range(32)).hex()
    source = f"command:printf {text}"
    made = gateway("key", "init", str(keys), "--master-key", source)
    assert made.returncode == 0
    assert text not in made.stdout + made.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["keys.json"]
    for command in (["rotate"], ["list"], ["retire", "k1"], ["shred-tenant", "t"]):
        arguments = ["key", *command, "--keyset", str(keys)]
        without = gateway(*arguments)
        assert without.returncode == 2
        assert "keys.json.master: there is no such file" in without.stderr
        other = gateway(*arguments, "--master-key", f"command:printf {text[2:]}ff")
        assert other.returncode == 2
        assert "does not open with this master key" in other.stderr
        assert gateway(*arguments, "--master-key", source).returncode == 0
    for wrong in ("secret", "env:NOT_THERE", "command:false"):
        failed = gateway("key", "init", str(tmp_path / "new.json"), "--master-key", wrong)
        assert failed.returncode == 2
        assert "master_key" in failed.stderr
    assert not (tmp_path / "new.json").exists()


@pytest.mark.parametrize("command", [["rotate"], ["list"], ["retire", "k1"], ["shred-tenant", "t"]])
def test_a_missing_or_open_keyset_is_wrong_usage(keys: Path, tmp_path: Path, command: list[str]) -> None:
    missing = gateway("key", *command, "--keyset", str(tmp_path / "none.json"))
    assert missing.returncode == 2
    assert "gateway key init" in missing.stderr
    for file in (keys, Path(f"{keys}.master")):
        file.chmod(0o644)
        opened = gateway("key", *command, "--keyset", str(keys))
        assert opened.returncode == 2
        assert "chmod 600" in opened.stderr
        file.chmod(0o600)


def test_shredding_a_tenant_takes_its_values_for_ever(keys: Path, policy: Path, tmp_path: Path) -> None:
    text = tmp_path / "log.txt"
    text.write_text(seen := sealed(policy, keys))
    assert gateway("reveal", str(text), "--keyset", str(keys)).returncode == 0
    other = gateway("key", "shred-tenant", "globex", "--keyset", str(keys))
    assert (other.returncode, other.stdout) == (0, "globex: nothing to destroy; it has no salts\n")
    done = gateway("key", "shred-tenant", "", "--keyset", str(keys))
    assert done.returncode == 0
    assert "1 salts destroyed" in done.stdout
    after = gateway("reveal", str(text), "--keyset", str(keys))
    assert (after.returncode, after.stdout) == (1, seen)
    Path(f"{keys}.salts").write_text("x\n")
    broken = gateway("key", "shred-tenant", "t", "--keyset", str(keys))
    assert broken.returncode == 2
    assert "keys.json.salts: does not open with this master key" in broken.stderr


def test_reveal_makes_nothing(keys: Path, tmp_path: Path) -> None:
    text = tmp_path / "log.txt"
    text.write_text("<PERSON:enc:" + "A" * 30 + ">")
    before = sorted(tmp_path.iterdir())
    done = gateway("reveal", str(text), "--keyset", str(keys), "--tenant", "acme")
    assert done.returncode == 1
    assert "could not be opened" in done.stderr
    assert sorted(tmp_path.iterdir()) == before


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
    assert (before := sealed(policy, keys)) == sealed(policy, keys)
    gateway("key", "rotate", "--keyset", str(keys))
    assert sealed(policy, keys) != before


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
