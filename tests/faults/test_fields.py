"""Fields with values that the API does not have: a 400 that names the field and teaches, and nothing is sent on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.edge.vocabulary import CHAT_FIELDS, COMPLETION_FIELDS
from tests.faults.wire import CANARY, CHAT, COMPLETIONS, Answer, ask, assert_error, chat
from tests.support.gateway import GatewayProcess
from tests.support.upstream import ScriptedUpstream

TEXT, NUMBER, LIST, OBJECT, YES = CANARY, 1.5, [CANARY], {CANARY: CANARY}, True

WRONG: dict[str, list[Any]] = {
    "model": [None, "", NUMBER, LIST, OBJECT, YES],
    "messages": [None, [], TEXT, NUMBER, OBJECT, [TEXT], [None], [LIST], [{}]],
    "stream": [TEXT, NUMBER, LIST, OBJECT, 2],
    "n": [TEXT, NUMBER, LIST, OBJECT, 0, -1, 129, 2**63],
    "stop": [NUMBER, OBJECT, YES, [1], [None]],
    "temperature": [TEXT, LIST, OBJECT, -0.1, 2.1],
    "top_p": [TEXT, LIST, OBJECT, 0, 1.1],
    "top_k": [TEXT, NUMBER, LIST, OBJECT, -2],
    "min_p": [TEXT, LIST, OBJECT, -0.1, 1.1],
    "max_tokens": [TEXT, NUMBER, LIST, OBJECT, -1],
    "max_completion_tokens": [TEXT, NUMBER, LIST, OBJECT, -1],
    "presence_penalty": [TEXT, LIST, OBJECT, -2.1, 2.1],
    "frequency_penalty": [TEXT, LIST, OBJECT, -2.1, 2.1],
    "repetition_penalty": [TEXT, LIST, OBJECT, 0],
    "seed": [TEXT, NUMBER, LIST, OBJECT, 2**63],
    "user": [NUMBER, LIST, OBJECT, YES],
    "metadata": [TEXT, NUMBER, LIST, YES],
    "logit_bias": [TEXT, NUMBER, LIST, YES, {"1": TEXT}],
    "response_format": [TEXT, NUMBER, LIST, YES],
    "structured_outputs": [TEXT, NUMBER, LIST, YES],
    "tools": [TEXT, NUMBER, OBJECT, YES, LIST, [OBJECT], [{"type": CANARY}], [{"type": "function"}]],
    "tool_choice": [NUMBER, LIST, YES],
    "parallel_tool_calls": [TEXT, NUMBER, LIST, OBJECT],
    "logprobs": [TEXT, NUMBER, LIST, OBJECT],
    "top_logprobs": [TEXT, NUMBER, LIST, OBJECT, -1],
    "chat_template_kwargs": [TEXT, NUMBER, LIST, YES],
    "modalities": [TEXT, NUMBER, OBJECT, YES, [1], ["audio"], ["text", CANARY]],
}


@pytest.mark.parametrize(
    ("name", "value"), [(n, v) for n, values in WRONG.items() for v in values], ids=lambda v: json.dumps(v)[:40]
)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, name: str, value: Any
) -> None:
    error = assert_error(ask(gateway_process, chat(**{"logprobs": True, name: value})), 400, "invalid_value")
    assert error["param"] is not None
    assert error["param"].startswith(name)
    assert not upstream.bodies


@pytest.mark.parametrize("value", [TEXT, NUMBER, LIST, YES, {"include_usage": TEXT}], ids=json.dumps)
def test_wrong_stream_options_are_refused(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, value: Any
) -> None:
    error = assert_error(ask(gateway_process, chat(stream=True, stream_options=value)), 400, "invalid_value")
    assert error["param"].startswith("stream_options")


def test_stream_options_without_a_stream_are_refused(gateway_process: GatewayProcess) -> None:
    body = chat(stream_options={"include_usage": True})
    assert_error(ask(gateway_process, body), 400, "invalid_value", param="stream_options")


@pytest.mark.parametrize("name", ["model", "messages"])
def test_a_missing_field_is_named(gateway_process: GatewayProcess, upstream: ScriptedUpstream, name: str) -> None:
    body = {key: value for key, value in chat().items() if key != name}
    assert_error(ask(gateway_process, body), 400, "invalid_value", param=name)


LAX: list[dict[str, Any]] = [
    {"stream": "true"},
    {"stream": 1},
    {"n": "2", "stream": True},
    {"n": True},
    {"max_tokens": "5"},
    {"temperature": "0.5"},
    {"logprobs": "true"},
    {"logprobs": True, "top_logprobs": "3"},
    {"parallel_tool_calls": "no"},
    {"seed": "17"},
]


@pytest.mark.parametrize("fields", LAX, ids=json.dumps)
def test_a_number_or_a_truth_in_quotes_is_not_one(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, fields: dict[str, Any]
) -> None:
    """What the gateway takes for something else than vLLM does, it would treat by the wrong rules."""
    error = assert_error(ask(gateway_process, chat(**fields)), 400, "invalid_value")
    assert error["param"] in fields
    assert not upstream.bodies


@pytest.mark.parametrize("value", [None, False, 0, -1, 1e300, 2**63, "", CANARY, [], [CANARY], {}, {CANARY: [1]}])
@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
def test_no_value_of_any_field_breaks_the_gateway(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, path: str, value: Any
) -> None:
    valid = chat() if path == CHAT else {"model": "llama", "prompt": "hello"}
    for name in sorted((CHAT_FIELDS if path == CHAT else COMPLETION_FIELDS) - {"model"}):
        answer = ask(gateway_process, {**valid, name: value}, path=path)
        assert answer.status in {200, 400}, (name, answer.body)
        if answer.status == 400:
            assert_error(answer, 400, "invalid_value")


MESSAGES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown role": ({"role": CANARY, "content": "x"}, "messages[0].role"),
    "no role": ({"content": CANARY}, "messages[0].role"),
    "role is a list": ({"role": ["user"], "content": "x"}, "messages[0].role"),
    "content is a number": ({"role": "user", "content": 5}, "messages[0].content"),
    "content is an object": ({"role": "user", "content": {"type": "text", "text": CANARY}}, "messages[0].content"),
    "content is true": ({"role": "user", "content": True}, "messages[0].content"),
    "name is a number": ({"role": "user", "content": "x", "name": 5}, "messages[0].name"),
    "tool calls are a text": ({"role": "assistant", "tool_calls": CANARY}, "messages[0].tool_calls"),
    "a tool call is a text": ({"role": "assistant", "tool_calls": [CANARY]}, "messages[0].tool_calls[0]"),
    "a tool call without function": (
        {"role": "assistant", "tool_calls": [{"id": CANARY}]},
        "messages[0].tool_calls[0].function",
    ),
    "a function without name": (
        {"role": "assistant", "tool_calls": [{"function": {"arguments": CANARY}}]},
        "messages[0].tool_calls[0].function.name",
    ),
    "tool call id is a number": ({"role": "tool", "content": "x", "tool_call_id": 5}, "messages[0].tool_call_id"),
}


@pytest.mark.parametrize(("message", "param"), MESSAGES.values(), ids=MESSAGES.keys())
def test_a_wrong_message_is_refused_by_its_path(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, message: dict[str, Any], param: str
) -> None:
    assert_error(ask(gateway_process, chat(messages=[message])), 400, "invalid_value", param=param)
    assert not upstream.bodies


IMAGE = {"url": f"data:image/png;base64,{CANARY}"}
PARTS: dict[str, Any] = {
    "an image": {"type": "image_url", "image_url": IMAGE},
    "an input image": {"type": "input_image", "image_url": CANARY},
    "an image without its type": {"image_url": IMAGE},
    "audio": {"type": "input_audio", "input_audio": {"data": CANARY, "format": "wav"}},
    "an audio address": {"type": "audio_url", "audio_url": {"url": CANARY}},
    "a video": {"type": "video_url", "video_url": {"url": CANARY}},
    "a file": {"type": "file", "file": {"file_data": CANARY}},
    "embeddings": {"type": "image_embeds", "image_embeds": CANARY},
    "a text with an image": {"type": "text", "text": "look", "image_url": IMAGE},
    "a text with audio": {"type": "text", "text": "listen", "input_audio": {"data": CANARY}},
    "an unknown type": {"type": CANARY, "text": "x"},
    "no type": {"text": CANARY},
    "an empty part": {},
    "type is a number": {"type": 1, "text": CANARY},
    "type is null": {"type": None, "text": CANARY},
    "a text part without text": {"type": "text"},
    "a text part whose text is null": {"type": "text", "text": None},
    "a text part whose text is an object": {"type": "text", "text": {"value": CANARY}},
    "a number": 5,
    "null": None,
    "a list": [CANARY],
}


@pytest.mark.parametrize("role", ["system", "developer", "assistant", "tool"])
def test_an_image_is_refused_whoever_sends_it(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, role: str
) -> None:
    message = {"role": role, "tool_call_id": "c", "content": [PARTS["an image"]]}
    answer = ask(gateway_process, chat(messages=[message]))
    assert_error(answer, 400, "invalid_value", param="messages[0].content[0].type")
    assert not upstream.bodies


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS.keys())
def test_only_text_parts_are_accepted(gateway_process: GatewayProcess, upstream: ScriptedUpstream, part: Any) -> None:
    message = {"role": "user", "content": [{"type": "text", "text": "first"}, part]}
    error = assert_error(ask(gateway_process, chat(messages=[message])), 400, "invalid_value")
    assert (error["param"] or "").startswith("messages[0].content[1]")
    assert not upstream.bodies


PROMPTS: dict[str, Any] = {
    "token numbers": [1, 2, 3],
    "lists of token numbers": [[1, 2], [3]],
    "a text and token numbers": [CANARY, [1, 2]],
    "no prompts": [],
    "more than can be answered at a time": ["hello"] * 1025,
    "nothing": None,
    "a number": 5,
    "an object": {"text": CANARY},
    "a list of lists of texts": [[CANARY]],
    "a text and null": [CANARY, None],
    "true": True,
}


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_only_prompts_of_text_are_accepted(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, prompt: Any
) -> None:
    answer = ask(gateway_process, {"model": "llama", "prompt": prompt}, path=COMPLETIONS)
    error = assert_error(answer, 400, "invalid_value")
    assert (error["param"] or "").startswith("prompt")
    assert not upstream.bodies


def _ask_completion(gateway: GatewayProcess, **fields: Any) -> Answer:
    return ask(gateway, {"model": "llama", "prompt": "hello", **fields}, path=COMPLETIONS)


@pytest.mark.parametrize("count", [6, 20, 21, 10**9])
def test_more_log_probabilities_than_the_policy_has_are_refused(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, count: int
) -> None:
    answer = ask(gateway_process, chat(logprobs=True, top_logprobs=count))
    assert "requests: {logprobs:" in assert_error(answer, 400, "invalid_value", param="top_logprobs")["message"]
    assert_error(_ask_completion(gateway_process, logprobs=count), 400, "invalid_value", param="logprobs")
    assert not upstream.bodies


def test_as_many_log_probabilities_as_the_policy_has_are_served(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    assert ask(gateway_process, chat(logprobs=True, top_logprobs=5)).status == 200
    assert _ask_completion(gateway_process, logprobs=5).status == 200


def test_keys_that_become_the_same_are_kept_apart(gateway_process: GatewayProcess, upstream: ScriptedUpstream) -> None:
    metadata = {"ada@example.org": "1", "<EMAIL_ADDRESS_1>": "2"}
    assert ask(gateway_process, chat(metadata=metadata)).status == 200
    sent = upstream.bodies[0]["metadata"]
    assert sorted(sent.values()) == ["1", "2"]
    assert "ada@example.org" not in sent
