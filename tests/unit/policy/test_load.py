from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from gateway.policy.load import PolicyError, load_policy
from gateway.policy.quantity import parse_duration, parse_size
from gateway.policy.schema import Action, Policy, Redact
from tests.conftest import ROOT

HEAD = "version: 1\nname: x\nmodels: {a: {id: b}}\n"
WITH_PATTERN = "redact:\n  recognizers: [{entity: XX, pattern: "
SHIPPED = sorted((ROOT / "policies").glob("*.yaml"))


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    return [line.removeprefix(f"{path}:") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1:1: the policy is empty"),
        ("version: 2\nname: x\nmodels: {a: {id: b}}", "1:1: version: expected 1"),
        (HEAD + "limts: {}", "4:1: unknown key limts; did you mean limits?"),
        (HEAD + "redact:\n  entities: {PERSON: plaecholder}", "5:14: redact.entities.PERSON.action: expected"),
        (HEAD + "redact:\n  entities: {person: mask}", "5:14: "),
        (HEAD + "redact:\n  entities:\n    PERSON: {threshold: 2}", "6:14: redact.entities.PERSON.threshold: "),
        (HEAD + "redact:\n  nlp: {engine: spaci}", "5:9: redact.nlp.engine: "),
        (HEAD + "redact:\n  nlp: {engin: patterns}", "5:9: unknown key engin; did you mean engine?"),
        (HEAD + "redact:\n  recognizers: [{entity: X, pattern: '('}]", "5:29: not a regular expression"),
        (HEAD + "redact:\n  recognizers: [{entity: X, pattern: 'a*'}]", "5:29: the pattern matches the empty text"),
        (HEAD + "limits: {body: big}", "4:10: limits.body: expected a size such as 4MiB"),
        (HEAD + "limits: {analysis: 5}", "4:10: limits.analysis: expected a duration with its unit"),
        (HEAD + "requests: {unsafe_fields: [cache_salt]}", "4:28: requests.unsafe_fields.0: expected"),
        (HEAD + "cache: {ttl: 25h}", "4:9: cache.ttl: expected more than 0s and at most 24h"),
        (HEAD + "name: y", "4:1: the key name stands twice"),
        (HEAD + "answers: {canary: block}", "4:11: unknown key canary"),
        ("version: 1\nname: x\nmodels: {a: {id: b, upstream: c}}", "3:21: no upstream is called c"),
        ("version: 1\nname: x\nmodels: {}", "3:1: models: "),
        ("version: 1\nname: x", "1:1: models is missing"),
        ("a: [", "2:1: not valid YAML"),
        ("a: !!python/object:os.system {}", "1:"),
        ("just text", "1:1: "),
    ],
)
def test_a_wrong_policy_says_where_and_what_would_be_right(tmp_path: Path, text: str, expected: str) -> None:
    assert any(line.startswith(expected) for line in problems(tmp_path, text))


@pytest.mark.parametrize(
    "pattern",
    [
        "((((a{500}){500}){500}){500})",
        "(?:(?:ab){900}c){900}",
        "a{99999999999999999999}",
        "(?P<a>(?:ab){900}){900}(?&a)",
        "(?P<a0>x)" + "".join(f"(?P<a{i + 1}>\\g<a{i}>\\g<a{i}>)" for i in range(60)),
    ],
)
def test_a_pattern_that_would_fill_the_memory_is_not_compiled(tmp_path: Path, pattern: str) -> None:
    told = problems(tmp_path, HEAD + WITH_PATTERN + json.dumps(pattern) + "}]")
    assert told == ["5:30: the pattern is too large when its repeats are written out; repeat less, or less often"]


def test_a_pattern_with_many_repeats_in_a_row_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(HEAD + WITH_PATTERN + json.dumps("-".join(["[a-f]{8}"] * 20)) + "}]")
    load_policy(path)


def test_aliases_that_make_much_of_little_are_not_read(tmp_path: Path) -> None:
    text = "a: &a [x,x,x,x,x,x,x,x,x]\n"
    for before, name in zip("abcdef", "bcdefg", strict=True):
        text += f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n"
    assert problems(tmp_path, text) == ["1:1: aliases make more of it than is read; write out what it means"]
    shared = HEAD + "limits:\n  token: &few {concurrent: 2}\n  subject: *few\n"
    (tmp_path / "p.yaml").write_text(shared)
    assert load_policy(tmp_path / "p.yaml").policy.limits.subject.concurrent == 2


def test_the_first_hundred_problems_are_enough(tmp_path: Path) -> None:
    told = problems(tmp_path, HEAD + "\n".join(f"key{number}: 1" for number in range(5000)))
    assert len(told) == 101
    assert (told[0][:19], told[-1]) == ("4:1: unknown key ke", "and 4900 more")


def test_all_problems_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    lines = problems(tmp_path, "version: 1\nnam: x\nmodels: {a: {id: b}}\nlimts: {}\nredact: {threshold: 7}")
    assert [line.split(":")[0] for line in lines] == sorted(line.split(":")[0] for line in lines)
    assert len(lines) == 4


def test_a_policy_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read"):
        load_policy(tmp_path / "missing.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"version: 1\nname: \xff")
    with pytest.raises(PolicyError, match=r"latin\.yaml:2:1: not UTF-8"):
        load_policy(tmp_path / "latin.yaml")


def test_an_entity_rule_may_be_a_word_and_inherits_the_threshold() -> None:
    redact = Redact.model_validate({"threshold": 0.7, "entities": {"A": "mask", "B": {"threshold": 0.2}}})
    assert (redact.rule("A").action, redact.rule("A").threshold) == (Action.MASK, 0.7)
    assert (redact.rule("B").action, redact.rule("B").threshold) == (Action.PLACEHOLDER, 0.2)
    assert (redact.rule("C").action, redact.rule("C").threshold) == (Action.PLACEHOLDER, 0.7)


def test_what_weakens_privacy_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(HEAD + "requests: {unsafe_fields: [echo]}")
    assert load_policy(path).policy.weakenings() == ["requests.unsafe_fields: echo"]


def test_sizes_and_durations() -> None:
    assert [parse_size(text) for text in ("4MiB", "500kB", 12, "7 B")] == [4 * 2**20, 500_000, 12, 7]
    assert [parse_duration(text) for text in ("500ms", "5s", "10m", "1.5h", "2d")] == [0.5, 5, 600, 5400, 172_800]


def test_the_committed_schema_is_the_one_that_is_printed() -> None:
    committed = json.loads((ROOT / "policies" / "policy.schema.json").read_text())
    printed = Policy.model_json_schema()
    assert {k: v for k, v in committed.items() if k not in ("$schema", "title")} == {
        k: v for k, v in printed.items() if k != "title"
    }


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_policies_fit_the_schema_and_name_it(path: Path) -> None:
    schema = json.loads((ROOT / "policies" / "policy.schema.json").read_text())
    jsonschema.validate(yaml.safe_load(path.read_text()), schema)
    assert path.read_text().startswith("# yaml-language-server: $schema=policy.schema.json\n")
    assert load_policy(path).policy.tests


def test_the_schema_refuses_what_the_loader_refuses() -> None:
    schema = json.loads((ROOT / "policies" / "policy.schema.json").read_text())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(HEAD + "limts: {}"), schema)
