"""Personal data and secrets in answers that the prompt did not have."""

from __future__ import annotations

import json

import pytest

from tests.guard.scene import Guarded, call
from tests.guard.texts import PROSE

pytestmark = pytest.mark.xdist_group("guard-masking")

MARK = "[withheld]"
MINE, THEIRS = "ada@example.org", "grace@corp.example"
IBAN = "DE89 3704 0044 0532 0130 00"
CARD = "4111 1111 1111 1111"
PHONE = "+49 30 901820"
KEY = "AKIA" + "QX3ZJ5RT7MNB4WKL"
KEY_LINES = [f"MIIEpAIBAAKCAQEA{'abcdefgh' * 5}{number:02}xyzXYZ" for number in range(24)]
PEM = "\n".join(["-----BEGIN RSA PRIVATE KEY-----", *KEY_LINES, "-----END RSA PRIVATE KEY-----"])


def test_a_value_of_somebody_else_is_masked(masking: Guarded, stream: bool) -> None:
    masking.says(f"Write to {THEIRS}, she knows. {PROSE}")
    got = masking.ask("Whom do I ask?", stream=stream)
    assert (got.text, got.finish) == (f"Write to {MARK}, she knows. {PROSE}", "stop")
    assert masking.findings(got) == [{"stage": "pii", "kind": "EMAIL_ADDRESS", "action": "mask", "count": 1}]


def test_the_users_own_values_come_back(masking: Guarded, stream: bool) -> None:
    masking.says("Dear <PERSON_1>, I write to <EMAIL_ADDRESS_1>, not to grace@corp.example.")
    got = masking.ask(f"I am Ada Lovelace. Write to {MINE}", stream=stream)
    assert got.text == f"Dear Ada Lovelace, I write to {MINE}, not to {MARK}."


def test_a_value_that_the_prompt_says_openly_is_nothing_new(masking: Guarded, stream: bool) -> None:
    """The policy leaves this one alone, so the model saw it."""
    text = "Write to support@example.com, please."
    masking.says(text)
    assert masking.ask("Is it support@example.com?", stream=stream).text == text


def test_a_value_that_the_policy_allows_is_left_alone(masking: Guarded, stream: bool) -> None:
    text = "Write to support@example.com, please."
    masking.says(text)
    assert masking.ask("Whom do I ask?", stream=stream).text == text


def test_a_type_of_the_policys_own_is_masked(masking: Guarded, stream: bool) -> None:
    masking.says("Ask employee E-123456 for it.")
    assert masking.ask(stream=stream).text == f"Ask employee {MARK} for it."


def test_block_stops_the_answer_before_the_value(masking: Guarded, stream: bool) -> None:
    masking.says(f"{PROSE} Pay to {IBAN} today.")
    got = masking.ask(stream=stream)
    assert got.finish == "content_filter"
    assert f"{PROSE} Pay to ".startswith(got.text)
    assert got.text.startswith(PROSE[:100])
    assert "3704" not in got.body
    assert masking.findings(got) == [{"stage": "pii", "kind": "IBAN_CODE", "action": "block", "count": 1}]


def test_report_lets_the_value_leave_and_counts_it(masking: Guarded, stream: bool) -> None:
    masking.says(f"Call {PHONE} for help.")
    got = masking.ask(stream=stream)
    assert got.text == f"Call {PHONE} for help."
    assert masking.findings(got) == [{"stage": "pii", "kind": "PHONE_NUMBER", "action": "report", "count": 1}]


def test_allow_lets_the_value_leave_and_counts_nothing(masking: Guarded, stream: bool) -> None:
    masking.says(f"The example card is {CARD} as always.")
    got = masking.ask(stream=stream)
    assert got.text == f"The example card is {CARD} as always."
    assert masking.findings(got) == []


@pytest.mark.parametrize(
    "text",
    [
        "Albert Einstein moved to Bern on 14 March 1902, see https://pictures.example.com/einstein.",
        "The treaty of 1648 ended the war; the server is 203.0.113.77.",
    ],
)
def test_public_knowledge_stays(masking: Guarded, stream: bool, text: str) -> None:
    masking.says(text)
    assert masking.ask(stream=stream).text == text


@pytest.mark.parametrize("place", ["reasoning", "reasoning_content", "refusal"])
def test_every_text_of_a_message_is_read(masking: Guarded, stream: bool, place: str) -> None:
    masking.says({place: f"Her address is {THEIRS}.", "content": "Done."})
    assert masking.ask(stream=stream).choices[0].texts[place] == f"Her address is {MARK}."


