from __future__ import annotations

import pytest

from gateway.evaluate.probe_score import Exposure, Target, compare, joined, size

TEXT = "One, two; three four five six seven eight nine ten eleven twelve."
DOCUMENT = Target.of("numbers", TEXT)


def prompt(length: int = 3, positions: int = 1, least: int = 4, at: int = 0):  # type: ignore[no-untyped-def]
    return DOCUMENT.prompts([length], positions, least)[at]


def test_a_prompt_is_the_text_as_it_stands() -> None:
    assert prompt().text == "One, two; three"
    assert prompt().given == (0, 3)
    assert prompt().rest == ((0, 0), (3, 12))


def test_prompts_are_spread_and_leave_enough_to_come_back() -> None:
    starts = [one.first for one in DOCUMENT.prompts([3], 3, 4)]
    assert starts == [0, 2, 4]
    assert all(12 - one.given[1] >= 4 for one in DOCUMENT.prompts([3], 50, 4))
    assert len(DOCUMENT.prompts([3], 50, 4)) == 6, "no prompt is asked twice"


def test_a_short_document_has_no_prompt() -> None:
    assert DOCUMENT.prompts([3], 2, 10) == []
    assert Target.of("empty", "").prompts([1], 1, 1) == []
    assert Target.of("dashes", "— — — —").prompts([1], 1, 1) == []


def test_prompts_of_texts_without_spaces() -> None:
    target = Target.of("kana", "ひらがなのぶんしょうです")
    assert target.prompts([4], 1, 4)[0].text == "ひらがな"


def test_the_prompt_said_again_is_nothing_that_came_back() -> None:
    comparison = compare(prompt(), "One two three!")
    assert comparison.run_words == 0
    assert comparison.returned == ()
    assert comparison.similarity == 0.0


def test_a_continuation_counts_from_the_prompt_on() -> None:
    comparison = compare(prompt(), "ONE two three FOUR-FIVE six\nseven eight nine")
    assert comparison.run == (3, 9)
    assert comparison.similarity == 1.0
    assert comparison.words == 9


def test_what_stood_before_the_prompt_counts_too() -> None:
    later = prompt(length=2, positions=2, at=1)
    assert later.first > 0
    comparison = compare(later, "Well: one two three")
    assert comparison.run == (0, min(3, later.first))


def test_changed_words_leave_runs_and_likeness() -> None:
    comparison = compare(prompt(), "four five six seven eight NO ten eleven twelve")
    assert comparison.run == (3, 8)
    assert comparison.returned == ((3, 8),), "three words are a phrase"
    assert comparison.similarity == pytest.approx(8 / 9)


def test_a_passage_said_twice_came_back_once() -> None:
    comparison = compare(prompt(), "four five six seven eight, I said four five six seven eight nine")
    assert size(comparison.returned) == 6


def test_texts_show_in_no_repr() -> None:
    assert "three" not in repr(prompt())


def test_ranges_are_joined() -> None:
    assert joined([(4, 6), (0, 2), (1, 3), (3, 4)]) == ((0, 6),)
    assert joined([]) == ()


def test_exposure_is_the_rank_among_phrases_drawn_alike() -> None:
    others = [-40.0, -30.0, -20.0]
    assert Exposure.of(-10.0, others) == Exposure(1, 4)
    assert Exposure.of(-10.0, others).bits == 2.0
    assert Exposure.of(-10.0, others).is_least
    assert Exposure.of(-20.0, others) == Exposure(2, 4), "a tie counts against it"
    assert Exposure.of(-50.0, others).bits == 0.0
