"""Tool calls through the SDK: arguments are JSON, so the values in them come back with the escapes of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam, ChatCompletionToolParam

from tests.sdk.private import EMAIL, IRISH, PERSON, QUOTED, assert_hidden
from tests.support.upstream import ScriptedUpstream, chunks, completion

TOOL: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "send_mail",
        "description": f"Sends a mail. Written by {PERSON}.",
        "parameters": {
            "type": "object",
            "properties": {"to": {"type": "string", "description": "who", "default": EMAIL}},
            "required": ["to"],
        },
    },
}
BARE: ChatCompletionToolParam = {"type": "function", "function": {"name": "send_mail"}}
NAMES = [pytest.param(IRISH, id="apostrophe"), pytest.param(QUOTED, id="quotes and a backslash")]


def _ask(name: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": f"Send a mail to {name} now"}]


def _called(arguments: str, name: str = "send_mail") -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}


def _streamed_call(pieces: Sequence[str], call: int = 0) -> list[dict[str, Any]]:
    """A tool call as vLLM streams it: first its name, then its arguments piece by piece."""
    first, *_, last = chunks([])
    deltas = [
        {"index": call, "id": f"call_{call}", "type": "function", "function": {"name": "send_mail", "arguments": ""}},
        *({"index": call, "function": {"arguments": piece}} for piece in pieces),
    ]
    calls = [
        {**first, "choices": [{"index": 0, "delta": {"tool_calls": [delta]}, "finish_reason": None}]}
        for delta in deltas
    ]
    end = {**last, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    return [first, *calls, end]


def _arguments(events: Iterable[ChatCompletionChunk], call: int = 0) -> str:
    text = ""
    for event in events:
        for choice in event.choices:
            for piece in choice.delta.tool_calls or ():
                if piece.index == call and piece.function is not None:
                    text += piece.function.arguments or ""
    return text


@pytest.mark.parametrize("name", NAMES)
def test_whole_arguments_are_json_with_the_value_back(
    quoting_client: OpenAI, upstream: ScriptedUpstream, name: str
) -> None:
    upstream.answers(completion(None, tool_calls=[_called('{"to": "<PERSON_1>", "n": 1}')]))
    answer = quoting_client.chat.completions.create(model="llama", messages=_ask(name), tools=[BARE])
    calls = answer.choices[0].message.tool_calls
    assert calls
    assert calls[0].type == "function"
    assert calls[0].function.name == "send_mail"
    assert json.loads(calls[0].function.arguments) == {"to": name, "n": 1}
    assert_hidden(upstream, "Send a mail to <PERSON_1> now")


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("name", NAMES)
def test_streamed_arguments_are_json_with_the_value_back(
    quoting_client: OpenAI, upstream: ScriptedUpstream, name: str, size: int
) -> None:
    arguments = '{"to": "<PERSON_1>", "text": "Dear <PERSON_1>!"}'
    upstream.streams(_streamed_call([arguments[i : i + size] for i in range(0, len(arguments), size)]))
    events = list(quoting_client.chat.completions.create(model="llama", messages=_ask(name), tools=[BARE], stream=True))
    assert json.loads(_arguments(events)) == {"to": name, "text": f"Dear {name}!"}
    assert events[-1].choices[0].finish_reason == "tool_calls"
    assert_hidden(upstream, "Send a mail to <PERSON_1> now")


def test_the_stream_helper_parses_the_arguments(client: OpenAI, upstream: ScriptedUpstream) -> None:
    upstream.streams(_streamed_call(['{"to": "<PER', 'SON_1>"', "}"]))
    with client.chat.completions.stream(model="llama", messages=_ask(IRISH)) as stream:
        final = stream.get_final_completion()
    calls = final.choices[0].message.tool_calls
    assert calls
    assert json.loads(calls[0].function.arguments) == {"to": IRISH}
    assert_hidden(upstream, "Send a mail to <PERSON_1> now")


def test_two_streamed_calls_do_not_mix(client: OpenAI, upstream: ScriptedUpstream) -> None:
    first, second = _streamed_call(['{"to": "<PER', 'SON_1>"}']), _streamed_call(['{"to": "Mrs <P', 'ERSON_1>"}'], 1)
    upstream.streams([*first[:-2], *second[1:-2], first[-2], second[-2], first[-1]])
    events = list(client.chat.completions.create(model="llama", messages=_ask(IRISH), stream=True))
    assert json.loads(_arguments(events, 0)) == {"to": IRISH}
    assert json.loads(_arguments(events, 1)) == {"to": f"Mrs {IRISH}"}


def test_the_model_reads_redacted_tools(client: OpenAI, upstream: ScriptedUpstream) -> None:
    upstream.answers(completion("ok"))
    client.chat.completions.create(
        model="llama",
        messages=[{"role": "user", "content": "hello"}],
        tools=[TOOL],
        tool_choice={"type": "function", "function": {"name": "send_mail"}},
        parallel_tool_calls=False,
    )
    assert_hidden(upstream)
    sent = upstream.bodies[0]
    function = sent["tools"][0]["function"]
    assert function["description"] == "Sends a mail. Written by <PERSON_1>."
    assert function["parameters"]["properties"]["to"]["default"] == "<EMAIL_ADDRESS_1>"
    assert function["parameters"]["required"] == ["to"]
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "send_mail"}}
    assert sent["parallel_tool_calls"] is False


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
def test_a_word_for_tool_choice_arrives(client: OpenAI, upstream: ScriptedUpstream, choice: Any) -> None:
    upstream.answers(completion("ok"))
    client.chat.completions.create(model="llama", messages=_ask(IRISH), tools=[TOOL], tool_choice=choice)
    assert upstream.bodies[0]["tool_choice"] == choice
    assert_hidden(upstream)


def test_the_result_of_a_tool_is_redacted_like_the_call_before_it(client: OpenAI, upstream: ScriptedUpstream) -> None:
    upstream.says("Sent to <PERSON_1>.")
    conversation: list[ChatCompletionMessageParam] = [
        *_ask(IRISH),
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "send_mail", "arguments": f'{{"to": "{IRISH}"}}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": f"{IRISH} has read it at {EMAIL}"},
    ]
    answer = client.chat.completions.create(model="llama", messages=conversation, tools=[TOOL])
    assert answer.choices[0].message.content == f"Sent to {PERSON}."
    assert_hidden(upstream)
    sent = upstream.bodies[0]["messages"]
    assert sent[1]["tool_calls"][0]["function"]["arguments"] == '{"to": "<PERSON_2>"}'
    assert sent[2]["content"] == "<PERSON_2> has read it at <EMAIL_ADDRESS_1>"
