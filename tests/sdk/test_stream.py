"""Streamed chats through the SDK: the same values as in a whole answer, however the upstream cuts them."""

from __future__ import annotations

import pytest
from openai import APIError, AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionChunk

from tests.sdk.private import EMAIL, PERSON, assert_hidden
from tests.sdk.test_chat import ANSWER, ANSWERED, ASK, ASKED
from tests.support.upstream import ScriptedUpstream, chunks


def _text(events: list[ChatCompletionChunk], choice: int = 0) -> str:
    choices = [c for event in events for c in event.choices if c.index == choice]
    return "".join(c.delta.content or "" for c in choices)


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_a_stream_has_the_values_back_however_it_is_cut(client: OpenAI, upstream: ScriptedUpstream, size: int) -> None:
    upstream.streams(chunks([ANSWER[i : i + size] for i in range(0, len(ANSWER), size)]))
    events = list(client.chat.completions.create(model="llama", messages=ASK, stream=True))
    assert _text(events) == ANSWERED
    assert events[-1].choices[0].finish_reason == "stop"
    assert {event.model for event in events} == {"llama"}
    assert len({event.id for event in events}) == 1
    assert_hidden(upstream, ASKED)


async def test_the_async_sdk_gets_the_same_stream(async_client: AsyncOpenAI, upstream: ScriptedUpstream) -> None:
    upstream.says(ANSWER)
    stream = await async_client.chat.completions.create(model="llama", messages=ASK, stream=True)
    assert _text([event async for event in stream]) == ANSWERED
    assert_hidden(upstream, ASKED)


def test_the_stream_helper_puts_the_answer_together(client: OpenAI, upstream: ScriptedUpstream) -> None:
    upstream.says(ANSWER)
    with client.chat.completions.stream(model="llama", messages=ASK) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        final = stream.get_final_completion()
    assert "".join(deltas) == ANSWERED
    assert final.choices[0].message.content == ANSWERED
    assert_hidden(upstream, ASKED)


async def test_the_async_stream_helper_puts_the_answer_together(
    async_client: AsyncOpenAI, upstream: ScriptedUpstream
) -> None:
    upstream.says(ANSWER)
    async with async_client.chat.completions.stream(model="llama", messages=ASK) as stream:
        final = await stream.get_final_completion()
    assert final.choices[0].message.content == ANSWERED
    assert_hidden(upstream, ASKED)


def test_usage_comes_as_the_last_event_when_it_is_asked_for(client: OpenAI, upstream: ScriptedUpstream) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    first = chunks([ANSWER])
    upstream.streams([*first, {**first[0], "choices": [], "usage": usage}])
    events = list(
        client.chat.completions.create(model="llama", messages=ASK, stream=True, stream_options={"include_usage": True})
    )
    assert events[-1].choices == []
    assert events[-1].usage is not None
    assert events[-1].usage.total_tokens == 12
    assert upstream.bodies[0]["stream_options"] == {"include_usage": True}
    assert _text(events) == ANSWERED
    assert_hidden(upstream, ASKED)


def test_usage_in_every_event_makes_no_event_without_a_choice(client: OpenAI, upstream: ScriptedUpstream) -> None:
    """vLLM's continuous_usage_stats: clients read `choices[0]` of all events but the last."""
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    upstream.streams([{**event, "usage": usage} for event in chunks(["Dear <PER", "SO", "N_1>"])])
    events = list(client.chat.completions.create(model="llama", messages=ASK, stream=True))
    assert _text(events) == f"Dear {PERSON}"
    assert all(event.choices for event in events)


def test_interleaved_choices_do_not_mix(client: OpenAI, upstream: ScriptedUpstream) -> None:
    other = "And <EMAIL_ADDRESS_1> is <PERSON_1>."
    left = chunks([ANSWER[i : i + 4] for i in range(0, len(ANSWER), 4)])
    right = chunks([other[i : i + 3] for i in range(0, len(other), 3)], choice=1)
    pairs = [event for pair in zip(left, right, strict=False) for event in pair]
    shorter = min(len(left), len(right))
    upstream.streams([*pairs, *left[shorter:], *right[shorter:]])
    events = list(client.chat.completions.create(model="llama", messages=ASK, stream=True, n=2))
    assert _text(events, 0) == ANSWERED
    assert _text(events, 1) == f"And {EMAIL} is {PERSON}."
    assert_hidden(upstream, ASKED)


def test_a_stream_that_breaks_off_raises_after_what_had_come(client: OpenAI, upstream: ScriptedUpstream) -> None:
    upstream.streams([*chunks(["Dear <PERSON_1>, "])[:-1], {"error": {"message": "boom", "code": 500}}])
    got: list[ChatCompletionChunk] = []
    stream = client.chat.completions.create(model="llama", messages=ASK, stream=True)
    with pytest.raises(APIError) as raised:
        got.extend(stream)
    assert raised.value.code == "upstream_failed"
    assert "boom" not in raised.value.message
    assert_hidden(upstream, ASKED)
