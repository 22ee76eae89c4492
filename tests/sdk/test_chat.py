"""Chats through the SDK, whole: the model sees placeholders, the client sees its own values."""

from __future__ import annotations

import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.sdk.private import EMAIL, IRISH, PERSON, assert_hidden
from tests.support.upstream import ScriptedUpstream, completion

ASK: list[ChatCompletionMessageParam] = [{"role": "user", "content": f"I am {PERSON}, write to {EMAIL}."}]
ASKED = "I am <PERSON_1>, write to <EMAIL_ADDRESS_1>."
ANSWER = "Dear <PERSON_1>, I wrote to <EMAIL_ADDRESS_1>."
ANSWERED = f"Dear {PERSON}, I wrote to {EMAIL}."


def test_a_whole_answer_has_the_values_back(client: OpenAI, upstream: ScriptedUpstream) -> None:
    upstream.says(ANSWER)
    answer = client.chat.completions.create(model="llama", messages=ASK)
    assert answer.choices[0].message.content == ANSWERED
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.object == "chat.completion"
    assert_hidden(upstream, ASKED)


async def test_the_async_sdk_gets_the_same_whole_answer(async_client: AsyncOpenAI, upstream: ScriptedUpstream) -> None:
    upstream.says(ANSWER)
    answer = await async_client.chat.completions.create(model="llama", messages=ASK)
    assert answer.choices[0].message.content == ANSWERED
    assert_hidden(upstream, ASKED)


def test_the_answer_has_the_public_model_name_and_the_upstream_its_own(
    client: OpenAI, upstream: ScriptedUpstream
) -> None:
    answer = client.chat.completions.create(model="llama", messages=ASK)
    assert answer.model == "llama"
    assert upstream.bodies[0]["model"] == "tiny-llama"


def test_usage_is_passed_on(client: OpenAI, upstream: ScriptedUpstream) -> None:
    usage = client.chat.completions.create(model="llama", messages=ASK).usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (5, 7, 12)


def test_an_answer_carries_its_request_id(client: OpenAI, upstream: ScriptedUpstream) -> None:
    answer = client.chat.completions.create(model="llama", messages=ASK)
    assert answer._request_id
    assert answer.id == f"chatcmpl-{answer._request_id}"


def test_what_the_upstream_adds_does_not_reach_the_client(client: OpenAI, upstream: ScriptedUpstream) -> None:
    upstream.says(ANSWER)
    answer = client.chat.completions.create(model="llama", messages=ASK)
    assert not answer.model_extra
    assert not answer.choices[0].model_extra
    assert answer.system_fingerprint is None


def test_every_choice_has_the_values_back(client: OpenAI, upstream: ScriptedUpstream) -> None:
    document = completion(ANSWER)
    second = {**document["choices"][0], "index": 1, "message": {"role": "assistant", "content": "Hi <PERSON_1>!"}}
    upstream.answers({**document, "choices": [*document["choices"], second]})
    answer = client.chat.completions.create(model="llama", messages=ASK, n=2)
    assert [choice.message.content for choice in answer.choices] == [ANSWERED, f"Hi {PERSON}!"]
    assert upstream.bodies[0]["n"] == 2
    assert_hidden(upstream, ASKED)


def test_a_stop_word_that_is_personal_is_the_same_placeholder(client: OpenAI, upstream: ScriptedUpstream) -> None:
    upstream.says(ANSWER)
    answer = client.chat.completions.create(model="llama", messages=ASK, stop=[PERSON, "END"])
    assert answer.choices[0].message.content == ANSWERED
    assert upstream.bodies[0]["stop"] == ["<PERSON_1>", "END"]
    assert_hidden(upstream, ASKED)


def test_parameters_arrive_as_they_were_sent(client: OpenAI, upstream: ScriptedUpstream) -> None:
    client.chat.completions.create(
        model="llama",
        messages=ASK,
        temperature=0.25,
        top_p=0.5,
        max_tokens=17,
        seed=1234567890,
        logit_bias={"50256": -1},
    )
    sent = upstream.bodies[0]
    assert (sent["temperature"], sent["top_p"], sent["max_tokens"]) == (0.25, 0.5, 17)
    assert (sent["seed"], sent["logit_bias"]) == (1234567890, {"50256": -1})


def test_extra_body_and_metadata_are_redacted(client: OpenAI, upstream: ScriptedUpstream) -> None:
    client.chat.completions.create(
        model="llama",
        messages=[{"role": "user", "content": "hello"}],
        user=EMAIL,
        metadata={"name": PERSON},
        extra_body={"notes": {IRISH: [EMAIL]}},
    )
    assert_hidden(upstream)
    sent = upstream.bodies[0]
    assert (sent["user"], sent["metadata"]) == ("<EMAIL_ADDRESS_1>", {"name": "<PERSON_1>"})
    assert sent["notes"] == {"<PERSON_2>": ["<EMAIL_ADDRESS_1>"]}


def test_a_conversation_keeps_its_placeholders(client: OpenAI, upstream: ScriptedUpstream) -> None:
    upstream.says(ANSWER)
    first = client.chat.completions.create(model="llama", messages=ASK)
    client.chat.completions.create(
        model="llama",
        messages=[
            *ASK,
            {"role": "assistant", "content": first.choices[0].message.content},
            {"role": "user", "content": f"Now tell {IRISH}."},
        ],
    )
    assert [message["content"] for message in upstream.bodies[1]["messages"]] == [ASKED, ANSWER, "Now tell <PERSON_2>."]
    assert_hidden(upstream)


@pytest.mark.parametrize("role", ["system", "developer", "user"])
def test_the_text_parts_of_every_role_are_redacted(client: OpenAI, upstream: ScriptedUpstream, role: str) -> None:
    message: ChatCompletionMessageParam = {  # type: ignore[misc, assignment]  # the SDK has one type per role
        "role": role,
        "content": [{"type": "text", "text": f"I am {PERSON}"}, {"type": "text", "text": EMAIL}],
    }
    client.chat.completions.create(model="llama", messages=[message])
    assert_hidden(upstream)
    texts = [part["text"] for part in upstream.bodies[0]["messages"][0]["content"]]
    assert texts == ["I am <PERSON_1>", "<EMAIL_ADDRESS_1>"]


def test_log_probabilities_come_through(client: OpenAI, upstream: ScriptedUpstream) -> None:
    document = completion("Hi")
    token = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105]}
    document["choices"][0]["logprobs"] = {"content": [{**token, "top_logprobs": [token]}]}
    upstream.answers(document)
    answer = client.chat.completions.create(model="llama", messages=ASK, logprobs=True, top_logprobs=1)
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert logprobs.content[0].token == "Hi"
    assert logprobs.content[0].top_logprobs[0].logprob == -0.5
    assert_hidden(upstream, ASKED)
