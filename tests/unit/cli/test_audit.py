"""`gateway audit` as scripts use it."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.audit import app
from gateway.observe.audit import AuditLog
from gateway.observe.audit_heads import directory_of
from gateway.observe.audit_lines import pseudonyms
from gateway.seal.keyring import Keyring
from gateway.seal.keyset import changed_keyset, create_keyset
from gateway.seal.master import make_master
from gateway.seal.signing import AUDIT_PURPOSE, SUBJECT_PURPOSE, Signers
from gateway.settings import ConfigurationError
from tests.unit.observe.audit_scene import edit, event, exchanges_of, write


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    create_keyset(path, make_master(path))
    return path


def ring(keys: Path) -> Keyring:
    return Keyring.open(keys, make_master(keys))


@pytest.fixture
def log(tmp_path: Path, keys: Path) -> Path:
    path = tmp_path / "audit.jsonl"
    keyring = ring(keys)
    audit = AuditLog(
        str(path),
        signer=Signers(partial(keyring.key_for, AUDIT_PURPOSE)),
        pseudonym=pseudonyms(keyring.key_for(SUBJECT_PURPOSE)[1]),
    )
    for at in range(5):
        audit.exchange_done(event(at, subject="jane", tenant="acme" if at else "[bold]other\x1b[31m"))
    audit.close()
    return path


def test_the_public_key_alone_verifies(log: Path, keys: Path, tmp_path: Path) -> None:
    shown = run("key", "--keyset", keys)
    assert shown.exit_code == 0
    public = tmp_path / "audit.pem"
    public.write_text(shown.stdout)
    for path in tmp_path.glob("keys.json*"):
        path.unlink()
    done = run("verify", log, "--key", public)
    assert done.exit_code == 0, done.output
    assert "all of it is as it was written" in done.stdout
    assert "7 lines of 1 chains (1 ended)" in done.stdout
    edit(log, lambda lines: [*lines[:3], *lines[4:]])
    done = run("verify", log, "--key", public)
    assert done.exit_code == 1
    assert f"found: {log}:4: before line 4 of chain" in done.stderr


def test_the_keyset_verifies_too_and_knows_its_older_keys(log: Path, keys: Path) -> None:
    with changed_keyset(keys, make_master(keys)) as held:
        held[0] = held[0].rotated()
    assert run("verify", log, "--keyset", keys).exit_code == 0
    shown = run("key", "--keyset", keys).stdout
    assert shown.count("BEGIN PUBLIC KEY") == 2
    assert [line.split()[1] for line in shown.splitlines() if line.startswith("#")] == ["k2", "k1"]


def test_without_a_key_it_is_verified_in_part(log: Path) -> None:
    done = run("verify", log)
    assert done.exit_code == 3
    assert "no public key was given" in done.stdout


def test_another_key_finds_a_stranger(log: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    create_keyset(other / "keys.json", make_master(other / "keys.json"))
    assert run("verify", log, "--keyset", other / "keys.json").exit_code == 1


def test_heads_that_are_kept_elsewhere_miss_what_was_put_back(log: Path, keys: Path, tmp_path: Path) -> None:
    exported = tmp_path / "heads.jsonl"
    shown = run("heads", log)
    assert shown.exit_code == 0
    exported.write_text(shown.stdout)
    assert run("verify", log, "--keyset", keys, "--heads", exported).exit_code == 0
    # Everything as it was before the gateway ever ran.
    log.write_bytes(b"")
    shutil.rmtree(directory_of(log))
    assert run("verify", log, "--keyset", keys).exit_code == 3
    done = run("verify", log, "--keyset", keys, "--heads", exported)
    assert done.exit_code == 1
    assert "at least 7 lines are in none of these files" in done.stderr


def test_json_says_the_same(log: Path, keys: Path) -> None:
    edit(log, lambda lines: [lines[0], lines[1].replace(b"llama", b"lamma"), *lines[2:]])
    done = run("verify", log, "--keyset", keys, "--json")
    said = json.loads(done.stdout)
    assert done.exit_code == said["exit_code"] == 1
    assert said["remarks"][0]["line"] == 2
    assert said["chains"][0]["state"] == "ended"


def test_heads_are_found_beside_files_that_were_moved(log: Path, keys: Path) -> None:
    for name in ("audit.jsonl.1", "audit.jsonl-20260131", "audit.jsonl.20260131T000000000000Z"):
        moved = log.rename(log.with_name(name))
        assert run("verify", moved, "--keyset", keys).exit_code == 0
        moved.rename(log)


def test_a_file_that_is_given_twice_is_read_once(log: Path, keys: Path) -> None:
    assert run("verify", log, log, log.parent / "." / log.name, directory_of(log), "--keyset", keys).exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "/nonexistent"),
        ("report", "/nonexistent"),
        ("verify", "LOG", "--key", "/nonexistent"),
        ("verify", "LOG", "--key", "LOG"),
        ("verify", "LOG", "--heads", "/nonexistent"),
        ("verify", "LOG", "--keyset", "/nonexistent"),
        ("heads", "/nonexistent"),
        ("key", "--keyset", "/nonexistent"),
        ("report", "LOG", "--html", "/nonexistent/page.html"),
    ],
)
def test_what_is_wrong_is_said(log: Path, arguments: tuple[str, ...]) -> None:
    done = run(*(str(log) if argument == "LOG" else argument for argument in arguments))
    assert isinstance(done.exception, ConfigurationError)


def test_damaged_compressed_files_are_said(log: Path) -> None:
    packed = log.with_name("audit.jsonl.1.gz")
    packed.write_bytes(b"\x1f\x8b\x08\x00rubbish")
    for command in ("verify", "report"):
        assert isinstance(run(command, packed).exception, ConfigurationError)


def test_a_pseudonym_can_be_looked_up(log: Path, keys: Path) -> None:
    done = run("pseudonym", "jane", "--tenant", "acme", "--keyset", keys)
    assert done.stdout.strip() == exchanges_of(log)[-1]["subject"]


def test_the_report_as_a_table_as_json_and_as_a_page(log: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    done = run("report", log, "--html", page)
    assert done.exit_code == 0
    assert "5 exchanges of 2 tenants with 5 findings" in done.stdout
    assert "[bold]other\\x1b[31m" in done.stdout
    assert "\x1b[31m" not in done.stdout
    assert page.read_text().startswith("\n<!doctype html>") or "<!doctype html>" in page.read_text()
    said = json.loads(run("report", log, "--json").stdout)
    assert said["tenants"]["acme"]["requests"] == 4
    assert said["statuses"] == {"200": 5}


def test_a_log_of_another_gateway_is_reported_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    write(path, 3, b"x" * 32)
    assert json.loads(run("report", path, "--json").stdout)["lines"] == 5
