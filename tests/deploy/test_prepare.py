"""The command that makes all that has to exist before `docker compose up`."""

from __future__ import annotations

import datetime
import os
import re
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.prepare import FOLDERS, STATE, PrepareError, main, prepare
from gateway.access.token_file import load_tokens
from gateway.policy.load import load_policy
from gateway.seal.keyset import Keyset
from gateway.seal.master import master_key
from tests.conftest import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    assert main(["--state", str(folder / "state"), "--env-file", str(folder / "env"), "--profile", "cpu"]) == 0
    return folder / "state"


def contents(state: Path) -> dict[str, bytes]:
    return {str(path.relative_to(state)): path.read_bytes() for path in state.rglob("*") if path.is_file()}


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_all_that_compose_names_is_there_and_for_nobody_else(made: Path) -> None:
    for secret in COMPOSE["secrets"].values():
        assert (made / "secrets" / Path(secret["file"]).name).is_file()
    assert {path.name for path in made.iterdir()} == set(FOLDERS)
    for path in (made, *made.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_containers_run_as_whom_the_files_belong_to_and_never_as_root(made: Path) -> None:
    named = dict(line.split("=", 1) for line in (made.parent / "env").read_text().splitlines())
    assert named.keys() == {"GATEWAY_USER", "COMPOSE_PROFILES", "GATEWAY_STATE"}
    user, group = map(int, named["GATEWAY_USER"].split(":"))
    assert user
    assert group
    for path in made.rglob("*"):
        assert (path.stat().st_uid, path.stat().st_gid) == (user, group)


def test_the_master_key_opens_the_keyset_and_lies_elsewhere(made: Path) -> None:
    keyset = made / "keys" / "keys.json"
    assert Keyset.load(keyset, master_key(f"file:{made / 'secrets' / 'master_key'}", keyset)).active == "k1"
    assert not list((made / "keys").glob("*.master"))


def test_the_policy_is_the_default_one_for_the_model_of_the_profile(made: Path) -> None:
    policy = load_policy(made / "policy" / "policy.yaml").policy
    assert policy.models["llama"].id == "llama"
    assert policy.models["llama"].max_context == 1024


def test_the_first_token_ends_by_itself(made: Path) -> None:
    (record,) = load_tokens(made / "tokens" / "tokens.yaml").values()
    assert record.tenant == "demo"
    assert record.expires is not None


def test_certificates_are_of_one_authority_whose_key_is_nowhere(made: Path) -> None:
    authority = certificate(made / "secrets" / "ca.pem")
    for name in ("redis", "gateway"):
        leaf = certificate(made / "secrets" / f"{name}.pem")
        leaf.verify_directly_issued_by(authority)
        assert leaf.not_valid_after_utc - leaf.not_valid_before_utc < datetime.timedelta(days=398)
        assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    names = certificate(made / "secrets" / "redis.pem").extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert set(names.value.get_values_for_type(x509.DNSName)) == {"redis", "localhost"}
    public = authority.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    for path in (made / "secrets").glob("*.key"):
        assert path.read_bytes().count(b"PRIVATE KEY") == 2
        text = path.with_suffix(".pem").read_bytes()
        assert x509.load_pem_x509_certificate(text).public_key() != public


def test_passwords_are_kept_once_and_as_a_hash_by_redis(made: Path) -> None:
    store = yaml.safe_load((made / "secrets" / "gateway.yaml").read_text())["store"]
    found = re.fullmatch(r"rediss://gateway:([\w-]{43})@redis:6379/0\?\S+", store)
    assert found
    users = (made / "secrets" / "redis_users.acl").read_text()
    assert found[1] not in users
    assert re.search(r"^user gateway on resetpass #[0-9a-f]{64} ", users, re.MULTILINE)
    assert "GATEWAY_PASSWORD" not in users


def test_again_it_changes_nothing_and_tells_no_token(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(made)
    assert main(["--state", str(made), "--env-file", str(made.parent / "env")]) == 0
    assert contents(made) == before
    assert "pgw_" not in capsys.readouterr().out


def test_it_makes_again_what_was_removed_and_nothing_else(tmp_path: Path) -> None:
    prepare(tmp_path / "state", tmp_path / "env", "gpu", "acme")
    before = contents(tmp_path / "state")
    (tmp_path / "state" / "secrets" / "upstream_key").unlink()
    prepare(tmp_path / "state", tmp_path / "env", "gpu", "acme")
    after = contents(tmp_path / "state")
    assert {name for name in before if before[name] != after[name]} == {"secrets/upstream_key"}


def test_renewing_makes_both_ends_of_the_connection_to_redis_anew_and_no_more(tmp_path: Path) -> None:
    prepare(tmp_path / "state", tmp_path / "env", "gpu", "acme")
    before = contents(tmp_path / "state")
    prepare(tmp_path / "state", tmp_path / "env", "gpu", "acme", renew=True)
    after = contents(tmp_path / "state")
    names = ("ca.pem", "redis.pem", "redis.key", "gateway.pem", "gateway.key", "redis_users.acl", "gateway.yaml")
    assert {name for name in before if before[name] != after[name]} == {f"secrets/{name}" for name in names}


def test_a_keyset_without_its_master_key_is_not_papered_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(tmp_path / "state", tmp_path / "env", "gpu", "acme")
    (tmp_path / "state" / "secrets" / "master_key").unlink()
    with pytest.raises(PrepareError, match="backup"):
        prepare(tmp_path / "state", tmp_path / "env", "gpu", "acme")
    assert main(["--state", str(tmp_path / "state"), "--env-file", str(tmp_path / "env")]) == 2
    assert "backup" in capsys.readouterr().err


def test_the_environment_of_whoever_runs_it_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_MASTER_KEY", "env:NOWHERE")
    monkeypatch.setenv("GATEWAY_TOKENS", str(tmp_path / "elsewhere.yaml"))
    before = os.umask(0o000)
    try:
        prepare(tmp_path / "state", tmp_path / "env", "gpu", "acme")
    finally:
        os.umask(before)
    assert not (tmp_path / "elsewhere.yaml").exists()
    assert (tmp_path / "state" / "tokens" / "tokens.yaml").stat().st_mode & 0o077 == 0


def test_by_default_it_is_where_compose_looks() -> None:
    assert STATE == ROOT / "deploy" / "state"
    assert all("${GATEWAY_STATE:-./deploy/state}" in secret["file"] for secret in COMPOSE["secrets"].values())
