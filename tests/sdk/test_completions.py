"""Text completions through the SDK."""

from __future__ import annotations

from typing import Any

from openai import OpenAI

from tests.sdk.private import EMAIL, PERSON, assert_hidden
from tests.support.upstream import ScriptedUpstream, text_completion


def _pieces(pieces: list[str]) -> list[dict[str, Any]]:
    whole = {key: value for key, value in text_completion("").items() if key != "usage"}
    finishes: list[str | None] = [None] * (len(pieces) - 1) + ["stop"]
    return [
        {**whole, "choices": [{"index": 0, "text": piece, "finish_reason": finish, "logprobs": None}]}
        for piece, finish in zip(pieces, finishes, strict=True)
    ]


def test_a_whole_completion_has_the_values_back(client: OpenAI, upstream: ScriptedUpstream) -> None:
    upstream.answers(text_completion(" is <PERSON_1>."))
    answer = client.completions.create(model="llama", prompt=f"The owner of {EMAIL}, {PERSON},")
    assert answer.choices[0].text == f" is {PERSON}."
    assert answer.object == "text_completion"
    assert answer.model == "llama"
    assert upstream.bodies[0]["prompt"] == "The owner of <EMAIL_ADDRESS_1>, <PERSON_1>,"
    assert upstream.paths == ["/v1/completions"]
    assert_hidden(upstream)


def test_a_streamed_completion_has_the_values_back(client: OpenAI, upstream: ScriptedUpstream) -> None:
    upstream.streams(_pieces([" is <PER", "SON", "_1", "> and <", "PERSON_1"]))
    stream = client.completions.create(model="llama", prompt=f"Her name is {PERSON}", stream=True)
    assert "".join(event.choices[0].text for event in stream) == f" is {PERSON} and {PERSON}"
    assert_hidden(upstream, "Her name is <PERSON_1>")


def test_a_list_of_prompts_is_redacted_and_every_choice_restored(client: OpenAI, upstream: ScriptedUpstream) -> None:
    whole = text_completion("")
    choices = [{"index": i, "text": text, "finish_reason": "stop"} for i, text in enumerate(["<PERSON_1>", "x"])]
    upstream.answers({**whole, "choices": choices})
    answer = client.completions.create(model="llama", prompt=[PERSON, f"mail {EMAIL}"], suffix=f"Bye {PERSON}")
    assert [choice.text for choice in answer.choices] == [PERSON, "x"]
    assert upstream.bodies[0]["prompt"] == ["<PERSON_1>", "mail <EMAIL_ADDRESS_1>"]
    assert upstream.bodies[0]["suffix"] == "Bye <PERSON_1>"
    assert_hidden(upstream)
