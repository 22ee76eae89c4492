"""The files of tokens and keys: valid, private, not too old."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.doctor import keys, tokens
from gateway.doctor.result import Result
from gateway.doctor.setup import resolve
from gateway.seal.keyset import Keyset
from tests.support.gateway import gateway, mint
from tests.unit.doctor.scene import is_well, problems, warnings

NOW = datetime.now(UTC)


def of_tokens(path: Path, now: datetime = NOW, *, together: bool = True, has_oidc: bool = False) -> list[Result]:
    return list(tokens.judge(tokens.look(path), now, {"default"}, counts_together=together, has_oidc=has_oidc))


def test_good_tokens(tmp_path: Path) -> None:
    mint(tmp_path / "t.yaml", "acme", "--expires", "30d")
    found = of_tokens(tmp_path / "t.yaml")
    assert is_well(found)
    assert "1 tokens, 1 in force" in found[0].what


def test_tokens_that_expired_or_never_do(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    mint(path, "acme", "--expires", "30d")
    mint(path, "acme")
    found = of_tokens(path, NOW + timedelta(days=31))
    assert "1 of the tokens" in warnings(found)
    assert "expired" in warnings(found)
    assert "without an end" in warnings(found)
    assert not problems(found)
    assert "lets anybody in" not in warnings(found)


def test_nobody_can_come_in(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    mint(path, "acme", "--expires", "30d")
    later = NOW + timedelta(days=31)
    assert "lets anybody in" in warnings(of_tokens(path, later))
    assert "lets anybody in" not in warnings(of_tokens(path, later, has_oidc=True))


def test_a_file_for_everybody_to_read(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    mint(path, "acme", "--expires", "30d")
    os.chmod(path, 0o640)
    assert f"chmod 600 {path}" in problems(of_tokens(path))


def test_limits_of_tokens_and_policies_that_are_not_there(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    mint(path, "acme", "--expires", "30d", "--limit", "concurrent=2", "--policy", "default")
    assert is_well(of_tokens(path))
    assert "--workers 1" in problems(of_tokens(path, together=False))
    mint(path, "acme", "--expires", "30d", "--policy", "lost")
    assert "no policy is called" in problems(of_tokens(path))


@pytest.mark.parametrize("text", [None, "tokens: 7\n", "tokens: [{id: canary}]\n"])
def test_a_tokens_file_that_is_none(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "t.yaml"
    if text is not None:
        path.write_text(text)
    told = problems(of_tokens(path))
    assert "t.yaml" in told
    assert "canary" not in told


@pytest.fixture
def keyset(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "keys.json"
    assert gateway("key", "init", str(path)).returncode == 0
    return path


def of_keys(
    path: Path | None, master: str | None = None, now: datetime = NOW, *, is_needed: bool = True
) -> list[Result]:
    setup = resolve({"keyset": path, "master_key": master}, os.environ, None)
    return list(keys.judge(keys.look(setup), now, is_needed=is_needed))


def test_a_master_key_beside_its_keyset(keyset: Path, tmp_path: Path) -> None:
    found = of_keys(keyset)
    assert "same folder" in warnings(found)
    assert not problems(found)
    apart = tmp_path / "master"
    shutil.move(f"{keyset}.master", apart)
    assert is_well(of_keys(keyset, f"file:{apart}"))
    moved = keyset.with_name("other")
    shutil.move(apart, moved)
    assert "same folder" in warnings(of_keys(keyset, f"file:{moved}"))
    assert not keyset.with_name("keys.json.salts").exists()


def test_old_keys(keyset: Path) -> None:
    assert "days old" not in warnings(of_keys(keyset, now=NOW + timedelta(days=364)))
    assert "gateway key rotate" in warnings(of_keys(keyset, now=NOW + timedelta(days=367)))


def test_keys_that_others_may_read(keyset: Path) -> None:
    os.chmod(keyset, 0o644)
    assert "chmod 600" in problems(of_keys(keyset))
    os.chmod(keyset, 0o600)
    os.chmod(f"{keyset}.master", 0o644)
    assert "chmod 600" in problems(of_keys(keyset))


def test_keys_that_do_not_open(keyset: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    assert gateway("key", "init", str(other)).returncode == 0
    assert "does not open with this master key" in problems(of_keys(keyset, f"file:{other}.master"))
    assert "no such file" in problems(of_keys(tmp_path / "no.json"))
    assert "exit code" in problems(of_keys(keyset, "command:false canary"))
    assert "canary" not in problems(of_keys(keyset, "command:false canary"))
    Path(f"{keyset}.salts").write_text("broken\n")
    os.chmod(f"{keyset}.salts", 0o600)
    assert "salts" in problems(of_keys(keyset))


def test_salts_that_cannot_be_written(keyset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may write everywhere, so the system is asked nothing here.
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "keys.json.salts or its folder cannot be written" in problems(of_keys(keyset))


def test_no_keyset() -> None:
    assert "gateway key init" in warnings(of_keys(None))
    assert is_well(of_keys(None, is_needed=False))


def test_keys_are_never_shown(keyset: Path) -> None:
    looked = keys.look(resolve({"keyset": keyset}, os.environ, None))
    secret = Keyset.fresh().keys[0].secret
    assert "keyring" not in repr(looked)
    assert repr(secret) not in repr(looked)
