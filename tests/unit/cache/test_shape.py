"""Odd answers of a model server: the first to ask gets what they would get without a cache, and so does the second."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

import orjson
import pytest

from gateway.cache.shape import is_plain
from gateway.cache.upstream import Mishap, Uncached
from gateway.edge.answers import AnswerWriter, ChatFormat, CompletionFormat, Format, Head
from gateway.pipeline.exchange import Deadline, Exchange
from gateway.pipeline.ports import Call, Reply, Source
from gateway.pipeline.stage import Chain, Outlets
from gateway.policy.schema import Cache
from gateway.seal.keyring import Keyring
from tests.unit.cache.model import Scene, call

Json = dict[str, Any]


def _exchange() -> Exchange:
    return Exchange(id="id", tenant="acme", subject="jane", model="m", deadline=Deadline.after(time.monotonic, 60))


DEEP = orjson.loads("[" * 300 + "]" * 300)


class Script:
    """A model that says what it is told to, in both forms."""

    def __init__(self, whole: Json, events: list[Json]) -> None:
        self._whole = whole
        self._events = events

    async def complete(self, call: Call) -> Json:
        return self._whole

    async def stream(self, call: Call) -> AsyncGenerator[Json]:
        for event in self._events:
            yield event


def _whole(choice: Json | None = None, *, form: str = "message", **message: Any) -> Json:
    said: Any = {"role": "assistant", "content": "hi", **message} if form == "message" else "hi"
    made = {"index": 0, form: said, "finish_reason": "stop", **(choice or {})}
    return {"created": 1, "choices": [made], "usage": {"total_tokens": 1}}


def _events(*, choice: Json | None = None, last: Json | None = None, **delta: Any) -> list[Json]:
    return [
        {"created": 1, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
        {"created": 1, "choices": [{"index": 0, "delta": {"content": "hi", **delta}, **(choice or {})}]},
        {"created": 1, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop", **(last or {})}]},
    ]


ODD_EVENTS = {
    "usage without choices": [*_events(), {"usage": {"total_tokens": 1}}],
    "no choices at all": [*_events(), {"choices": None, "usage": {"total_tokens": 1}}],
    "a reason in a list": _events(last={"finish_reason": ["stop"]}),
    "a reason in an object": _events(last={"finish_reason": {"a": 1}}),
    "a message beside the delta": _events(choice={"message": [1]}),
    "a text beside the delta": _events(choice={"text": "x"}),
    "calls that are none": _events(tool_calls=True),
    "calls that are a text": _events(tool_calls="abc"),
    "the number of a call is a list": _events(tool_calls=[{"index": [1], "function": {"name": "f"}}]),
    "numbers of calls of two types": _events(tool_calls=[{"index": "1", "function": {}}, {"function": {}}]),
    "the number of a call is negative": _events(tool_calls=[{"index": -1, "function": {"name": "f"}}]),
    "a function that is none": _events(tool_calls=[{"index": 0, "function": ["f"]}]),
    "log probabilities that are none": _events(choice={"logprobs": [1]}),
    "deep": _events(choice={"more": DEEP}),
}
ODD_ANSWERS = {
    "a reason in a list": _whole({"finish_reason": ["stop"]}),
    "a delta beside the message": _whole({"delta": [1]}),
    "calls that are a text": _whole(tool_calls="ab"),
    "calls that are an object": _whole(tool_calls={"a": 1}),
    "deep": _whole({"more": DEEP}),
}
ODD_COMPLETIONS = {
    "a message beside the text": _whole({"message": {}}, form="text"),
    "a message that is none": _whole({"message": "odd"}, form="text"),
    "a reason in a list": _whole({"finish_reason": ["stop"]}, form="text"),
}
PLAIN: list[tuple[list[Json], Json]] = [
    (_events(), _whole()),
    (_events(choice={"logprobs": {"content": None}}), _whole({"logprobs": {"content": None}})),
    (
        [*_events(tool_calls=[{"index": 0, "function": {"name": "f", "arguments": "{}"}}])],
        _whole(tool_calls=[{"index": 7, "function": {"name": "f", "arguments": "{}"}}]),
    ),
]


@pytest.fixture
def scene() -> Iterator[Scene]:
    keyring = Keyring.ephemeral()
    yield Scene(keyring=keyring, policy=Cache(tool_calls=True))
    keyring.close()


async def _said(reply: Reply, asked: Call, form: Format) -> Json:
    """What a client gets of an answer in the end, whole or streamed."""
    writer = AnswerWriter(form, Outlets(Chain([]), _exchange()), Head("id", "m", is_json=False))
    if not asked.streamed:
        written = [writer.whole(await reply.whole())]
    else:
        async with aclosing(reply.events()) as events:
            written = [chunk async for event in events if (chunk := writer.chunk(event)) is not None]
    await reply.settle(good=not writer.blocked_choices)
    said: Json = {}
    for choice in [choice for document in written for choice in document["choices"]]:
        message = choice.get("message") or choice.get("delta") or choice
        said["text"] = said.get("text", "") + (message.get("content") or message.get("text") or "")
        said["calls"] = said.get("calls", 0) + len(message.get("tool_calls") or ())
        said["finish"] = choice["finish_reason"] or said.get("finish")
    return said


async def _ask(scene: Scene, model: Script, *, stream: bool, form: Format) -> tuple[Json, Source]:
    scene.cached._upstream = model
    asked = call(stream=stream)
    async with scene.cached.ask(asked) as reply:
        said = await _said(reply, asked, form)
        return said, reply.source


@pytest.mark.parametrize("name", ODD_EVENTS)
@pytest.mark.parametrize("second", [True, False])
async def test_odd_events_fail_no_request(scene: Scene, name: str, second: bool) -> None:
    model = Script(_whole(), ODD_EVENTS[name])
    uncached = Uncached(model, call(stream=True))
    assert (await _ask(scene, model, stream=True, form=ChatFormat()))[1] is Source.MISS
    said, source = await _ask(scene, model, stream=second, form=ChatFormat())
    assert source is Source.MISS
    if second and "choices" not in name:
        assert said == await _said(uncached, call(stream=True), ChatFormat())
    assert set(scene.reports) <= {Mishap.TOO_LARGE}


@pytest.mark.parametrize("name", ODD_ANSWERS)
@pytest.mark.parametrize("second", [True, False])
async def test_odd_answers_fail_no_request(scene: Scene, name: str, second: bool) -> None:
    model = Script(ODD_ANSWERS[name], _events())
    assert (await _ask(scene, model, stream=False, form=ChatFormat()))[1] is Source.MISS
    assert (await _ask(scene, model, stream=second, form=ChatFormat()))[1] is Source.MISS


@pytest.mark.parametrize("name", ODD_COMPLETIONS)
async def test_odd_completions_fail_no_request(scene: Scene, name: str) -> None:
    model = Script(ODD_COMPLETIONS[name], [])
    for _ in range(2):
        said, source = await _ask(scene, model, stream=False, form=CompletionFormat())
        assert (said["text"], source) == ("hi", Source.MISS)


@pytest.mark.parametrize("kept", range(len(PLAIN)))
@pytest.mark.parametrize("first", [True, False])
async def test_plain_ones_are_kept_and_say_the_same_in_both_forms(scene: Scene, kept: int, first: bool) -> None:
    events, whole = PLAIN[kept]
    model = Script(whole, events)
    wanted, source = await _ask(scene, model, stream=first, form=ChatFormat())
    assert source is Source.MISS
    for stream in (True, False):
        assert await _ask(scene, model, stream=stream, form=ChatFormat()) == (wanted, Source.HIT)


async def test_calls_of_a_whole_answer_keep_their_order_and_do_not_melt(scene: Scene) -> None:
    calls = [{"index": 0, "function": {"name": n, "arguments": "{}"}} for n in ("f", "g")]
    model = Script(_whole(tool_calls=calls), [])
    await _ask(scene, model, stream=False, form=ChatFormat())
    said, source = await _ask(scene, model, stream=True, form=ChatFormat())
    assert (said["calls"], source) == (2, Source.HIT)


@pytest.mark.parametrize("index", [None, True, -1, 1.0, "0", [0]])
def test_choices_need_a_number(index: Any) -> None:
    assert is_plain({"choices": [{"index": 0, "text": ""}]})
    assert not is_plain({"choices": [{"index": index, "text": ""}]})


async def test_usage_in_every_event_comes_only_to_who_asked_for_it(scene: Scene) -> None:
    model = Script(_whole(), [{**event, "usage": {"total_tokens": 1}} for event in _events()])
    for _ in range(2):
        for wanted in (False, True):
            options = {"continuous_usage_stats": True, "include_usage": wanted}
            scene.cached._upstream = model
            async with scene.cached.ask(call(stream=True, stream_options=options)) as reply:
                events = [event async for event in reply.events()]
                await reply.settle(good=True)
            assert len(events) == 3
            assert {bool(event.get("usage")) for event in events} == {wanted}
