"""Policies are put together as for serving, their cases are run, and what weakens them is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.doctor.policies import judge, look, read
from gateway.doctor.result import Result
from gateway.doctor.setup import resolve
from gateway.seal.keyring import Keyring
from tests.unit.doctor.scene import is_well, problems, warnings

START = "version: 1\nname: x\nmodels: {a: {id: b}}\n"
PATTERNS = "redact: {nlp: {engine: patterns}}\n"


def results(folder: Path, text: str, *, together: bool = True, **flags: object) -> list[Result]:
    path = folder / "policy.yaml"
    path.write_text(text)
    read_ = read(resolve({"policy": path, **flags}, {}, None))
    return list(judge(read_, look(read_, None, is_keyed=False), counts_together=together))


def test_a_good_policy_is_well(tmp_path: Path) -> None:
    text = START + PATTERNS + "tests: [{text: a@example.org, sees: <EMAIL_ADDRESS_1>}]\n"
    found = results(tmp_path, text)
    assert is_well(found)
    assert "1 test cases hold" in found[0].what


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("unknown: 1\n", "unknown key unknown"),
        ("redact: {nlp: {engine: patterns}, entities: {EMAIL_ADRESS: mask}}\n", "did you mean EMAIL_ADDRESS"),
        ("redact: {nlp: {engine: patterns}, plugins: ['no_such_module:Class']}\n", "no_such_module"),
        ("redact: {nlp: {engine: 'spacy:no_such_model'}}\n", "no_such_model"),
        ("redact: {nlp: {engine: patterns}, default: encrypt}\n", "needs a keyset"),
        (PATTERNS + "answers: {regurgitation: {index: [missing.gri]}}\n", "missing.gri, which is not there"),
        (PATTERNS + "upstreams: {up: {url: 'http://h/v1', key_file: up.key}}\n", "up.key, which is not there"),
    ],
)
def test_what_cannot_be_put_in_force_is_a_problem(tmp_path: Path, more: str, told: str) -> None:
    assert told in problems(results(tmp_path, START + more))


def test_a_case_that_does_not_hold_is_told_by_its_place_alone(tmp_path: Path) -> None:
    text = START + PATTERNS + "tests:\n  - {text: canary@example.org, sees: canary@example.org}\n"
    told = problems(results(tmp_path, text))
    assert "policy.yaml:6:5" in told
    assert "canary" not in told


def test_a_policy_that_is_not_there(tmp_path: Path) -> None:
    read_ = read(resolve({"policy": tmp_path / "no.yaml"}, {}, None))
    assert not read_.loaded
    assert "no.yaml:1:1: cannot be read" in problems(judge(read_, [], counts_together=True))


def test_all_policies_of_tenants_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(START.replace("name: x", "name: b") + "redact: {nlp: {engine: patterns}}\n")
    tenants = tmp_path / "tenants.yaml"
    tenants.write_text("version: 1\npolicies: [b.yaml]\ntenants: {acme: b}\n")
    found = results(tmp_path, START + PATTERNS, tenants=tenants)
    assert is_well(found)
    assert len(found) == 2
    tenants.write_text("version: 1\npolicies: [b.yaml]\ntenants: {acme: c}\n")
    found = results(tmp_path, START + PATTERNS, tenants=tenants)
    assert "no policy is called c" in problems(found)
    assert len(found) == 2  # the policy for all is still looked at


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("requests: {unsafe_fields: [echo]}\n", "requests.unsafe_fields: echo"),
        ("redact: {nlp: {engine: patterns}, default: allow}\n", "nothing at all is hidden"),
        ("redact: {nlp: {engine: patterns}, default: allow, entities: {PERSON: mask}}\n", "is sent as it is"),
        ("cache: {scope: tenant}\n", "cache.scope: tenant"),
        ("limits: {when_store_fails: local}\n", "when_store_fails: local"),
        (
            "answers: {system_prompt: allow, secrets: {formats: allow, guessed: allow}, pii: {default: allow, "
            "entities: {PERSON: allow, LOCATION: allow, IP_ADDRESS: allow}}}\n",
            "may all leave",
        ),
    ],
)
def test_what_weakens_privacy_is_a_warning(tmp_path: Path, more: str, told: str) -> None:
    text = START + ("" if more.startswith("redact") else PATTERNS) + more
    found = results(tmp_path, text)
    assert told in warnings(found)
    assert not problems(found)


def test_limits_need_a_store_that_workers_share(tmp_path: Path) -> None:
    text = START + PATTERNS + "limits: {token: {concurrent: 2}}\n"
    assert "--store redis://" in problems(results(tmp_path, text, together=False))
    assert not problems(results(tmp_path, text))


def test_with_keys_that_do_not_open_the_rest_of_a_policy_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(START + "redact: {nlp: {engine: patterns}, default: encrypt}\n")
    read_ = read(resolve({"policy": path}, {}, None))
    assert is_well(judge(read_, look(read_, None, is_keyed=True), counts_together=True))
    with Keyring.ephemeral() as keyring:
        assert is_well(judge(read_, look(read_, keyring, is_keyed=True), counts_together=True))
