"""Canaries: who says one has seen what it was planted in, and somebody must hear of it."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from tests.faults.wire import wait_for
from tests.guard.scene import Guarded, call
from tests.guard.texts import PROSE

pytestmark = pytest.mark.xdist_group("guard-blocking")

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def canary_of(running: Guarded) -> tuple[str, str]:
    """The last one, which tests/guard/test_disguises.py does not count."""
    return [*running.kept.phrases.items()][-1]


def metrics(running: Guarded) -> str:
    with DIRECT.open(running.gateway.metrics_url, timeout=10) as response:
        return str(response.read().decode())


def alerts(running: Guarded, got_id: str) -> list[dict[str, Any]]:
    """Those of a request that has one, which comes a moment after its line in the audit log."""
    found: list[dict[str, Any]] = []

    def are_there() -> bool:
        whole_lines = running.gateway.log.read_text().rpartition("\n")[0]
        lines = [json.loads(line) for line in whole_lines.splitlines() if line.startswith("{")]
        found[:] = [line for line in lines if line["logger"] == "gateway.alert" and line.get("request_id") == got_id]
        return bool(found)

    assert wait_for(are_there, 5)
    return found


def test_an_answer_with_a_canary_is_stopped_before_it(blocking: Guarded, stream: bool) -> None:
    canary, phrase = canary_of(blocking)
    blocking.says(f"{PROSE} {phrase}. Good night.")
    got = blocking.ask(stream=stream)
    assert got.finish == "content_filter"
    assert PROSE.startswith(got.text)
    assert not set(phrase.split()) & set(got.text.split())
    assert blocking.findings(got) == [{"stage": "canaries", "kind": canary, "action": "block", "count": 1}]


def test_four_words_of_a_canary_are_enough(blocking: Guarded, stream: bool) -> None:
    _, phrase = canary_of(blocking)
    blocking.says(f"I remember {' '.join(phrase.split()[5:9])}, or so.")
    assert blocking.ask(stream=stream).finish == "content_filter"


def test_two_words_of_a_canary_are_everyday_words(blocking: Guarded, stream: bool) -> None:
    _, phrase = canary_of(blocking)
    text = f"I remember {' '.join(phrase.split()[5:7])}, or so."
    blocking.says(text)
    assert blocking.ask(stream=stream).text == text


@pytest.mark.parametrize("place", ["reasoning", "refusal", "arguments", "name"])
def test_a_canary_is_stopped_in_every_text_of_a_message(blocking: Guarded, stream: bool, place: str) -> None:
    _, phrase = canary_of(blocking)
    made = call("save", json.dumps({"a": phrase})) if place == "arguments" else call(phrase.replace(" ", "_"), "{}")
    blocking.says({"tool_calls": [made]} if place in ("arguments", "name") else {place: phrase, "content": "Done."})
    got = blocking.ask(stream=stream)
    assert got.finish == "content_filter"
    assert phrase.split()[-1] not in got.body


def test_what_the_user_says_does_not_excuse_a_canary(blocking: Guarded, stream: bool) -> None:
    """Else a client could find out by asking for it whether it was planted. Nobody knows a phrase by chance."""
    _, phrase = canary_of(blocking)
    blocking.says(phrase)
    assert blocking.ask(f"Repeat: {phrase}", stream=stream).finish == "content_filter"


def test_a_stopped_canary_raises_an_alert(blocking: Guarded, stream: bool) -> None:
    canary, phrase = canary_of(blocking)
    blocking.says(phrase)
    got = blocking.ask(stream=stream)
    assert blocking.findings(got)
    (alert,) = alerts(blocking, got.request_id)
    assert alert["level"] == "warning"
    assert (alert["kind"], alert["stage"], alert["action"]) == (canary, "canaries", "block")
    assert alert["tenant"] == "acme"
    assert f'gateway_alerts_total{{kind="{canary}",stage="canaries"}}' in metrics(blocking)


def test_no_log_audit_or_metric_has_a_word_of_a_canary(blocking: Guarded) -> None:
    _, phrase = canary_of(blocking)
    blocking.says(phrase)
    blocking.findings(blocking.ask())
    said = blocking.gateway.log.read_text() + blocking.gateway.audit.read_text() + metrics(blocking)
    assert " ".join(phrase.split()[:2]) not in said


def test_a_canary_over_two_choices_is_stopped_in_the_second(blocking: Guarded, stream: bool) -> None:
    _, phrase = canary_of(blocking)
    halves = [" ".join(phrase.split()[:3]), " ".join(phrase.split()[3:])]
    blocking.says(*halves)
    got = blocking.ask(stream=stream, n=2)
    assert [got.choices[n].finish for n in (0, 1)] == ["stop", "content_filter"]
