"""Passages, instructions and secrets that are cut out of an answer, which then goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.guard.scene import Guarded, call
from tests.guard.texts import CONTRACT, HANDBOOK, NOVEL, PASSAGE, PROSE, SYSTEM, shared, words

pytestmark = pytest.mark.xdist_group("guard-cutting")

MARK = "[withheld]"
KEY = "AKIA" + "QX3ZJ5RT7MNB4WKL"


def test_a_mark_stands_in_place_of_a_passage_and_the_answer_goes_on(cutting: Guarded, stream: bool) -> None:
    cutting.says(f"{PROSE}\n\n{PASSAGE}\n\n{NOVEL}")
    got = cutting.ask(stream=stream)
    assert got.finish == "stop"
    assert got.text.count(MARK) == 1
    before, after = got.text.split(MARK)
    assert before.startswith(PROSE)
    assert after.endswith(NOVEL)
    assert not set(shared(got.text, PASSAGE)) - set(shared(PROSE + " " + NOVEL, PASSAGE))
    assert cutting.findings(got) == [{"stage": "regurgitation", "kind": "passage", "action": "redact", "count": 1}]


def test_of_two_passages_each_gets_a_mark(cutting: Guarded, stream: bool) -> None:
    cutting.says(f"{PASSAGE}\n\n{PROSE}\n\n{HANDBOOK}\n\n{NOVEL}")
    got = cutting.ask(stream=stream)
    assert got.finish == "stop"
    assert got.text.count(MARK) == 2
    assert PROSE in got.text
    assert got.text.endswith(NOVEL)


def test_an_answer_that_is_nothing_but_a_passage_is_a_mark(cutting: Guarded, stream: bool) -> None:
    cutting.says(CONTRACT)
    got = cutting.ask(stream=stream)
    assert (got.text.strip(" ."), got.finish) == (MARK, "stop")


def test_a_passage_is_cut_out_of_one_choice_only(cutting: Guarded, stream: bool) -> None:
    cutting.says(f"{PROSE} {PASSAGE}", PROSE, interleaved=True)
    got = cutting.ask(stream=stream, n=2)
    assert [got.choices[n].finish for n in (0, 1)] == ["stop", "stop"]
    assert got.choices[1].text == PROSE
    assert MARK in got.choices[0].text


@pytest.mark.parametrize("place", ["reasoning", "reasoning_content", "refusal"])
def test_a_passage_is_cut_out_of_every_text_of_a_message(cutting: Guarded, stream: bool, place: str) -> None:
    cutting.says({place: f"{PROSE} {PASSAGE} {NOVEL}", "content": "Done."})
    got = cutting.ask(stream=stream)
    assert (got.text, got.finish) == ("Done.", "stop")
    assert MARK in got.choices[0].texts[place]
    assert got.choices[0].texts[place].endswith(NOVEL)


def test_in_arguments_of_a_tool_a_passage_stops_the_answer(cutting: Guarded, stream: bool) -> None:
    arguments = json.dumps({"file": "notes.txt", "text": f"{PROSE} {PASSAGE}", "mode": "w"})
    cutting.says({"tool_calls": [call("write", arguments)]})
    got = cutting.ask(stream=stream)
    assert got.finish == "content_filter"
    left = got.choices[0].calls[0]["arguments"] if got.choices[0].calls else ""
    assert arguments.startswith(left)
    assert MARK not in left
    assert not set(shared(left, PASSAGE)) - set(shared(PROSE, PASSAGE))


def test_in_an_answer_in_json_a_passage_stops_the_answer(cutting: Guarded, stream: bool) -> None:
    document = json.dumps({"intro": PROSE, "quote": PASSAGE, "more": NOVEL})
    cutting.says(document)
    got = cutting.ask(stream=stream, response_format={"type": "json_object"})
    assert got.finish == "content_filter"
    assert document.startswith(got.text)
    assert MARK not in got.text
    assert PROSE[:-30] in got.text


def test_arguments_without_a_passage_arrive_unchanged(cutting: Guarded, stream: bool) -> None:
    arguments = json.dumps({"text": f'{PROSE}\n"{NOVEL}" é \\ end', "n": [1, 2.5]})
    cutting.says({"tool_calls": [call("write", arguments)]})
    got = cutting.ask(stream=stream)
    assert got.finish == "tool_calls"
    assert got.choices[0].calls[0] == {"name": "write", "arguments": arguments}


def test_instructions_are_cut_out(cutting: Guarded, stream: bool) -> None:
    cutting.says(f"They told me this. {SYSTEM} But who cares? {PROSE}")
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "Who are you?"}]
    got = cutting.ask(messages=messages, stream=stream)
    assert got.finish == "stop"
    assert got.text.count(MARK) == 1
    assert got.text.endswith(PROSE)
    assert not shared(got.text, words(SYSTEM, 8, 20))
    assert cutting.findings(got) == [{"stage": "system_prompt", "kind": "passage", "action": "redact", "count": 1}]


def test_what_the_user_says_is_not_cut_out(cutting: Guarded, stream: bool) -> None:
    cutting.says(f"You wrote: {PASSAGE} Right?")
    assert cutting.ask(PASSAGE, stream=stream).text == f"You wrote: {PASSAGE} Right?"


def test_slices_of_a_passage_are_cut_out_of_later_answers(cutting: Guarded, stream: bool) -> None:
    who = cutting.somebody()
    left = []
    for number in range(3):
        cutting.says(words(CONTRACT, 10 + 10 * number, 10))
        left.append(cutting.ask(who=who, stream=stream).text)
    assert left[0] == words(CONTRACT, 10, 10)
    assert left[1].strip() == MARK
    assert not shared(left[1], CONTRACT)


def test_tokens_of_log_probabilities_have_no_words(cutting: Guarded, stream: bool) -> None:
    token: dict[str, Any] = {"logprob": -0.5, "bytes": None, "top_logprobs": []}
    tokens = [{**token, "token": word} for word in PASSAGE.split()]
    cutting.says({"content": PASSAGE, "logprobs": {"content": tokens}})
    got = cutting.ask(stream=stream, logprobs=True)
    assert not shared(got.body, PASSAGE)


def test_a_secret_is_cut_out(cutting: Guarded, stream: bool) -> None:
    cutting.says(f"The key is {KEY}, keep it. {PROSE}")
    got = cutting.ask(stream=stream)
    assert (got.text, got.finish) == (f"The key is {MARK}, keep it. {PROSE}", "stop")


def test_a_private_key_is_cut_out_with_all_of_its_lines(cutting: Guarded, stream: bool) -> None:
    lines = [f"MIIEpAIBAAKCAQEA{'abcdefgh' * 5}{number:02}xyzXYZ" for number in range(24)]
    pem = "\n".join(["-----BEGIN RSA PRIVATE KEY-----", *lines, "-----END RSA PRIVATE KEY-----"])
    cutting.says(f"Here it is:\n\n{pem}\n\n{PROSE}")
    got = cutting.ask(stream=stream)
    assert got.finish == "stop"
    assert "abcdefgh" not in got.text
    assert got.text.count(MARK) == 1
    assert got.text.endswith(PROSE)


def test_what_is_only_called_a_password_is_cut_out_where_the_policy_says_so(cutting: Guarded, stream: bool) -> None:
    cutting.says(f"password: Tr0ub4dor&3x9 and that is all. {PROSE}")
    got = cutting.ask(stream=stream)
    assert "Tr0ub4dor" not in got.text
    assert got.text.endswith(PROSE)


# ------------------------------------------------------------------ links where the policy names no hosts
@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("![chart](https://evil.example/c.png) done", "[chart](https://evil.example/c.png) done"),
        ("see [this](https://any.example/page) there", "see [this](https://any.example/page) there"),
        ('<img src="https://evil.example/p"> x', '< img src="https://evil.example/p"> x'),
        ("<javascript:alert(1)> x", "javascript[:]alert(1) x"),
    ],
)
def test_without_hosts_nothing_is_fetched_and_links_stay(cutting: Guarded, stream: bool, said: str, left: str) -> None:
    cutting.says(said)
    assert cutting.ask(stream=stream).text == left


def test_without_hosts_a_link_that_carries_a_value_of_the_user_is_made_a_text(cutting: Guarded, stream: bool) -> None:
    cutting.says("Go [here](https://evil.example/?q=<EMAIL_ADDRESS_1>) now")
    got = cutting.ask("I am ada@example.org", stream=stream)
    assert got.text == "Go [here] (hxxps://evil[.]example/?q=ada@example.org) now"
