"""The command line as scripts use it: standard output, exit codes, messages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.access.token import parse
from tests.conftest import POLICY, ROOT
from tests.support.gateway import gateway, gateway_process


def test_token_mint_prints_the_token_and_nothing_else(tmp_path: Path) -> None:
    tokens = str(tmp_path / "t.yaml")
    done = gateway_process(
        "token", "mint", "--tokens", tokens, "--tenant", "acme", "--subject", "jane", "--expires", "30d"
    )
    assert done.returncode == 0
    token = parse(done.stdout.rstrip("\n"))
    assert token is not None
    listed = gateway("token", "list", "--tokens", tokens)
    assert token.id in listed.stdout
    assert token.text not in listed.stdout
    assert gateway("token", "revoke", token.text, "--tokens", tokens).returncode == 0
    assert token.id not in gateway("token", "list", "--tokens", tokens).stdout
    assert gateway("token", "revoke", token.id, "--tokens", tokens).returncode == 2


@pytest.mark.parametrize("options", [["--tenant", "a b"], ["--tenant", "x", "--expires", "soon"], []])
def test_token_mint_refuses_wrong_options(tmp_path: Path, options: list[str]) -> None:
    done = gateway("token", "mint", "--tokens", str(tmp_path / "t.yaml"), *options)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_policy_check_finds_what_is_wrong(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("version: 1\nname: x\nmodels: {a: {id: b}}\nredact: {entities: {EMAIL_ADRESS: mask}}\n")
    done = gateway("policy", "check", str(POLICY), str(wrong))
    assert done.returncode == 1
    assert f"{POLICY}: ok" in done.stdout
    assert f"{wrong}:4:21: no recognizer finds EMAIL_ADRESS; did you mean EMAIL_ADDRESS?" in done.stderr


def test_policy_schema_is_json() -> None:
    assert json.loads(gateway("policy", "schema").stdout)["title"]


def test_policy_explain_shows_findings_and_what_the_model_sees() -> None:
    done = gateway("policy", "explain", str(POLICY), "--text", "Ann [bold]x[/bold] at jane@example.org")
    assert done.returncode == 0
    assert "EMAIL_ADDRESS" in done.stdout
    assert "the model sees: Ann [bold]x[/bold] at <EMAIL_ADDRESS_1>" in done.stdout


def test_policy_test_runs_the_cases_of_all_shipped_policies() -> None:
    files = sorted(str(path) for path in (ROOT / "policies").glob("*.yaml"))
    assert gateway("policy", "test", *files).returncode == 0


def test_policy_test_fails_for_a_case_that_does_not_hold(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("version: 1\nname: x\nmodels: {a: {id: b}}\ntests: [{text: a@example.org, sees: a@example.org}]\n")
    done = gateway("policy", "test", str(path))
    assert done.returncode == 1
    assert ":4:9: the model sees: <EMAIL_ADDRESS_1>" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--policy", "missing.yaml"], "missing.yaml:1:1: cannot be read"),
        (["--port", "99999"], "setting port (--port, GATEWAY_PORT)"),
        (["--upstream", "nonsense"], "setting upstream"),
        (["--store", "redis://127.0.0.1?unknown=1"], "setting store"),
        (["--keyset", "missing-keys.json"], "missing-keys.json"),
        (["--master-key", "secret-key-itself"], "env:NAME, file:PATH or command:PROGRAM ARGS"),
        (["--tokens", "missing-tokens.yaml"], "missing-tokens.yaml: there is no such file; `gateway token mint"),
        (["--config", "missing-config.yaml"], "missing-config.yaml: cannot be read"),
        (["--audit", "/nonexistent/audit.jsonl"], "setting audit"),
    ],
)
def test_serve_refuses_a_wrong_configuration_before_it_listens(
    tmp_path: Path, options: list[str], message: str
) -> None:
    tokens = tmp_path / "tokens.yaml"
    tokens.write_text("version: 1\n")
    done = gateway("serve", "--policy", str(POLICY), "--tokens", str(tokens), *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret-key-itself" not in done.stderr
    assert done.stdout == ""
