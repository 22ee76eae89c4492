"""What a policy may say of answers, and what holds where it says nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

from gateway.policy.load import PolicyError, load_policy
from gateway.policy.schema import Answers, Policy
from tests.support.gateway import gateway

HEAD = "version: 1\nname: x\nmodels: {a: {id: b}}\n"


def answers(text: str = "") -> Answers:
    return Answers.model_validate(yaml.safe_load(text) or {})


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "p.yaml"
    path.write_text(HEAD + text)
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    return [line.removeprefix(f"{path}:") for line in str(caught.value).splitlines()]


def test_what_holds_where_nothing_is_said() -> None:
    made = answers()
    assert made.regurgitation is None
    assert made.canaries is None
    assert made.system_prompt == "block"
    assert made.pii.default == "mask"
    assert (made.secrets.formats, made.secrets.guessed) == ("block", "report")
    assert (made.links.action, made.links.hosts) == ("neutralise", None)


def test_what_is_public_knowledge_is_not_masked_unless_somebody_says_so() -> None:
    entities = answers().pii.entities
    assert {name for name, measure in entities.items() if measure == "report"} == {"PERSON", "LOCATION", "IP_ADDRESS"}
    assert {"ORGANIZATION", "NRP", "DATE_TIME", "AGE", "URL", "UUID"} == {
        name for name, measure in entities.items() if measure == "allow"
    }


def test_entities_are_added_to_those_that_hold_anyway() -> None:
    entities = answers("pii: {entities: {PERSON: mask, IBAN_CODE: block}}").pii.entities
    assert (entities["PERSON"], entities["IBAN_CODE"]) == ("mask", "block")
    assert (entities["LOCATION"], entities["DATE_TIME"]) == ("report", "allow")


def test_a_policy_of_its_own_leaves_the_others_alone() -> None:
    answers("pii: {entities: {PERSON: mask}}")
    assert answers().pii.entities["PERSON"] == "report"


def test_a_default_holds_for_what_is_not_named_only() -> None:
    pii = answers("pii: {default: block}").pii
    assert pii.default == "block"
    assert pii.entities["PERSON"] == "report"


@pytest.mark.parametrize("action", ["block", "report"])
def test_canaries_may_be_one_word(action: str) -> None:
    short = answers(f"canaries: {action}").canaries
    assert short is not None
    assert (short.file, short.action) == ("canaries.yaml", action)
    assert short == answers(f"canaries: {{action: {action}}}").canaries


def test_canaries_may_be_off() -> None:
    assert answers("canaries: null").canaries is None


@pytest.mark.parametrize("measure", ["allow", "report", "mask", "block"])
def test_secrets_may_be_one_word_which_is_that_of_formats(measure: str) -> None:
    short = answers(f"secrets: {measure}").secrets
    assert (short.formats, short.guessed) == (measure, "report")
    assert short == answers(f"secrets: {{formats: {measure}}}").secrets


def test_what_holds_for_passages() -> None:
    made = answers("regurgitation: {index: [a.gri]}").regurgitation
    assert made is not None
    assert (made.words, made.near, made.action, made.allow) == (16, True, "block", ())


@pytest.mark.parametrize("action", ["block", "redact", "regenerate", "report"])
def test_passages_have_four_actions(action: str) -> None:
    made = answers(f"regurgitation: {{index: [a.gri], action: {action}}}").regurgitation
    assert made is not None
    assert made.action == action


@pytest.mark.parametrize("hosts", [["example.com"], ["*.example.com", "b.example"], []])
def test_hosts_are_a_list(hosts: list[str]) -> None:
    assert answers(json.dumps({"links": {"hosts": hosts}})).links.hosts == tuple(hosts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("answers: {regurgitation: {}}", "4:11: answers.regurgitation.index is missing"),
        ("answers: {regurgitation: {index: []}}", "4:27: answers.regurgitation.index: "),
        ("answers: {regurgitation: {index: a.gri}}", "4:27: answers.regurgitation.index: "),
        ("answers: {regurgitation: {index: [a, b, c, d, e, f, g, h, i]}}", "4:27: answers.regurgitation.index: "),
        ("answers: {regurgitation: {index: [a], words: 3}}", "4:39: answers.regurgitation.words: "),
        ("answers: {regurgitation: {index: [a], words: 33}}", "4:39: answers.regurgitation.words: "),
        ("answers: {regurgitation: {index: [a], action: blok}}", "did you mean block?"),
        ("answers: {regurgitation: {indx: [a]}}", "unknown key indx; did you mean index?"),
        ("answers: {regurgitation: block}", "4:11: answers.regurgitation"),
        ("answers: {canaries: blok}", "did you mean block?"),
        ("answers: {canaries: {action: redact}}", "expected 'block' or 'report'"),
        ("answers: {canaries: {fil: a.yaml}}", "unknown key fil; did you mean file?"),
        ("answers: {canaries: true}", "4:11: answers.canaries"),
        ("answers: {system_prompt: mask}", "4:11: answers.system_prompt: expected"),
        ("answers: {system_promt: block}", "unknown key system_promt; did you mean system_prompt?"),
        ("answers: {pii: {default: masked}}", "did you mean mask?"),
        ("answers: {pii: {entities: {PERSON: placeholder}}}", "4:28: answers.pii.entities.PERSON: expected"),
        ("answers: {pii: {entities: {person: mask}}}", "4:28: "),
        ("answers: {pii: mask}", "4:11: answers.pii"),
        ("answers: {secrets: blok}", "did you mean block?"),
        ("answers: {secrets: {format: block}}", "unknown key format; did you mean formats?"),
        ("answers: {links: {action: neutralize}}", "did you mean neutralise?"),
        ("answers: {links: {hosts: ['https://example.com']}}", "answers.links.hosts.0: "),
        ("answers: {links: {hosts: ['example.com/path']}}", "answers.links.hosts.0: "),
        ("answers: {links: {hosts: ['a@example.com']}}", "answers.links.hosts.0: "),
        ("answers: {links: {hosts: ['*']}}", "answers.links.hosts.0: "),
        ("answers: {links: {hosts: ['ex*mple.com']}}", "answers.links.hosts.0: "),
        ("answers: {links: {host: [example.com]}}", "unknown key host; did you mean hosts?"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_what_would_be_right(tmp_path: Path, text: str, expected: str) -> None:
    lines = problems(tmp_path, text)
    assert any(expected in line for line in lines), lines
    assert all(line.startswith("4:") for line in lines)


def test_a_short_form_with_a_wrong_word_is_one_problem(tmp_path: Path) -> None:
    for text in ("answers: {canaries: blok}", "answers: {secrets: blok}"):
        assert len(problems(tmp_path, text)) == 1


@pytest.mark.parametrize(
    "said",
    [
        {"canaries": "block", "secrets": "mask"},
        {"canaries": {"file": "c.yaml", "action": "report"}, "secrets": {"guessed": "block"}},
        {"canaries": None, "regurgitation": None},
        {"regurgitation": {"index": ["a.gri"], "words": 12, "near": False, "allow": ["b.txt"]}},
        {"pii": {"default": "report", "entities": {"PERSON": "block"}}},
        {"links": {"hosts": ["*.example.com"], "action": "block"}},
    ],
)
def test_the_schema_for_editors_takes_what_the_gateway_takes(said: dict[str, Any]) -> None:
    document = {"version": 1, "name": "x", "models": {"a": {"id": "b"}}, "answers": said}
    Policy.model_validate(document)
    jsonschema.validate(document, json.loads(gateway("policy", "schema").stdout))


@pytest.mark.parametrize("said", [{"canaries": "redact"}, {"secrets": "redact"}, {"links": {"hosts": ["*"]}}])
def test_the_schema_for_editors_refuses_what_the_gateway_refuses(said: dict[str, Any]) -> None:
    document = {"version": 1, "name": "x", "models": {"a": {"id": "b"}}, "answers": said}
    with pytest.raises(ValidationError):
        Policy.model_validate(document)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json.loads(gateway("policy", "schema").stdout))
