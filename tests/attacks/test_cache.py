"""Attempts to get from the cache what is another's, another answer, or no answer at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from aiohttp import web

from tests.cache.scene import Scene, cached_gateway
from tests.support.redis import RedisServer, redis_server
from tests.support.upstream import stream as write_stream

Json = dict[str, Any]

_USAGE = {
    "prompt_tokens": 1,
    "completion_tokens": 2,
    "total_tokens": 3,
    "completion_tokens_details": {"reasoning_tokens": 1},
}
_TOKEN = {"token": "hi", "logprob": -0.1, "bytes": [104, 105], "top_logprobs": []}
_CALLS = [
    {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"to": "<EMAIL_ADDRESS_1>"}'}},
    {"id": "b", "type": "function", "function": {"name": "g", "arguments": '{"x": "<EMAIL_ADDRESS_1>\\n"}'}},
]
_SAID: dict[str, list[Json]] = {
    "a text": [{"content": "Dear <EMAIL_ADDRESS_1>!"}],
    "two choices": [{"content": "Dear <EMAIL_ADDRESS_1>!"}, {"content": "Hi <EMAIL_ADDRESS_1>."}],
    "reasoning": [{"content": "So.", "reasoning": "It is <EMAIL_ADDRESS_1>", "reasoning_content": "<EMAIL_ADDRESS_1>"}],
    "a refusal": [{"content": "", "refusal": "Not to <EMAIL_ADDRESS_1>."}],
    "half a placeholder": [{"content": "It is <EMAIL_ADD"}],
    "calls": [{"content": "", "tool_calls": _CALLS}],
    "nothing": [{"content": ""}],
}


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def running(redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    directory = tmp_path_factory.mktemp("gateway")
    with cached_gateway(directory, cache="{tool_calls: true}", store=redis.url) as scene:
        yield scene


@pytest.fixture
def scene(running: Scene) -> Scene:
    running.upstream.reset()
    return running


def test_a_placeholder_that_somebody_types_is_nobody_s_value(scene: Scene) -> None:
    both, typed, reverse = (
        "Mail {}, or else bob@example.org.",
        "Mail <EMAIL_ADDRESS_1>, or else {}.",
        "Mail {}, or else <EMAIL_ADDRESS_1>.",
    )
    for text in (
        both.format("ada@example.org"),
        typed.format("grace@example.org"),
        typed.format("ada@example.org"),
        both.format("<EMAIL_ADDRESS_1>"),
        reverse.format("ada@example.org"),
        typed.format("<EMAIL_ADDRESS_2>"),
    ):
        for stream in (False, True):
            assert scene.ask(text, stream=stream).text == text


def test_json_and_text_are_other_questions(scene: Scene) -> None:
    """Values are restored with escapes in the one and without in the other."""
    scene.upstream.says('{"name": "<PERSON_1>"}')
    text = "I am Conan O'Brien."
    assert scene.ask(text).cache == "miss"
    for cache in ("miss", "hit"):
        answer = scene.ask(text, response_format={"type": "json_object"})
        assert answer.cache == cache
        assert json.loads(answer.text) == {"name": "Conan O'Brien"}


@pytest.mark.parametrize("field", ["response_format", "tools"])
def test_the_order_of_properties_is_another_question(scene: Scene, field: str) -> None:
    properties = {"reasoning": {"type": "string"}, "answer": {"type": "string"}}
    for cache in ("miss", "hit"):
        for order in (properties, dict(reversed(properties.items()))):
            schema = {"type": "object", "properties": order}
            form: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
            tools: Any = [{"type": "function", "function": {"name": "x", "parameters": schema}}]
            fields = {"response_format": form} if field == "response_format" else {"tools": tools}
            assert scene.ask("In which order?", **fields).cache == cache


def _whole(said: list[Json]) -> Json:
    choices = [
        {"index": index, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
        for index, message in enumerate(said)
    ]
    choices[0]["logprobs"] = {"content": [_TOKEN]}
    return {"id": "u", "object": "chat.completion", "created": 7, "choices": choices, "usage": _USAGE}


def _events(said: list[Json]) -> Iterator[Json]:
    def event(index: int, delta: Json, **more: Any) -> Json:
        return {"created": 7, "choices": [{"index": index, "delta": delta, "finish_reason": None, **more}]}

    for index, _ in enumerate(said):
        yield event(index, {"role": "assistant", "content": ""})
    yield event(0, {}, logprobs={"content": [_TOKEN]})
    for index, message in enumerate(said):
        for name, text in message.items():
            if name != "tool_calls":
                yield from (event(index, {name: piece}) for piece in text)
        for number, call in enumerate(message.get("tool_calls", ())):
            function = {"name": call["function"]["name"], "arguments": ""}
            yield event(index, {"tool_calls": [{**call, "index": number, "function": function}]})
            for piece in call["function"]["arguments"]:
                yield event(index, {"tool_calls": [{"index": number, "function": {"arguments": piece}}]})
    for index, _ in enumerate(said):
        yield event(index, {}, finish_reason="stop")
    yield {"created": 7, "choices": [], "usage": _USAGE}


def _answer(scene: Scene, text: str, *, stream: bool, choices: int, cached: bool) -> tuple[str, Json]:
    """What the cache did, and all that the client got, whole or put together from the stream."""
    body = {"model": "llama", "messages": [{"role": "user", "content": text}], "temperature": 0, "n": choices}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    headers = {"authorization": f"Bearer {scene.gateway.token}", **({} if cached else {"cache-control": "no-store"})}
    with httpx.Client(trust_env=False, timeout=20) as client:
        response = client.post(f"{scene.gateway.url}/v1/chat/completions", json=body, headers=headers)
    assert response.status_code == 200, response.text
    if not stream:
        document = response.json()
        got = {str(c["index"]): {**c["message"], "logprobs": c.get("logprobs")} for c in document["choices"]}
        return response.headers["x-cache"], {"usage": document["usage"], **got}
    collected: Json = {}
    for line in response.text.splitlines():
        if line.startswith("data: {"):
            _collect(collected, json.loads(line[6:]))
    return response.headers["x-cache"], collected


def _collect(collected: Json, event: Json) -> None:
    if event.get("usage"):
        collected["usage"] = event["usage"]
    for choice in event["choices"]:
        got = collected.setdefault(str(choice["index"]), {"role": "assistant", "logprobs": None})
        got["logprobs"] = choice.get("logprobs") or got["logprobs"]
        for name, text in choice["delta"].items():
            if name not in ("role", "tool_calls"):
                got[name] = got.get(name, "") + text
        for piece in choice["delta"].get("tool_calls", ()):
            calls = got.setdefault("tool_calls", [])
            if piece["index"] == len(calls):
                calls.append({"id": piece["id"], "type": piece["type"], "function": {"name": "", "arguments": ""}})
            for name, text in piece["function"].items():
                calls[piece["index"]]["function"][name] += text


@pytest.mark.parametrize("name", _SAID)
@pytest.mark.parametrize("first", [True, False])
def test_with_or_without_a_cache_a_client_gets_the_same(scene: Scene, name: str, first: bool) -> None:
    said = _SAID[name]

    async def answer(request: web.Request, body: Json) -> web.StreamResponse:
        if body.get("stream"):
            return await write_stream(request, list(_events(said)))
        return web.json_response(_whole(said))

    scene.upstream.handler = answer
    text = f"Write {name} to ada@example.org, {first}."
    asked: Json = {"choices": len(said)}
    wanted = {stream: _answer(scene, text, stream=stream, cached=False, **asked)[1] for stream in (True, False)}
    assert wanted[True] == wanted[False]
    for stream, cache in ((first, "miss"), (first, "hit"), (not first, "hit")):
        assert _answer(scene, text, stream=stream, cached=True, **asked) == (cache, wanted[stream])


def test_something_else_under_the_name_of_an_entry_is_a_miss(scene: Scene, redis: RedisServer) -> None:
    redis.cli("FLUSHALL")
    for command in (("RPUSH", "a"), ("HSET", "a", "b"), ("SETRANGE", "3000000", "x")):
        assert scene.ask("What is there?").cache == "miss"
        [key] = redis.cli("KEYS", "*").split()
        redis.cli("DEL", key)
        redis.cli(command[0], key, *command[1:])
        assert [scene.ask("What is there?").cache for _ in range(2)] == ["miss", "hit"]
        redis.cli("FLUSHALL")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/admin/cache", 405),
        ("PUT", "/admin/cache", 405),
        ("OPTIONS", "/admin/cache", 405),
        ("DELETE", "/admin/cache/", 404),
        ("DELETE", "/admin/%63ache", 404),
        ("DELETE", "/admin//cache", 404),
        ("DELETE", "/ADMIN/cache", 404),
        ("DELETE", "/admin/cache?subject=%ED%A0%80", 400),
        ("DELETE", "/admin/cache?subject=jane&", 400),
        ("DELETE", "/admin/cache?subject=%00", 200),
        ("DELETE", "/admin/cache?subject=jane%20", 200),
        ("DELETE", "/admin/cache?subject=jane;tenant=globex", 200),
        ("DELETE", f"/admin/cache?subject={'x' * 50_000}", 200),
        ("HEAD", "/admin/cache", 200),
    ],
)
def test_an_administrator_s_odd_requests_forget_nothing_of_jane_s(
    scene: Scene, method: str, path: str, status: int
) -> None:
    jane = scene.token("acme", "jane")
    scene.ask("Still there?", token=jane)
    headers = {"authorization": f"Bearer {scene.token('acme', 'boss')}"}
    with httpx.Client(trust_env=False, timeout=20) as client:
        response = client.request(method, scene.gateway.url + path, headers=headers)
    assert response.status_code == status
    assert scene.ask("Still there?", token=jane).cache == "hit"
