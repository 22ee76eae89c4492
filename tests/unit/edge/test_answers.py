"""The wire format is in tests/golden; here is what a stage can do to an answer."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.edge.answers import AnswerWriter, ChatFormat, CompletionFormat, Head
from gateway.errors import Blocked, StageFailed, UpstreamFailed
from gateway.pipeline.channel import Channel
from gateway.pipeline.exchange import Exchange
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.stage import Chain, Outlets, PassThrough, StreamFilter
from tests.laws.strategies import exchange
from tests.support.upstream import chunks, completion, text_completion


class WordGuard:
    """Blocks an answer with a word in it, breaks on another."""

    def on_request(self, prompt: Prompt, _: Exchange) -> Prompt:
        return prompt

    def open(self, _: Exchange, channel: Channel) -> StreamFilter:
        return _Watch()


class _Watch(PassThrough):
    def push(self, text: str) -> str:
        if "secret" in text:
            raise Blocked("guard.words")
        if "bug" in text:
            raise ValueError(text)
        return text


def writer(form: Any = None) -> AnswerWriter:
    return AnswerWriter(form or ChatFormat(), Outlets(Chain([WordGuard()]), exchange()), Head("id", "llama", False))


def test_a_blocked_whole_answer_says_so_and_nothing_of_it() -> None:
    written = writer().whole(completion("a secret"))
    assert written["choices"] == [
        {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "content_filter"}
    ]


def test_a_blocked_stream_ends_that_choice_and_no_other() -> None:
    write = writer()
    assert write.chunk(chunks(["a secret"])[1]) == {
        "id": "id",
        "object": "chat.completion.chunk",
        "created": 1750000000,
        "model": "llama",
        "choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}],
    }
    assert write.chunk(chunks(["more"])[1]) is None
    assert set(write.blocked_choices) == {0}
    other = write.chunk(chunks(["fine"], choice=1)[1])
    assert other is not None
    assert other["choices"][0]["delta"] == {"content": "fine"}


@pytest.mark.parametrize(
    ("form", "answer"), [(ChatFormat(), completion("bug")), (CompletionFormat(), text_completion("bug"))]
)
def test_a_filter_that_breaks_stops_the_answer_and_is_not_quoted(form: Any, answer: dict[str, Any]) -> None:
    with pytest.raises(StageFailed) as caught:
        writer(form).whole(answer)
    assert "bug" not in caught.value.message


@pytest.mark.parametrize(
    "answer",
    [
        {}, {"choices": None}, {"choices": [1]}, {"choices": [{}]}, {"choices": [{"index": 0}]},
        {"choices": [{"index": "0", "message": {}}]}, {"choices": [{"index": 0, "message": {"content": 5}}]},
        {"choices": [{"index": 0, "message": {"tool_calls": [7]}}]},
    ],
)  # fmt: skip
def test_what_is_no_answer_is_an_upstream_failure(answer: dict[str, Any]) -> None:
    with pytest.raises(UpstreamFailed):
        writer().whole(answer)


def test_only_the_keys_of_the_openai_format_leave() -> None:
    answer = completion("hi", reasoning="because", invented="x", audio={"data": "x"})
    answer["choices"][0]["invented"] = "x"
    written = writer().whole(answer)
    assert set(written) == {"id", "object", "created", "model", "choices", "usage"}
    assert set(written["choices"][0]) == {"index", "message", "finish_reason"}
    assert written["choices"][0]["message"] == {"role": "assistant", "content": "hi", "reasoning": "because"}
