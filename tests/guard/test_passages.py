"""Passages of protected documents in every text of an answer, under `action: block`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.guard.scene import Guarded, Said, call
from tests.guard.texts import CONTRACT, HANDBOOK, LEAFLET, LICENCE, NOVEL, PASSAGE, PROSE, shared, words

pytestmark = pytest.mark.xdist_group("guard-blocking")

INTRO = "Of course, my friend. What I found about this in all those papers is the following: "
HELD_CHARS = 24
"""Ten letters before a passage stay, and what stands between them."""


def is_stopped_after(intro: str, text: str) -> bool:
    """Whether the introduction has left, but for what is held before a passage, and nothing else."""
    return intro.startswith(text) and len(text) >= len(intro) - HELD_CHARS


def test_what_comes_before_a_passage_leaves_and_no_word_of_it(blocking: Guarded, stream: bool) -> None:
    blocking.says(f"{INTRO}{PASSAGE} And so on.")
    got = blocking.ask(stream=stream)
    assert got.status == 200
    assert got.finish == "content_filter"
    assert is_stopped_after(INTRO, got.text)
    assert not shared(got.body, PASSAGE)
    assert blocking.findings(got) == [{"stage": "regurgitation", "kind": "passage", "action": "block", "count": 1}]


def test_a_passage_at_the_very_beginning_leaves_nothing(blocking: Guarded, stream: bool) -> None:
    blocking.says(PASSAGE)
    got = blocking.ask(stream=stream)
    assert (got.text, got.finish) == ("", "content_filter")


def test_a_passage_at_the_very_end_is_found_when_the_answer_ends(blocking: Guarded, stream: bool) -> None:
    blocking.says(f"{PROSE} {words(CONTRACT, 20, 16)}")
    got = blocking.ask(stream=stream)
    assert got.finish == "content_filter"
    assert is_stopped_after(PROSE + " ", got.text)


def test_fewer_words_than_the_rule_asks_for_leave(blocking: Guarded, stream: bool) -> None:
    text = f"{PROSE} {words(CONTRACT, 20, 12)} -- {NOVEL}"
    blocking.says(text)
    got = blocking.ask(stream=stream)
    assert (got.text, got.finish) == (text, "stop")


def test_an_answer_of_its_own_arrives_unchanged(blocking: Guarded, stream: bool) -> None:
    text = f"{PROSE}\n\n{NOVEL}\n\n```python\nprint('no harm')\n```\n"
    blocking.says(text)
    got = blocking.ask(stream=stream)
    assert (got.text, got.finish) == (text, "stop")
    assert blocking.findings(got) == []


def test_usage_of_a_whole_answer_is_told_though_it_was_stopped(blocking: Guarded) -> None:
    blocking.says(PASSAGE)
    usage = blocking.ask().usage
    assert usage is not None
    assert usage["total_tokens"] == 12


def test_a_stopped_stream_ends_as_the_interface_wants(blocking: Guarded) -> None:
    """`read_stream` sees to it that there is one end of the choice, and the end mark."""
    blocking.says(f"{INTRO}{PASSAGE} {PROSE} {PROSE}")
    got = blocking.ask(stream=True, stream_options={"include_usage": True})
    assert got.finish == "content_filter"
    assert got.body.count('"content_filter"') == 1


def test_an_answer_that_is_let_through_ends_with_its_usage(blocking: Guarded) -> None:
    blocking.says(PROSE)
    got = blocking.ask(stream=True, stream_options={"include_usage": True})
    assert got.usage is not None
    assert got.usage["total_tokens"] == 12


PLACES: dict[str, Said] = {
    "reasoning": {"reasoning": f"{INTRO}{PASSAGE}", "content": "Done."},
    "reasoning_content": {"reasoning_content": f"{INTRO}{PASSAGE}", "content": "Done."},
    "refusal": {"refusal": f"{INTRO}{PASSAGE}"},
    "arguments": {"tool_calls": [call("save", json.dumps({"file": "a", "text": f"{INTRO}{PASSAGE}"}))]},
    "second call": {"tool_calls": [call("look", "{}"), call("save", json.dumps([PASSAGE]))]},
    "name of a function": {"tool_calls": [call(PASSAGE.replace(" ", "_").replace(",", ""), "{}")]},
}


@pytest.mark.parametrize("place", PLACES)
def test_a_passage_is_stopped_in_every_text_of_a_message(blocking: Guarded, stream: bool, place: str) -> None:
    blocking.says(PLACES[place])
    got = blocking.ask(stream=stream)
    assert got.finish == "content_filter"
    assert not shared(got.body, PASSAGE)


@pytest.mark.parametrize("place", ["reasoning", "reasoning_content", "refusal"])
def test_what_comes_before_a_passage_in_another_text_leaves_there(blocking: Guarded, stream: bool, place: str) -> None:
    blocking.says(PLACES[place])
    got = blocking.ask(stream=stream)
    assert is_stopped_after(INTRO, got.choices[0].texts[place])


def test_nothing_is_said_after_a_passage_in_the_thoughts(blocking: Guarded, stream: bool) -> None:
    blocking.says({"reasoning": PASSAGE, "content": "The rest of the answer."})
    got = blocking.ask(stream=stream)
    assert "rest" not in got.body


def test_a_passage_in_a_text_completion_is_stopped(blocking: Guarded, stream: bool) -> None:
    blocking.says(f"{INTRO}{PASSAGE}")
    got = blocking.complete(stream=stream)
    assert got.finish == "content_filter"
    assert is_stopped_after(INTRO, got.text)


def test_of_two_prompts_the_one_without_a_passage_is_answered_whole(blocking: Guarded, stream: bool) -> None:
    """Each prompt of a text completion is a choice, though `n` is not given."""
    blocking.says(f"{INTRO}{PASSAGE}", PROSE)
    got = blocking.complete(["first", "second"], stream=stream)
    assert got.choices[0].finish == "content_filter"
    assert (got.choices[1].text, got.choices[1].finish) == (PROSE, "stop")


def test_tokens_of_log_probabilities_have_no_words(blocking: Guarded, stream: bool) -> None:
    """Here the content is blameless and only the tokens have the passage, also among those that were not chosen."""
    token: dict[str, Any] = {"logprob": -0.5, "bytes": [65]}
    tokens = [
        {**token, "token": word, "top_logprobs": [{**token, "token": word}, {**token, "token": "other"}]}
        for word in PASSAGE.split()
    ]
    blocking.says({"content": PROSE, "logprobs": {"content": tokens}})
    got = blocking.ask(stream=stream, logprobs=True, top_logprobs=2)
    assert (got.text, got.finish) == (PROSE, "stop")
    assert not set(shared(got.body, PASSAGE)) - set(shared(PROSE, PASSAGE))
    assert '"bytes":[65]' not in got.body
    assert got.body.count("-0.5") == 3 * len(tokens)


def test_tokens_of_a_text_completion_have_no_words(blocking: Guarded) -> None:
    tokens = PASSAGE.split()
    logprobs = {
        "tokens": tokens,
        "token_logprobs": [-0.5] * len(tokens),
        "top_logprobs": [{token: -0.5} for token in tokens],
        "text_offset": list(range(len(tokens))),
    }
    blocking.says({"content": PROSE, "logprobs": logprobs})
    got = blocking.complete(logprobs=1)
    assert (got.text, got.finish) == (PROSE, "stop")
    assert not shared(got.body.replace(PROSE, ""), PASSAGE)


@pytest.mark.parametrize("interleaved", [False, True], ids=["one after the other", "by turns"])
@pytest.mark.parametrize("bad", [0, 1])
def test_of_two_choices_the_clean_one_arrives_whole(
    blocking: Guarded, stream: bool, bad: int, interleaved: bool
) -> None:
    said = [PROSE, PROSE]
    said[bad] = f"{INTRO}{PASSAGE}"
    blocking.says(*said, interleaved=interleaved)
    got = blocking.ask(stream=stream, n=2)
    assert (got.choices[1 - bad].text, got.choices[1 - bad].finish) == (PROSE, "stop")
    assert got.choices[bad].finish == "content_filter"
    assert is_stopped_after(INTRO, got.choices[bad].text)


def test_two_choices_that_both_have_a_passage_are_both_stopped(blocking: Guarded, stream: bool) -> None:
    blocking.says(PASSAGE, f"{INTRO}{PASSAGE}", interleaved=True)
    got = blocking.ask(stream=stream, n=2)
    assert {choice.finish for choice in got.choices.values()} == {"content_filter"}
    assert not shared(got.body, PASSAGE)


FIRST_HALF, SECOND_HALF = words(CONTRACT, 10, 12), words(CONTRACT, 22, 12)


def test_a_passage_over_two_choices_is_stopped_in_the_second(blocking: Guarded, stream: bool) -> None:
    blocking.says(FIRST_HALF, SECOND_HALF)
    got = blocking.ask(stream=stream, n=2)
    assert got.choices[1].finish == "content_filter"
    assert len(got.choices[1].text.split()) < 6


@pytest.mark.parametrize("places", [("reasoning", "content"), ("reasoning_content", "content"), ("content", "refusal")])
def test_a_passage_over_two_texts_of_a_message_is_stopped_in_the_second(
    blocking: Guarded, stream: bool, places: tuple[str, str]
) -> None:
    blocking.says(dict(zip(places, (FIRST_HALF, SECOND_HALF), strict=True)))
    got = blocking.ask(stream=stream)
    assert got.finish == "content_filter"
    # Where both are written at a time, the one that is ahead has left.
    assert sum(len(text.split()) for text in got.choices[0].texts.values()) < 12 + 6


def test_a_passage_over_two_tool_calls_is_stopped_in_the_second(blocking: Guarded, stream: bool) -> None:
    calls = [call("save", json.dumps([half])) for half in (FIRST_HALF, SECOND_HALF)]
    blocking.says({"tool_calls": calls})
    got = blocking.ask(stream=stream)
    assert got.finish == "content_filter"
    assert len(shared(json.dumps(got.choices[0].calls.get(1, {})), SECOND_HALF)) < 6


def test_a_passage_in_an_answer_in_json_is_stopped(blocking: Guarded, stream: bool) -> None:
    document = json.dumps({"intro": INTRO, "quotes": [{"text": PASSAGE}], "end": True})
    blocking.says(document)
    got = blocking.ask(stream=stream, response_format={"type": "json_object"})
    assert got.finish == "content_filter"
    assert document.startswith(got.text)
    assert INTRO[:-HELD_CHARS] in got.text
    assert not shared(got.text, PASSAGE)


def test_an_answer_in_json_of_its_own_arrives_unchanged(blocking: Guarded, stream: bool) -> None:
    document = json.dumps({"text": f'{PROSE}\n\t"{NOVEL}" \\ é', "numbers": [1, -2.5e3, None, True]}, indent=1)
    blocking.says(document)
    got = blocking.ask(stream=stream, response_format={"type": "json_object"})
    assert (got.text, got.finish) == (document, "stop")


def test_what_the_user_says_may_come_back(blocking: Guarded, stream: bool) -> None:
    blocking.says(f"You wrote: {PASSAGE}")
    got = blocking.ask(f"Correct this for me, please: {PASSAGE}", stream=stream)
    assert (got.text, got.finish) == (f"You wrote: {PASSAGE}", "stop")


def test_what_a_tool_found_for_the_user_may_come_back(blocking: Guarded, stream: bool) -> None:
    asking = {"role": "assistant", "content": None, "tool_calls": [call("read", "{}")]}
    messages = [
        {"role": "user", "content": "What does the file say?"},
        asking,
        {"role": "tool", "tool_call_id": "call_1", "content": PASSAGE},
    ]
    blocking.says(PASSAGE)
    assert blocking.ask(messages=messages, stream=stream).text == PASSAGE


def test_what_the_prompt_of_a_text_completion_says_may_come_back(blocking: Guarded, stream: bool) -> None:
    blocking.says(PASSAGE)
    assert blocking.complete(f"Say it again: {PASSAGE}", stream=stream).text == PASSAGE


def test_only_as_much_as_the_user_says_may_come_back(blocking: Guarded, stream: bool) -> None:
    """Whoever knows the beginning does not get the rest."""
    blocking.says(words(CONTRACT, 0, 80))
    got = blocking.ask(f"How does this go on? {words(CONTRACT, 0, 20)}", stream=stream)
    assert got.finish == "content_filter"
    assert CONTRACT.startswith(got.text)
    assert len(got.text.split()) < 20 + 16


def test_what_the_model_said_before_is_no_word_of_the_user(blocking: Guarded, stream: bool) -> None:
    messages = [
        {"role": "user", "content": "Tell me."},
        {"role": "assistant", "content": PASSAGE},
        {"role": "user", "content": "Once more."},
    ]
    blocking.says(PASSAGE)
    got = blocking.ask(messages=messages, stream=stream)
    assert got.finish == "content_filter"
    assert not shared(got.text, PASSAGE)


@pytest.mark.parametrize("text", [LICENCE, LEAFLET], ids=["on the list", "public"])
def test_what_may_be_quoted_leaves_though_a_protected_document_has_it(
    blocking: Guarded, stream: bool, text: str
) -> None:
    blocking.says(f"It says: {text}")
    got = blocking.ask(stream=stream)
    assert (got.text, got.finish) == (f"It says: {text}", "stop")


def test_who_has_the_scope_of_a_document_may_read_it(blocking: Guarded, stream: bool) -> None:
    blocking.says(HANDBOOK)
    got = blocking.ask(stream=stream, who=blocking.tokens["hr"])
    assert (got.text, got.finish) == (HANDBOOK, "stop")


@pytest.mark.parametrize("who", ["law", "nobody", "stranger"])
def test_who_lacks_the_scope_of_a_document_may_not(blocking: Guarded, stream: bool, who: str) -> None:
    blocking.says(f"{INTRO}{HANDBOOK}")
    got = blocking.ask(stream=stream, who=blocking.tokens[who])
    assert got.finish == "content_filter"
    assert not shared(got.text, HANDBOOK)


def test_a_scope_opens_its_own_documents_only(blocking: Guarded, stream: bool) -> None:
    blocking.says(f"{INTRO}{PASSAGE}")
    got = blocking.ask(stream=stream, who=blocking.tokens["hr"])
    assert got.finish == "content_filter"