def test_arguments_of_a_tool_stay_json(masking: Guarded, stream: bool) -> None:
    made = {"to": [THEIRS, "<EMAIL_ADDRESS_1>"], "text": 'She said "no".\nÄh', "n": 3}
    masking.says({"tool_calls": [call("send", json.dumps(made))]})
    got = masking.ask(f"I am {MINE}", stream=stream)
    assert got.finish == "tool_calls"
    assert json.loads(got.choices[0].calls[0]["arguments"]) == {**made, "to": [MARK, MINE]}


@pytest.mark.parametrize("ascii_only", [True, False], ids=["escaped", "plain"])
def test_an_answer_in_json_stays_json(masking: Guarded, stream: bool, ascii_only: bool) -> None:
    made = {"näme": "Grace", "mail": f'"{THEIRS}"', "list": [1.5, None, {"mail": THEIRS}]}
    document = json.dumps(made, indent=1, ensure_ascii=ascii_only)
    if ascii_only:
        document = document.replace("@", "\\u0040")
    masking.says(document)
    got = masking.ask(stream=stream, response_format={"type": "json_object"})
    assert json.loads(got.text) == {**made, "mail": f'"{MARK}"', "list": [1.5, None, {"mail": MARK}]}


def test_tokens_of_log_probabilities_have_no_words(masking: Guarded, stream: bool) -> None:
    tokens = [{"token": THEIRS, "logprob": -0.5, "bytes": [103], "top_logprobs": []}]
    masking.says({"content": THEIRS, "logprobs": {"content": tokens}})
    got = masking.ask(stream=stream, logprobs=True)
    assert "grace" not in got.body
    assert "[103]" not in got.body


@pytest.mark.parametrize("before", [0, 60, 90, 97, 150, 195, 230, 395])
def test_a_value_is_masked_wherever_it_stands(masking: Guarded, stream: bool, before: int) -> None:
    """Also over the border of what is read at once."""
    intro = ("word " * 100)[:before].rstrip() + " " if before else ""
    masking.says(f"{intro}{THEIRS} {PROSE}")
    assert masking.ask(stream=stream).text == f"{intro}{MARK} {PROSE}"


def test_a_text_completion_is_read_too(masking: Guarded, stream: bool) -> None:
    masking.says(f"her address {THEIRS} and so on")
    assert masking.complete("Grace told me", stream=stream).text == f"her address {MARK} and so on"


# ------------------------------------------------------------------ secrets
def test_a_key_of_a_known_format_stops_the_answer(masking: Guarded, stream: bool) -> None:
    masking.says(f"{PROSE} Use {KEY} for the bucket.")
    got = masking.ask(stream=stream)
    assert got.finish == "content_filter"
    assert KEY[4:] not in got.body
    assert masking.findings(got) == [{"stage": "secrets", "kind": "SECRET", "action": "block", "count": 1}]


def test_no_line_of_a_private_key_leaves(masking: Guarded, stream: bool) -> None:
    masking.says(f"Of course:\n\n```\n{PEM}\n```\n")
    got = masking.ask(stream=stream)
    assert got.finish == "content_filter"
    assert "MIIE" not in got.body
    assert "abcdefgh" not in got.body


def test_no_line_of_a_private_key_leaves_in_arguments(masking: Guarded, stream: bool) -> None:
    masking.says({"tool_calls": [call("save", json.dumps({"file": "id_rsa", "text": PEM}))]})
    got = masking.ask(stream=stream)
    assert got.finish == "content_filter"
    assert "MIIE" not in got.body


def test_the_header_of_a_key_in_documentation_stays(masking: Guarded, stream: bool) -> None:
    text = f"It begins with `-----BEGIN PRIVATE KEY-----` and three dots. {PROSE}"
    masking.says(text)
    assert masking.ask(stream=stream).text == text


def test_what_is_only_called_a_password_leaves_and_is_counted(masking: Guarded, stream: bool) -> None:
    masking.says("Set password: Tr0ub4dor&3x9 in the file.")
    got = masking.ask(stream=stream)
    assert got.text == "Set password: Tr0ub4dor&3x9 in the file."
    assert {"stage": "secrets", "kind": "GUESSED_SECRET", "action": "report", "count": 1} in masking.findings(got)
