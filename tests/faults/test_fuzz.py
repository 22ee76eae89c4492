"""Requests changed at random: whatever comes, the answer is well formed, and nothing breaks or is quoted."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.faults.wire import CANARY, ask, assert_error
from tests.support.gateway import GatewayProcess
from tests.support.upstream import ScriptedUpstream

EXPECTED = {200, 400, 401, 404, 413}
# Every field of the API that has a shape of its own, once.
VALID: dict[str, Any] = {
    "user": "u",
    "messages": [
        {"role": "system", "content": "be kind"},
        {"role": "user", "name": "u", "content": [{"type": "text", "text": "I am Ada Lovelace"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "ada@example.org"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}],
    "tool_choice": "auto",
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
    "structured_outputs": {"choice": ["a", "b"]},
    "stream": True,
    "stream_options": {"include_usage": True},
    "chat_template_kwargs": {"enable_thinking": False},
    "metadata": {"k": "v"},
    "logit_bias": {"5": 1.0},
    "stop": ["x"],
    "n": 2,
    "logprobs": True,
    "top_logprobs": 2,
    "modalities": ["text"],
    "temperature": 0.5,
    "model": "llama",
}
_WORDS = st.sampled_from(
    [
        CANARY,
        "",
        "text",
        "user",
        "function",
        "image_url",
        "json_object",
        "prompt_logprobs",
        "documents",
        "<PERSON_1>",
        "2",
    ]
)
_TEXTS = _WORDS | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | _TEXTS
_TREES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3), max_leaves=8
)


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, inner in items for place in _places(inner, (*path, key)))]


def _changed(node: Any, path: tuple[Any, ...], how: str, tree: Any) -> Any:
    """A copy with one place replaced by a tree, dropped, doubled or given the tree as one more child."""
    if not path:
        return {**node, CANARY: tree} if isinstance(node, dict) and how == "add" else tree
    copy = dict(node) if isinstance(node, dict) else list(node)
    if len(path) == 1 and how == "drop":
        del copy[path[0]]
    elif len(path) == 1 and how == "double" and isinstance(copy, list):
        copy.append(copy[path[0]])
    else:
        copy[path[0]] = _changed(copy[path[0]], path[1:], how, tree)
    return copy


@st.composite
def bodies(draw: st.DrawFn) -> Any:
    """A valid request, changed in up to three places."""
    body: Any = VALID
    for _ in range(draw(st.integers(1, 3))):
        places = _places(body)[1:] or [()]
        how = draw(st.sampled_from(["replace", "drop", "double", "add", "add"]))
        body = _changed(body, draw(st.sampled_from(places)), how, draw(_TREES))
    return body


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(body=bodies())
def test_whatever_the_body_is_the_answer_is_well_formed(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, body: Any
) -> None:
    upstream.says("<PERSON_1> and <EMAIL_ADDRESS_1>")
    answer = ask(gateway_process, json.dumps(body).encode())
    assert answer.status in EXPECTED, answer.body
    if answer.status != 200:
        assert_error(answer, answer.status, answer.document["error"]["code"])
    elif answer.headers["content-type"] == "application/json":
        assert answer.document["object"] == "chat.completion"
    else:
        assert answer.events[-1] == "[DONE]"
        assert not [event for event in answer.events[:-1] if "error" in json.loads(event)]


@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(raw=st.binary(max_size=200), at=st.integers(0, 2**16), length=st.integers(0, 40))
def test_bytes_changed_at_random_are_answered_well(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, raw: bytes, at: int, length: int
) -> None:
    valid = json.dumps(VALID).encode()
    at %= len(valid)
    answer = ask(gateway_process, valid[:at] + raw + valid[at + length :])
    assert answer.status in EXPECTED, answer.body
    if answer.status != 200:
        assert_error(answer, answer.status, answer.document["error"]["code"])
