from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.errors import Blocked, RedactionUnavailable
from gateway.pipeline.exchange import Deadline, DeadlineExceeded
from gateway.pipeline.span import Span
from gateway.policy.schema import Redact
from tests.laws.strategies import exchange, prompt, texts_of
from tests.support.stages import redact_stage

NAME = "Ann Lee"


class Words:
    """Finds the given words wherever they stand in the given text, and nowhere else."""

    def __init__(self, found: dict[str, list[tuple[str, str, float]]]) -> None:
        self._found = found

    def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
        return [
            [
                Span(text.index(word), text.index(word) + len(word), entity, score)
                for word, entity, score in self._found.get(text, [])
            ]
            for text in texts
        ]


def redact(found: dict[str, list[tuple[str, str, float]]], *texts: str, **policy: Any) -> list[str]:
    stage = redact_stage(Redact(**policy), Words(found), [], b"k" * 32)
    return texts_of(stage.on_request(prompt(*texts), exchange()))


def test_a_value_found_once_is_replaced_everywhere_with_one_placeholder() -> None:
    found = {"I am Ann Lee.": [("Ann Lee", "PERSON", 0.9)]}
    texts = redact(found, "Ask Ann Lee.", "I am Ann Lee.", "Ann Lee's house")
    assert texts == ["Ask <PERSON_1>.", "I am <PERSON_1>.", "<PERSON_1>'s house"]


def test_a_short_value_does_not_hit_inside_words() -> None:
    texts = redact({"I am Ann.": [("Ann", "PERSON", 0.9)]}, "I am Ann.", "Annual plan, Ann?")
    assert texts == ["I am <PERSON_1>.", "Annual plan, <PERSON_1>?"]


def test_a_number_hits_inside_words_too() -> None:
    found = {"card 4111111111111111": [("4111111111111111", "CARD", 0.9)]}
    assert redact(found, "card 4111111111111111", "x4111111111111111y")[1] == "x<CARD_1>y"


def test_numbering_is_by_first_appearance_and_stays_when_a_turn_is_added() -> None:
    found = {
        "a@x.yz and b@x.yz": [("a@x.yz", "MAIL", 1.0), ("b@x.yz", "MAIL", 1.0)],
        "c@x.yz": [("c@x.yz", "MAIL", 1.0)],
    }
    assert redact(found, "a@x.yz and b@x.yz") == ["<MAIL_1> and <MAIL_2>"]
    assert redact(found, "a@x.yz and b@x.yz", "c@x.yz") == ["<MAIL_1> and <MAIL_2>", "<MAIL_3>"]


def test_a_turn_that_reveals_an_earlier_name_changes_no_other_placeholder() -> None:
    first, later = "Ann will meet Bob.", "I mean Ann."
    found = {first: [("Bob", "PERSON", 0.9)], later: [("Ann", "PERSON", 0.9)]}
    assert redact(found, first) == ["Ann will meet <PERSON_1>."]
    assert redact(found, first, later) == ["<PERSON_2> will meet <PERSON_1>.", "I mean <PERSON_2>."]


def test_actions_per_entity_type() -> None:
    text = "p m r h a"
    found = {text: [(word, word.upper() * 2, 0.9) for word in text.split()]}
    rules = {"PP": "placeholder", "MM": "mask", "RR": "remove", "HH": "hash", "AA": "allow"}
    seen = redact(found, text, entities=rules)[0].split()
    assert seen[:3] == ["<PP_1>", "*", "<RR>"]
    assert seen[3].startswith("<HH#")
    assert seen[4] == "a"


def test_hashes_are_equal_within_a_tenant_and_differ_between_keys() -> None:
    found = {"x": [("x", "HH", 0.9)]}

    def hash_with(key: bytes) -> str:
        stage = redact_stage(Redact.model_validate({"entities": {"HH": "hash"}}), Words(found), [], key)
        return texts_of(stage.on_request(prompt("x"), exchange()))[0]

    assert hash_with(b"a" * 32) == hash_with(b"a" * 32) != hash_with(b"b" * 32)


def test_block_stops_the_request_even_under_a_wider_finding() -> None:
    text = "see http://x/secret now"
    found = {text: [("http://x/secret", "URL", 0.9), ("secret", "SECRET", 0.9)]}
    with pytest.raises(Blocked) as caught:
        redact(found, text, entities={"SECRET": "block"})
    assert caught.value.rule == "redact.entities.SECRET"


def test_thresholds_and_the_allow_list_keep_findings_out() -> None:
    found = {"a b c": [("a", "AA", 0.4), ("b", "BB", 0.4), ("c", "CC", 0.9)]}
    seen = redact(found, "a b c", entities={"BB": {"threshold": 0.3}}, allow=["c"])
    assert seen == ["a <BB_1> c"]


def test_of_overlapping_findings_nothing_stays_readable() -> None:
    found = {"one two three": [("one two", "AA", 0.9), ("two three", "BB", 0.9)]}
    assert redact(found, "one two three") == ["<BB_1>"]


def test_the_stricter_action_decides_where_findings_overlap() -> None:
    found = {"one two": [("one two", "AA", 0.9), ("two", "BB", 0.9)]}
    assert redact(found, "one two", entities={"BB": "remove"}) == ["<BB>"]


def test_a_users_own_placeholder_keeps_its_number() -> None:
    seen = redact(
        {"<PERSON_1> is Ann": [("Ann", "PERSON", 0.9)]}, "<PERSON_1> is Ann", entities={"PERSON": "placeholder"}
    )
    assert seen == ["<PERSON_1> is <PERSON_2>"]


class Broken:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
        raise self._error


@pytest.mark.parametrize("error", [ValueError(NAME), DeadlineExceeded(), MemoryError(), RecursionError(NAME)])
def test_a_detector_that_fails_stops_the_request_and_is_not_quoted(error: Exception) -> None:
    stage = redact_stage(Redact(), Broken(error), [], b"k" * 32)
    with pytest.raises(RedactionUnavailable) as caught:
        stage.on_request(prompt(f"I am {NAME}"), exchange())
    assert NAME not in caught.value.message
    assert NAME not in "".join(traceback.format_exception(caught.value))


def test_a_detector_that_answers_for_too_few_texts_stops_the_request() -> None:
    class Short:
        def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
            return []

    with pytest.raises(RedactionUnavailable):
        redact_stage(Redact(), Short(), [], b"k" * 32).on_request(prompt("x"), exchange())
