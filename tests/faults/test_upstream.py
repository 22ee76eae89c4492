"""An upstream that is not there, not well or not what it should be, before anything of its answer has left."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from aiohttp import web

from tests.faults.wire import CANARY, ask, assert_error, chat
from tests.support.gateway import GatewayProcess
from tests.support.upstream import Handler, ScriptedUpstream, chunks, completion

PRIVATE = "Ada Lovelace"
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def _says(status: int, body: str | bytes, content_type: str = "application/json", **headers: str) -> Handler:
    async def answer(request: web.Request, sent: dict[str, Any]) -> web.StreamResponse:
        raw = body.encode() if isinstance(body, str) else body
        return web.Response(status=status, body=raw, content_type=content_type, headers=headers)

    return answer


def _vllm_error(message: str, code: int = 400) -> str:
    return json.dumps({"error": {"message": message, "type": "BadRequestError", "param": CANARY, "code": code}})


@both_ways
@pytest.mark.parametrize("model", ["gone", "slamming"])
def test_an_upstream_that_cannot_be_reached_is_a_502(hasty_gateway: GatewayProcess, model: str, stream: bool) -> None:
    assert_error(ask(hasty_gateway, chat(CANARY, model=model, stream=stream)), 502, "upstream_failed", param=None)


ANSWERS: dict[str, tuple[Handler, int, str]] = {
    "HTML with 200": (_says(200, f"<html>{CANARY}</html>", "text/html"), 502, "upstream_failed"),
    "an empty 200": (_says(200, ""), 502, "upstream_failed"),
    "JSON that is no object": (_says(200, json.dumps([CANARY])), 502, "upstream_failed"),
    "JSON that is no answer": (_says(200, json.dumps({"said": CANARY})), 502, "upstream_failed"),
    "an error with 200": (_says(200, _vllm_error(CANARY)), 502, "upstream_failed"),
    "half of a JSON document": (_says(200, json.dumps(completion(CANARY))[:-20]), 502, "upstream_failed"),
    "not UTF-8": (_says(200, b'{"choices": "\xff' + CANARY.encode() + b'"}'), 502, "upstream_failed"),
    "a compressed answer": (
        _says(200, gzip.compress(json.dumps(completion(CANARY)).encode()), **{"content-encoding": "gzip"}),
        502,
        "upstream_failed",
    ),
    "200 and something": (_says(206, json.dumps(completion(CANARY))), 502, "upstream_failed"),
    "204": (_says(204, ""), 502, "upstream_failed"),
    "400 that quotes the prompt": (_says(400, _vllm_error(f"bad: {CANARY}")), 400, "invalid_value"),
    "413 that quotes the prompt": (_says(413, _vllm_error(f"bad: {CANARY}")), 400, "invalid_value"),
    "422 that quotes the prompt": (_says(422, _vllm_error(f"bad: {CANARY}")), 400, "invalid_value"),
    "too long a context": (
        _says(400, _vllm_error(f"This model's maximum context length is 1024 tokens. {CANARY}")),
        400,
        "context_length_exceeded",
    ),
    "too long a prompt": (
        _says(400, _vllm_error(f"The prompt is longer than the maximum model length of 1024. {CANARY}")),
        400,
        "context_length_exceeded",
    ),
    "401": (_says(401, _vllm_error(CANARY)), 502, "upstream_failed"),
    "403": (_says(403, _vllm_error(CANARY)), 502, "upstream_failed"),
    "404": (_says(404, _vllm_error(f"The model {CANARY} does not exist")), 502, "upstream_failed"),
    "429": (_says(429, _vllm_error(CANARY)), 503, "overloaded"),
    "500 with the prompt": (_says(500, f"Traceback: {CANARY}", "text/plain"), 502, "upstream_failed"),
    "502": (_says(502, f"<html>{CANARY}</html>", "text/html"), 502, "upstream_failed"),
    "503": (_says(503, _vllm_error(CANARY)), 503, "overloaded"),
    "an unknown status": (_says(599, CANARY, "text/plain"), 502, "upstream_failed"),
}


@both_ways
@pytest.mark.parametrize(("handler", "status", "code"), ANSWERS.values(), ids=ANSWERS.keys())
def test_what_an_upstream_answers_wrongly_becomes_an_error_of_the_gateways_own(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, handler: Handler, status: int, code: str, stream: bool
) -> None:
    upstream.handler = handler
    answer = ask(gateway_process, chat(f"{CANARY}, says {PRIVATE}", stream=stream))
    error = assert_error(answer, status, code)
    assert PRIVATE not in error["message"]
    assert len(upstream.bodies) == 1


def test_an_overloaded_answer_says_when_to_come_back(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    upstream.handler = _says(503, "")
    answer = ask(gateway_process, chat())
    assert_error(answer, 503, "overloaded")
    assert int({name.lower(): value for name, value in answer.headers.items()}["retry-after"]) >= 1


@both_ways
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, status: int, stream: bool
) -> None:
    upstream.handler = _says(status, CANARY, location=f"{upstream.url}/elsewhere")
    assert_error(ask(gateway_process, chat(stream=stream)), 502, "upstream_failed")
    assert upstream.paths == ["/v1/chat/completions"]


@both_ways
@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"])
def test_an_upstream_that_hangs_up_is_a_502(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, said: bytes, stream: bool
) -> None:
    async def hang_up(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(said)
        request.transport.close()
        raise asyncio.CancelledError

    upstream.handler = hang_up
    assert_error(ask(gateway_process, chat(CANARY, stream=stream)), 502, "upstream_failed")


async def _hangs(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    await asyncio.sleep(60)
    raise AssertionError


async def _hangs_in_the_middle(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"choices": [')
    await asyncio.sleep(60)
    return response


async def _hangs_somewhere(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    in_the_middle = "middle" in body["messages"][0]["content"]
    return await (_hangs_in_the_middle if in_the_middle else _hangs)(request, body)


def test_an_upstream_that_hangs_is_a_504_after_its_time(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    """Whole, streamed and within an answer, all at once to save the time."""
    upstream.handler = _hangs_somewhere
    bodies = [chat(CANARY), chat(CANARY, stream=True), chat(f"{CANARY} in the middle")]
    started = time.monotonic()
    with ThreadPoolExecutor(len(bodies)) as threads:
        for answer in threads.map(lambda body: ask(gateway_process, body), bodies):
            assert_error(answer, 504, "upstream_timeout")
    assert 2.5 < time.monotonic() - started < 6


def test_no_header_of_the_client_reaches_the_upstream(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    seen: list[str] = []

    async def remember(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        seen.append(repr(request.raw_headers))
        return web.json_response(completion("fine"))

    upstream.handler = remember
    mine = {"cookie": f"a={CANARY}", "x-mine": CANARY, "user-agent": CANARY, "x-forwarded-for": CANARY}
    assert ask(gateway_process, chat(), headers={**gateway_process.headers, **mine}).status == 200
    assert gateway_process.token not in seen[0]
    assert CANARY not in seen[0]


@both_ways
def test_no_header_of_the_upstream_reaches_the_client(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, stream: bool
) -> None:
    headers = {"set-cookie": f"a={CANARY}", "x-theirs": CANARY, "server": CANARY, "x-request-id": CANARY}

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if not stream:
            return web.json_response(completion("fine"), headers=headers)
        events = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in chunks(["fine"]))
        return web.Response(body=events + b"data: [DONE]\n\n", content_type="text/event-stream", headers=headers)

    upstream.handler = answer
    answered = ask(gateway_process, chat(stream=stream))
    assert answered.status == 200
    assert CANARY not in repr(answered.headers)


CHOICES: dict[str, Any] = {
    "no list": CANARY,
    "a text": [CANARY],
    "no index": [{"message": {"role": "assistant", "content": CANARY}}],
    "index is a text": [{"index": CANARY, "message": {"role": "assistant", "content": CANARY}}],
    "no message": [{"index": 0}],
    "message is a text": [{"index": 0, "message": CANARY}],
    "content is an object": [{"index": 0, "message": {"content": {"text": CANARY}}}],
    "content is a list": [{"index": 0, "message": {"content": [{"type": "text", "text": CANARY}]}}],
    "a tool call is a text": [{"index": 0, "message": {"content": None, "tool_calls": [CANARY]}}],
    "log probabilities without tokens": [
        {"index": 0, "message": {"content": "x"}, "logprobs": {"content": [{"token": {CANARY: 1}}]}}
    ],
}


@pytest.mark.parametrize("choices", CHOICES.values(), ids=CHOICES.keys())
def test_an_answer_of_another_form_is_a_502(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, choices: Any
) -> None:
    upstream.answers({**completion(CANARY), "choices": choices})
    assert_error(ask(gateway_process, chat(f"I am {PRIVATE}")), 502, "upstream_failed")


def test_fields_of_another_type_in_an_answer_do_not_get_through(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    document = completion("fine", role={CANARY: 1}, tool_calls=CANARY, refusal=None)
    choice = {**document["choices"][0], "finish_reason": CANARY, "logprobs": None}
    usage = {"prompt_tokens": CANARY, "completion_tokens": -1, "total_tokens": True, CANARY: 1}
    upstream.answers(
        {**document, "choices": [choice], "created": CANARY, "usage": usage, "id": CANARY, "model": CANARY}
    )
    answer = ask(gateway_process, chat())
    assert answer.status == 200
    assert CANARY not in answer.body.decode()
