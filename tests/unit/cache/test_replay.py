"""A recorded answer can be given in either form, and says the same in both."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.cache.replay import as_events, as_whole

TEXT = st.text(max_size=12)
FINISH = st.sampled_from(["stop", "length", "tool_calls"])
CALLS = st.lists(
    st.fixed_dictionaries(
        {"id": TEXT, "type": st.just("function"), "function": st.fixed_dictionaries({"name": TEXT, "arguments": TEXT})}
    ),
    min_size=1,
    max_size=3,
)
TOKENS = st.lists(st.fixed_dictionaries({"token": TEXT, "logprob": st.floats(-9, 0)}), max_size=4)
MESSAGES = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": st.none() | TEXT},
    optional={"refusal": TEXT, "reasoning": TEXT, "reasoning_content": TEXT, "tool_calls": CALLS},
)


def _choices(said: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    def numbered(choices: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"index": index, **choice} for index, choice in enumerate(choices)]

    return st.lists(said, min_size=1, max_size=3).map(numbered)


CHAT = st.fixed_dictionaries(
    {"message": MESSAGES, "finish_reason": FINISH},
    optional={"logprobs": st.fixed_dictionaries({"content": TOKENS})},
)
PLAIN = st.fixed_dictionaries({"text": TEXT, "finish_reason": FINISH})
USAGE = st.fixed_dictionaries({"prompt_tokens": st.integers(0, 9), "completion_tokens": st.integers(0, 9)})
ANSWERS = st.fixed_dictionaries(
    {"id": TEXT, "created": st.integers(0, 9), "model": TEXT, "choices": _choices(CHAT) | _choices(PLAIN)},
    optional={"usage": USAGE},
)


@given(ANSWERS)
def test_a_whole_answer_says_the_same_as_a_stream(answer: dict[str, Any]) -> None:
    events = list(as_events(answer))
    assert as_whole(events) == answer
    assert all("usage" not in event for event in events if event["choices"])


@given(text=st.text(max_size=40), cuts=st.lists(st.integers(0, 40), max_size=6))
def test_how_a_stream_is_cut_does_not_matter(text: str, cuts: list[int]) -> None:
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[a:b] for a, b in pairwise(edges)] or [text]
    call = [{"index": 2, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]
    events: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
        {"choices": [{"index": 0, "delta": {"tool_calls": call}}]},
        *({"choices": [{"index": 0, "delta": {"content": p}, "finish_reason": None}]} for p in pieces),
        *(
            {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 2, "function": {"arguments": p}}]}}]}
            for p in pieces
        ),
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": 1}},
    ]
    function = {"name": "f", "arguments": text}
    message = {
        "role": "assistant",
        "content": text,
        "tool_calls": [{"function": function, "id": "c", "type": "function"}],
    }
    whole = as_whole(events)
    assert whole["choices"] == [{"index": 0, "finish_reason": "stop", "message": message}]
    assert whole["usage"] == {"prompt_tokens": 1}


def test_numbers_of_calls_are_only_numbers() -> None:
    piece = {"index": 10**15, "function": {"name": "f", "arguments": "{}"}}
    whole = as_whole([{"choices": [{"index": 0, "delta": {"tool_calls": [piece]}, "finish_reason": "stop"}]}])
    assert whole["choices"][0]["message"]["tool_calls"] == [{"function": {"name": "f", "arguments": "{}"}}]
