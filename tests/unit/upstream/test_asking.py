"""Asking a server with the OpenAI API for measurements: what comes of an answer, and what of a failure."""

from __future__ import annotations

import asyncio
import email.utils
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from gateway.upstream.asking import Asker, AskingError, Question, Said, Server
from tests.support.upstream import Background, ScriptedUpstream, chunks, completion, stream, text_completion

SECRET = "a prompt that nobody may quote"
CHAT = Question(SECRET, is_chat=True, max_tokens=50)
TEXT = Question(SECRET, is_chat=False, max_tokens=50, temperature=0.7, seed=3)


@pytest.fixture(scope="module")
def running() -> Iterator[ScriptedUpstream]:
    with Background(ScriptedUpstream()) as upstream:
        yield upstream


@pytest.fixture
def upstream(running: ScriptedUpstream) -> ScriptedUpstream:
    running.reset()
    return running


def asked(upstream: ScriptedUpstream, question: Question = CHAT, *, timeout_s: float = 10.0, key: str = "") -> Said:
    async def ask() -> Said:
        async with Asker(Server(upstream.url, "m", key or None), timeout_s) as asker:
            return await asker.ask(question)

    return asyncio.run(ask())


def refused(upstream: ScriptedUpstream, question: Question = CHAT, *, timeout_s: float = 10.0) -> str:
    with pytest.raises(AskingError) as caught:
        asked(upstream, question, timeout_s=timeout_s)
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


def test_a_question_is_asked_as_a_stream_with_its_limits(upstream: ScriptedUpstream) -> None:
    upstream.says("fine")
    assert asked(upstream) == Said("fine")
    assert upstream.bodies == [
        {
            "model": "m",
            "messages": [{"role": "user", "content": SECRET}],
            "max_tokens": 50,
            "temperature": 0.0,
            "stream": True,
        }
    ]


def test_a_text_is_completed_with_a_seed(upstream: ScriptedUpstream) -> None:
    upstream.answers(text_completion("and so on"))
    assert asked(upstream, TEXT) == Said("and so on")
    assert upstream.paths == ["/v1/completions"]
    body = upstream.bodies[0]
    assert (body["prompt"], body["temperature"], body["seed"]) == (SECRET, 0.7, 3)


def test_the_key_is_sent_and_never_shown(upstream: ScriptedUpstream) -> None:
    seen: list[Any] = []

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        seen.append((request.headers.get("authorization"), request.headers.get("cache-control")))
        return web.json_response(completion("x"))

    upstream.handler = answer
    asked(upstream, key="sk-very-secret")
    assert seen == [("Bearer sk-very-secret", "no-store")]
    assert "secret" not in repr(Server(upstream.url, "m", "sk-very-secret"))


def test_questions_and_answers_are_not_shown_by_repr() -> None:
    assert SECRET not in repr(CHAT)
    assert SECRET not in repr(Said(SECRET))


