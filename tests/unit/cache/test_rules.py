"""Which requests and which answers are for the cache."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.cache.names import canonical
from gateway.cache.rules import may_ask, may_keep
from gateway.pipeline.ports import Call
from gateway.policy.schema import Cache


def _call(body: dict[str, Any], *, uncached: bool = False) -> Call:
    return Call("default", "/chat/completions", body, "acme", 1.0, uncached=uncached)


@pytest.mark.parametrize(
    ("body", "deterministic"),
    [
        ({"temperature": 0}, True),
        ({"temperature": 0.0}, True),
        ({"seed": 0}, True),
        ({"seed": 7, "temperature": 1}, True),
        ({}, False),
        ({"temperature": None, "seed": None}, False),
        ({"temperature": 0.1}, False),
    ],
)
def test_only_what_the_model_would_say_again(body: dict[str, Any], deterministic: bool) -> None:
    assert may_ask(_call(body), Cache()) is deterministic
    assert may_ask(_call(body), Cache(when="always"))
    assert not may_ask(_call(body), Cache(when="never"))
    assert not may_ask(_call(body, uncached=True), Cache(when="always"))


def _answer(finish: Any, **message: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"content": "x", **message}, "finish_reason": finish}]}


@pytest.mark.parametrize(
    ("finish", "kept"),
    [("stop", True), ("length", True), ("content_filter", False), ("abort", False), (None, False), (7, False)],
)
def test_only_whole_answers(finish: Any, kept: bool) -> None:
    assert may_keep([_answer(finish)], Cache()) is kept
    pieces: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]},
        {"choices": [], "usage": {}},
    ]
    assert may_keep(pieces, Cache()) is kept
    assert not may_keep([*pieces, {"choices": [{"index": 1, "delta": {"content": "y"}}]}], Cache(when="always"))


def test_nothing_is_no_answer() -> None:
    assert not may_keep([], Cache())
    assert not may_keep([{"choices": []}], Cache())


def test_answers_that_call_tools_only_if_the_policy_says_so() -> None:
    called = _answer("tool_calls", tool_calls=[{"function": {}}])
    assert not may_keep([called], Cache())
    assert not may_keep([_answer("stop", tool_calls=[{"function": {}}])], Cache())
    assert not may_keep([_answer("stop", function_call={"name": "f"})], Cache())
    assert may_keep([called], Cache(tool_calls=True))


def test_streamed_or_not_is_the_same_question() -> None:
    asked = {"messages": [], "temperature": 0}
    assert canonical({**asked, "stream": True, "stream_options": {"include_usage": True}}) == asked
    assert canonical({**asked, "stream": True, "stream_options": None}) == asked
    assert canonical({**asked, "stream_options": {"continuous_usage_stats": True}}) != asked


def _named(**fields: Any) -> bytes:
    return orjson.dumps(canonical({"messages": [], "temperature": 0, **fields}))


def test_the_order_of_fields_is_no_other_question() -> None:
    one = {"role": "user", "content": "x"}
    two = dict(reversed(one.items()))
    assert _named(messages=[one], seed=1) == orjson.dumps(canonical({"seed": 1, "temperature": 0, "messages": [two]}))


@pytest.mark.parametrize("field", ["tools", "response_format", "structured_outputs", "chat_template_kwargs"])
def test_the_order_in_what_a_model_is_shown_is_another_question(field: str) -> None:
    properties = {"reasoning": {"type": "string"}, "answer": {"type": "string"}}
    asked = [{field: {"properties": p}} for p in (properties, dict(reversed(properties.items())))]
    assert _named(**asked[0]) != _named(**asked[1])
