"""What an administrator of policies sees of the policy in force is valid, and nothing of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.build import problems_of
from gateway.edge.page.sketch import sketch
from gateway.policy.load import load_policy, parse_policy
from tests.conftest import ROOT

FILES = [*sorted((ROOT / "policies").glob("*.yaml")), ROOT / "tests" / "support" / "policy.yaml"]


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_is_valid_and_treats_known_types_alike(path: Path) -> None:
    policy = load_policy(path).policy
    text = sketch(policy, policy.models)
    assert problems_of(text) == []
    made = parse_policy(text, Path("policy.yaml")).policy
    for name in ("PERSON", "EMAIL_ADDRESS", "CREDIT_CARD", "SECRET", "IP_ADDRESS"):
        assert made.redact.rule(name) == policy.redact.rule(name)


PRIVATE = """\
version: 1
name: private
models: {llama: {upstream: inside, id: hidden-id}}
upstreams: {inside: {url: "http://inside.internal:1/v1", key_file: hidden.key}}
redact:
  nlp: {engine: 'spacy:hidden_model'}
  plugins: ['hidden.module:Class']
  entities: {HIDDEN_TYPE: mask}
  recognizers: [{entity: HIDDEN_TYPE, pattern: 'hidden-\\d', context: [hidden]}]
  allow: [hidden@example.com]
  deny: [{entity: HIDDEN_TYPE, text: [hidden-word]}]
answers: {links: {hosts: [hidden.example]}}
limits: {tenants: {hidden: {requests_per_minute: 1}}}
tests: [{text: hidden}]
"""


def test_what_may_be_of_others_is_left_out() -> None:
    text = sketch(parse_policy(PRIVATE, Path("policy.yaml")).policy, [])
    assert "hidden" not in text.lower()
    assert "inside" not in text
    assert problems_of(text) == []
