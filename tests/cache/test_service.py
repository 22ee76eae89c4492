"""The cache as a client sees it: what is hit, what is not, and that each gets their own values back."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from openai import OpenAI

from tests.cache.scene import Answer, Scene, cached_gateway
from tests.support.redis import redis_server
from tests.support.upstream import chunks, completion
from tests.support.upstream import stream as write_stream


@pytest.fixture(scope="module", params=["memory", "redis"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    directory = tmp_path_factory.mktemp("cached")
    if request.param == "memory":
        with cached_gateway(directory) as scene:
            yield scene
        return
    with redis_server(directory / "redis") as redis, cached_gateway(directory, store=redis.url) as scene:
        yield scene


@pytest.fixture
def scene(running: Scene) -> Scene:
    running.upstream.reset()
    return running


def test_the_second_time_costs_nothing(scene: Scene) -> None:
    first, second = scene.ask("What is the second time?"), scene.ask("What is the second time?")
    assert (first.cache, first.age) == ("miss", None)
    assert (second.cache, second.text) == ("hit", first.text)
    assert second.age is not None
    assert 0 <= int(second.age) < 30
    assert scene.asked == 1


def test_the_same_question_about_others_is_a_hit_and_each_gets_their_own(scene: Scene) -> None:
    people = [("Ada Lovelace", "ada@example.org"), ("Grace Hopper", "grace@example.com"), ("Conan O'Brien", "c@b.de")]
    for number, (name, email) in enumerate(people):
        for stream in (False, True):
            answer = scene.ask(f"Write to {name}, whose address is {email}.", stream=stream)
            assert name in answer.text
            assert email in answer.text
            assert answer.cache == ("hit" if number or stream else "miss")
    assert scene.asked == 1
    seen = scene.upstream.raw[0].decode()
    assert not any(name in seen or email in seen for name, email in people)


def test_other_tenants_and_other_people_never_share(scene: Scene) -> None:
    tokens = ["", scene.gateway.other_token, scene.token("acme", "jane"), scene.token("acme", "joe")]
    for token in tokens:
        assert scene.ask("Who shares with whom?", token=token).cache == "miss"
    for token in tokens:
        assert scene.ask("Who shares with whom?", token=token).cache == "hit"
    assert scene.asked == len(tokens)


@pytest.mark.parametrize("directive", ["no-store", "no-cache", "max-age=0", "private, NO-STORE", "max-age=0,no-cache"])
def test_a_client_may_want_no_cache(scene: Scene, directive: str) -> None:
    text = f"Not from the cache, {directive}."
    for _ in range(2):
        assert scene.ask(text, headers={"cache-control": directive}).cache == "bypass"
    assert scene.ask(text).cache == "miss"
    assert scene.ask(text, headers={"cache-control": directive}).cache == "bypass"
    assert scene.asked == 4


@pytest.mark.parametrize("fields", [{"temperature": 1}, {"temperature": None}, {"temperature": 0.7, "top_p": 0.1}])
def test_what_is_not_deterministic_is_asked_each_time(scene: Scene, fields: dict[str, Any]) -> None:
    for stream in (False, True):
        for _ in range(2):
            assert scene.ask("Roll a die.", stream=stream, **fields).cache == "bypass"
    assert scene.asked == 4
    assert scene.ask("Roll a die.", seed=4, **fields).cache == "miss"
    assert scene.ask("Roll a die.", seed=4, **fields).cache == "hit"


def test_answers_that_call_tools_are_asked_for_each_time(scene: Scene) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    answer = completion(None, tool_calls=[call])
    answer["choices"][0]["finish_reason"] = "tool_calls"
    scene.upstream.answers(answer)
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert [scene.ask("Call it.", tools=tools).cache for _ in range(2)] == ["miss", "miss"]


@pytest.mark.parametrize("finish", ["content_filter", "abort", None])
def test_what_did_not_end_well_is_not_kept(scene: Scene, finish: str | None) -> None:
    answer = completion("half")
    answer["choices"][0]["finish_reason"] = finish
    scene.upstream.answers(answer)
    assert [scene.ask(f"End with {finish}.").cache for _ in range(2)] == ["miss", "miss"]


@pytest.mark.parametrize("status", [400, 429, 500])
def test_errors_are_not_kept(scene: Scene, status: int) -> None:
    scene.upstream.answers({"error": "x"}, status)
    assert scene.ask(f"Fail with {status}.").status != 200
    scene.upstream.says("well")
    assert scene.ask(f"Fail with {status}.").text == "well"


def test_a_stream_that_breaks_off_is_not_kept(scene: Scene) -> None:
    async def half(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return await write_stream(request, chunks(["half"])[:-1], done=False)

    scene.upstream.handler = half
    assert "half" in scene.ask("Break off.", stream=True).text
    scene.upstream.says("all of it")
    whole = scene.ask("Break off.", stream=True)
    assert (whole.text, whole.cache) == ("all of it", "miss")


def test_a_hit_is_replayed_as_a_stream_in_the_same_chunks(scene: Scene) -> None:
    scene.upstream.says("one two three four five six seven")
    first, second = (scene.ask("Count.", stream=True) for _ in range(2))
    assert (second.cache, second.text, second.events) == ("hit", first.text, first.events)
    assert first.events > 5
    assert scene.ask("Count.").text == first.text


def test_the_sdk_sees_no_difference(scene: Scene) -> None:
    client = OpenAI(base_url=f"{scene.gateway.url}/v1", api_key=scene.gateway.token, max_retries=0)
    messages: Any = [{"role": "user", "content": "Hello from jane.doe@example.org"}]
    asked: Any = {"model": "llama", "messages": messages, "temperature": 0}
    whole = [client.chat.completions.create(**asked) for _ in range(2)]
    assert whole[0].choices == whole[1].choices
    assert whole[0].usage == whole[1].usage
    assert whole[0].id != whole[1].id
    options: Any = {"stream": True, "stream_options": {"include_usage": True}}
    events = list(client.chat.completions.create(**asked, **options))
    text = "".join(c.delta.content or "" for event in events for c in event.choices)
    assert text == whole[0].choices[0].message.content
    assert [event.usage for event in events if event.usage] == [whole[0].usage]
    assert scene.asked == 1
    prompts: Any = {"model": "llama", "prompt": "Hello from jane.doe@example.org", "seed": 1}
    assert {client.completions.create(**prompts).choices[0].text for _ in range(2)} == {prompts["prompt"]}
    assert scene.asked == 2


def test_a_hundred_at_once_are_one_request(scene: Scene) -> None:
    gate = threading.Event()

    async def slow(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        while not gate.is_set():
            await asyncio.sleep(0.01)
        return web.json_response(completion("one answer"))

    scene.upstream.handler = slow
    with ThreadPoolExecutor(100) as pool:
        answers = [pool.submit(scene.ask, "All at once?") for _ in range(100)]
        scene.await_request()
        gate.set()
        done = [answer.result() for answer in answers]
    assert {(answer.status, answer.text) for answer in done} == {(200, "one answer")}
    assert sorted(answer.cache for answer in done) == ["hit"] * 99 + ["miss"]
    assert scene.asked == 1


def test_whoever_asked_first_may_go(scene: Scene) -> None:
    gate = threading.Event()

    async def slow(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        while not gate.is_set():
            await asyncio.sleep(0.01)
        return await write_stream(request, chunks(["to ", "the ", "end"]))

    scene.upstream.handler = slow
    with ThreadPoolExecutor(2) as pool, httpx.Client(trust_env=False) as leaving:
        first = pool.submit(scene.ask, "Who stays?", stream=True, client=leaving)
        scene.await_request()
        second = pool.submit(scene.ask, "Who stays?", stream=True)
        time.sleep(0.3)
        leaving.close()
        time.sleep(0.3)
        gate.set()
        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the closed client makes of it
            first.result()
        assert second.result().text == "to the end"
    assert scene.asked == 1


def test_names_in_the_answer_of_one_never_reach_another(scene: Scene) -> None:
    def ask(number: int) -> tuple[int, Answer]:
        return number, scene.ask(f"Thank person{number % 40}@example.org for it.", stream=bool(number % 3))

    with ThreadPoolExecutor(16) as pool:
        for number, answer in pool.map(ask, range(200)):
            assert answer.text == f"Thank person{number % 40}@example.org for it."
    assert scene.asked <= 4


def test_a_client_cannot_choose_the_salt(scene: Scene) -> None:
    assert scene.ask("With salt.", cache_salt="mine").status == 400


def test_the_audit_log_and_the_metrics_say_what_the_cache_gave(scene: Scene) -> None:
    for _ in range(2):
        scene.ask("Count me.")
    scene.ask("Count me.", headers={"cache-control": "no-store"})

    def given(events: list[dict[str, Any]]) -> list[str]:
        return [line["cache"] for line in events if line["event"] == "exchange"][-3:]

    wanted = ["miss", "hit", "bypass"]
    assert given(scene.gateway.events(lambda events: given(events) == wanted)) == wanted
    with httpx.Client(trust_env=False) as client:
        text = client.get(scene.gateway.metrics_url).text
    assert all(f'gateway_cache_requests_total{{result="{kind}"}}' in text for kind in ("hit", "miss", "bypass"))
    assert scene.mishaps() == {}


@pytest.fixture(scope="module")
def sharing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    directory: Path = tmp_path_factory.mktemp("sharing")
    with cached_gateway(directory, cache="{scope: tenant, when: always, tool_calls: true}") as scene:
        yield scene


def test_a_policy_may_let_a_tenant_share(sharing: Scene) -> None:
    jane, joe = sharing.token("acme", "jane"), sharing.token("acme", "joe")
    first = sharing.ask("Mail ada@example.org.", token=jane, temperature=1)
    second = sharing.ask("Mail grace@example.org.", token=joe, temperature=1)
    assert (first.cache, first.text) == ("miss", "Mail ada@example.org.")
    assert (second.cache, second.text) == ("hit", "Mail grace@example.org.")
    other = sharing.ask("Mail alan@example.org.", token=sharing.gateway.other_token, temperature=1)
    assert (other.cache, other.text) == ("miss", "Mail alan@example.org.")


def test_a_policy_may_keep_calls_of_tools(sharing: Scene) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"to": "<EMAIL_ADDRESS_1>"}'}}
    answer = completion(None, tool_calls=[call])
    answer["choices"][0]["finish_reason"] = "tool_calls"
    sharing.upstream.answers(answer)
    client: Any = OpenAI(base_url=f"{sharing.gateway.url}/v1", api_key=sharing.gateway.token, max_retries=0)
    before = sharing.asked
    for name in ("ada@example.org", "alan@example.org"):
        asked = {"model": "llama", "messages": [{"role": "user", "content": f"Call {name}."}]}
        made = client.chat.completions.create(**asked)
        assert json.loads(made.choices[0].message.tool_calls[0].function.arguments) == {"to": name}
        events = client.chat.completions.create(**asked, stream=True)
        calls = [call for event in events for c in event.choices for call in c.delta.tool_calls or ()]
        assert json.loads("".join(call.function.arguments or "" for call in calls)) == {"to": name}
    assert sharing.asked == before + 1
