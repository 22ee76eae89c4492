"""Under `report` all leaves, and the audit log says what kinds of things were in it, never what."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.guard.scene import Guarded, call
from tests.guard.test_canaries import alerts, metrics
from tests.guard.texts import PASSAGE, PROSE, SYSTEM

pytestmark = pytest.mark.xdist_group("guard-reporting")

KEY = "AKIA" + "QX3ZJ5RT7MNB4WKL"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n-----END PRIVATE KEY-----"


@dataclass(frozen=True)
class Case:
    """What an answer has, and what the audit log says of it."""

    said: Callable[[Guarded], str]
    stage: str
    kind: str = ""


CASES = {
    "passage": Case(lambda _: PASSAGE, "regurgitation", "passage"),
    "instructions": Case(lambda _: SYSTEM, "system_prompt", "passage"),
    "mail address": Case(lambda _: "Write to grace@corp.example.", "pii", "EMAIL_ADDRESS"),
    "account": Case(lambda _: "Pay to DE89 3704 0044 0532 0130 00.", "pii", "IBAN_CODE"),
    "key": Case(lambda _: f"Use {KEY} for it.", "secrets", "SECRET"),
    "private key": Case(lambda _: PEM, "secrets", "SECRET"),
    "password": Case(lambda _: "password: Tr0ub4dor&3x9", "secrets", "GUESSED_SECRET"),
    "image": Case(lambda _: "![x](https://evil.example/p.png)", "links", "image"),
    "tag": Case(lambda _: '<img src="https://evil.example/p.png">', "links", "tag"),
    "canary": Case(lambda running: next(iter(running.kept.phrases.values())), "canaries"),
}


@pytest.mark.parametrize("name", CASES)
def test_all_leaves_and_the_finding_is_counted(reporting: Guarded, stream: bool, name: str) -> None:
    case = CASES[name]
    text = f"{PROSE}\n\n{case.said(reporting)}\n\n{PROSE}"
    reporting.says(text)
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "What do you know?"}]
    got = reporting.ask(messages=messages, stream=stream)
    assert (got.text, got.finish) == (text, "stop")
    found = [(one["stage"], one["kind"], one["action"]) for one in reporting.findings(got)]
    assert (case.stage, case.kind or next(iter(reporting.kept.phrases)), "report") in found


def test_an_answer_with_nothing_in_it_has_no_findings(reporting: Guarded, stream: bool) -> None:
    reporting.says(PROSE)
    got = reporting.ask(stream=stream)
    assert got.text == PROSE
    assert reporting.findings(got) == []


def test_a_reported_canary_raises_an_alert(reporting: Guarded, stream: bool) -> None:
    canary, phrase = next(iter(reporting.kept.phrases.items()))
    reporting.says(phrase)
    got = reporting.ask(stream=stream)
    assert got.text == phrase
    assert reporting.findings(got)
    (alert,) = alerts(reporting, got.request_id)
    assert (alert["kind"], alert["action"]) == (canary, "report")
    assert f'gateway_alerts_total{{kind="{canary}",stage="canaries"}}' in metrics(reporting)


def test_arguments_and_json_arrive_unchanged(reporting: Guarded, stream: bool) -> None:
    arguments = json.dumps({"to": "grace@corp.example", "text": PASSAGE, "key": KEY})
    reporting.says({"tool_calls": [call("send", arguments)]})
    got = reporting.ask(stream=stream)
    assert got.finish == "tool_calls"
    assert got.choices[0].calls[0]["arguments"] == arguments


def test_log_probabilities_keep_their_words_where_nothing_is_stopped(reporting: Guarded, stream: bool) -> None:
    tokens = [{"token": word, "logprob": -0.5, "bytes": [1], "top_logprobs": []} for word in PASSAGE.split()]
    reporting.says({"content": PASSAGE, "logprobs": {"content": tokens}})
    got = reporting.ask(stream=stream, logprobs=True)
    left = [token["token"] for part in got.choices[0].logprobs for token in part["content"]]
    assert left == PASSAGE.split()


def test_no_log_and_no_metric_has_what_was_found(reporting: Guarded) -> None:
    for case in CASES.values():
        reporting.says(case.said(reporting))
        reporting.findings(reporting.ask(messages=[{"role": "system", "content": SYSTEM}]))
    written = reporting.gateway.log.read_text() + reporting.gateway.audit.read_text() + metrics(reporting)
    phrase = next(iter(reporting.kept.phrases.values()))
    for text in (PASSAGE[:30], SYSTEM[:30], "grace@corp", "DE89 3704", KEY, "Tr0ub4dor", "evil.example", phrase[:20]):
        assert text not in written