def test_all_that_a_model_says_counts_thoughts_too(upstream: ScriptedUpstream) -> None:
    upstream.streams(
        [
            {"choices": [{"index": 0, "delta": {"reasoning_content": "I think "}}]},
            {"choices": [{"index": 0, "delta": {"content": "so"}}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        ]
    )
    assert asked(upstream).text == "I think so"
    upstream.answers(completion("so", reasoning="I think "))
    assert asked(upstream).text == "I think so"


def test_an_answer_that_a_filter_ended_says_so(upstream: ScriptedUpstream) -> None:
    upstream.streams(chunks(["as far", " as here"], finish="content_filter"))
    assert asked(upstream) == Said("as far as here", is_stopped=True)
    upstream.answers({"error": {"message": SECRET, "code": "content_filter"}}, 400)
    assert asked(upstream) == Said("", is_stopped=True)


def test_an_answer_that_breaks_off_has_a_fault_and_its_text(upstream: ScriptedUpstream) -> None:
    async def unfinished(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return await stream(request, chunks(["half"])[:-1], done=False)

    async def failing(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return await stream(request, [*chunks(["half"])[:-1], {"error": {"message": SECRET}}])

    async def broken(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(f"data: {json.dumps(chunks(['half'])[1])}\n\ndata: {{{SECRET}\n\n".encode())
        return response

    for handler in (unfinished, failing, broken):
        upstream.handler = handler
        said = asked(upstream)
        assert said.text == "half"
        assert said.fault
        assert SECRET not in said.fault


@pytest.mark.parametrize(
    ("status", "what"),
    [(401, "does not accept the key"), (403, "may not use"), (404, "ends in /v1"), (418, "status 418"), (500, "500")],
)
def test_a_refusal_is_told_by_its_status_only(upstream: ScriptedUpstream, status: int, what: str) -> None:
    upstream.answers({"error": {"message": f"cannot read {SECRET}"}}, status)
    assert what in refused(upstream)
    assert len(upstream.bodies) == 1


def test_a_bad_request_is_no_stopped_answer(upstream: ScriptedUpstream) -> None:
    for document in ({"error": {"code": "invalid_value"}}, {"error": "content_filter"}, ["content_filter"]):
        upstream.answers(document, 400)
        assert "400" in refused(upstream)


def test_a_busy_server_is_asked_again_when_it_says(upstream: ScriptedUpstream) -> None:
    async def busy(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if len(upstream.bodies) == 1:
            return web.json_response({}, status=429, headers={"retry-after": "0.2"})
        if len(upstream.bodies) == 2:
            soon = email.utils.formatdate(time.time() + 1, usegmt=True)
            return web.json_response({}, status=503, headers={"retry-after": soon})
        return web.json_response(completion("at last"))

    upstream.handler = busy
    assert asked(upstream).text == "at last"
    assert len(upstream.bodies) == 3


def test_who_does_not_answer_in_time_is_told(upstream: ScriptedUpstream) -> None:
    async def slow(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        await asyncio.sleep(20)
        return web.json_response(completion("late"))

    upstream.handler = slow
    assert "0.3 s" in refused(upstream, timeout_s=0.3)


def test_who_is_not_there_is_told() -> None:
    async def ask() -> None:
        async with Asker(Server("http://127.0.0.1:9/v1", "m"), 5.0) as asker:
            await asker.ask(CHAT)

    with pytest.raises(AskingError, match="cannot be reached"):
        asyncio.run(ask())


@pytest.mark.parametrize("document", [{"choices": []}, {"choices": 5}, [], "text", {}], ids=str)
def test_what_is_no_answer_is_told(upstream: ScriptedUpstream, document: Any) -> None:
    upstream.answers(document)
    assert "not one of the OpenAI API" in refused(upstream)


def test_where_it_redirects_to_is_not_asked(upstream: ScriptedUpstream) -> None:
    """A prompt goes to the server that was named, and to no other."""

    async def elsewhere(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return web.Response(status=307, headers={"location": f"{upstream.url}/chat/completions?again"})

    upstream.handler = elsewhere
    assert "307" in refused(upstream)
    assert len(upstream.bodies) == 1


def summed(upstream: ScriptedUpstream, texts: list[str]) -> list[float]:
    async def ask() -> list[float]:
        async with Asker(Server(upstream.url, "m"), 10.0) as asker:
            return await asker.log_probabilities(texts)

    return asyncio.run(ask())


def test_log_probabilities_are_summed_in_the_order_of_the_texts(upstream: ScriptedUpstream) -> None:
    rows = [(1, [None, -3.0]), (0, [None, -1.0, -0.5])]
    upstream.answers({"choices": [{"index": at, "logprobs": {"token_logprobs": row}} for at, row in rows]})
    assert summed(upstream, ["a b c", "d e"]) == [-1.5, -3.0]
    body = upstream.bodies[0]
    assert (body["echo"], body["max_tokens"], body["prompt"]) == (True, 0, ["a b c", "d e"])


@pytest.mark.parametrize(
    "choices",
    [[{"index": 0, "logprobs": None}, {"index": 1}], [{"index": 0, "logprobs": {"token_logprobs": [None, -1.0]}}]],
    ids=["none", "too few"],
)
def test_a_server_without_log_probabilities_of_prompts_is_told(upstream: ScriptedUpstream, choices: Any) -> None:
    upstream.answers({"choices": choices})
    with pytest.raises(AskingError, match="no log probabilities of prompts"):
        summed(upstream, ["a b", "c d"])


def test_models_are_listed_by_name(upstream: ScriptedUpstream) -> None:
    async def ask() -> list[str]:
        async with Asker(Server(upstream.url, "m"), 10.0) as asker:
            return await asker.models()

    assert asyncio.run(ask()) == []
