"""Streams that go wrong after they have begun: one error event, the end mark, and nothing after it."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from aiohttp import web

from tests.faults.wire import CANARY, Answer, ask, assert_envelope, assert_error, chat
from tests.support.gateway import GatewayProcess
from tests.support.upstream import Handler, ScriptedUpstream, chunks

ASK = chat("I am Ada Lovelace", stream=True)
BEGIN = chunks(["Dear <PERSON_1>, <PER"])[:-1]
TOLD = "Dear Ada Lovelace, "
"""What of BEGIN has left: the start of a second placeholder is still held."""
ERROR = {"error": {"message": CANARY, "type": "InternalServerError", "param": None, "code": 500}}


def _sse(events: Sequence[Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def _writes(*pieces: bytes, then: str = "end", content_type: str = "text/event-stream") -> Handler:
    """Write these bytes, then `end` well, `die`, `hang`, or `repeat` the last piece without end."""

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": content_type})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        while then == "repeat":
            await response.write(pieces[-1])
            await asyncio.sleep(0.01)
        if then == "hang":
            await asyncio.sleep(60)
        if then == "die":
            assert request.transport is not None
            request.transport.close()
            raise asyncio.CancelledError
        await response.write_eof()
        return response

    return answer


def _assert_broken_off(answer: Answer, status: int, code: str, told: str = TOLD) -> None:
    assert answer.status == 200
    *before, error, end = answer.events
    assert end == "[DONE]"
    assert_envelope(json.loads(error), status, code, param=None)
    assert not [event for event in before if "error" in json.loads(event)]
    assert answer.streamed_text == told
    assert CANARY not in answer.body.decode()


BROKEN: dict[str, Handler] = {
    "ends without the end mark": _writes(_sse(BEGIN)),
    "dies": _writes(_sse(BEGIN), then="die"),
    "dies within an event": _writes(_sse(BEGIN) + b'data: {"id": "' + CANARY.encode(), then="die"),
    "ends within an event": _writes(_sse(BEGIN) + b'data: {"id": "' + CANARY.encode()),
    "ends within the end mark": _writes(_sse(BEGIN) + b"data: [DO"),
    "an error event": _writes(_sse([*BEGIN, ERROR]) + b"data: [DONE]\n\n"),
    "an error event alone": _writes(_sse([*BEGIN, ERROR])),
    "an event that is not JSON": _writes(_sse(BEGIN) + f"data: {CANARY}\n\n".encode()),
    "an event that is no object": _writes(_sse([*BEGIN, [CANARY]])),
    "an event that is no answer": _writes(_sse([*BEGIN, {"said": CANARY}])),
    "an event that is not UTF-8": _writes(_sse(BEGIN) + b'data: {"said": "\xff"}\n\n'),
    "a choice without an index": _writes(_sse([*BEGIN, {"choices": [{"delta": {"content": CANARY}}]}])),
    "a choice without a delta": _writes(_sse([*BEGIN, {"choices": [{"index": 0, "text": CANARY}]}])),
    "a content that is no text": _writes(_sse([*BEGIN, {"choices": [{"index": 0, "delta": {"content": [CANARY]}}]}])),
    "a line of 12 MB": _writes(_sse(BEGIN) + b"data: ", *[CANARY.encode() * 1000] * 1400, then="hang"),
    "an event of 24 MB in many lines": _writes(
        _sse(BEGIN), *[b"data: " + CANARY.encode() * 10_000 + b"\n"] * 280, then="hang"
    ),
}


@pytest.mark.parametrize("handler", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_stream_ends_with_an_error_and_the_end_mark(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, handler: Handler
) -> None:
    upstream.handler = handler
    _assert_broken_off(ask(gateway_process, ASK), 502, "upstream_failed")


ENDLESS: dict[str, Handler] = {
    "hangs": _writes(_sse(BEGIN), then="hang"),
    "goes on without end": _writes(_sse(BEGIN), _sse(chunks([""])[1:2]), then="repeat"),
    "keeps alive without end": _writes(_sse(BEGIN), b": ping\n\n", then="repeat"),
}


def test_a_stream_beyond_its_time_ends_with_an_error_and_the_end_mark(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    """All of ENDLESS at once to save the time; the user field says which."""

    async def endless(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return await ENDLESS[body["user"]](request, body)

    upstream.handler = endless
    started = time.monotonic()
    with ThreadPoolExecutor(len(ENDLESS)) as threads:
        for answer in threads.map(lambda name: ask(gateway_process, {**ASK, "user": name}), ENDLESS):
            _assert_broken_off(answer, 504, "upstream_timeout")
    assert 2.5 < time.monotonic() - started < 6


NEVER_BEGUN: dict[str, Handler] = {
    "an error as the first event": _writes(_sse([ERROR]) + b"data: [DONE]\n\n"),
    "half an event": _writes(b'data: {"id": "' + CANARY.encode(), then="die"),
    "nothing": _writes(),
    "nothing, rudely": _writes(then="die"),
    "JSON": _writes(_sse(BEGIN), b"data: [DONE]\n\n", content_type="application/json"),
    "plain text": _writes(_sse(BEGIN), b"data: [DONE]\n\n", content_type="text/plain"),
    "a compressed stream": _writes(gzip.compress(_sse([*BEGIN]) + b"data: [DONE]\n\n")),
}


@pytest.mark.parametrize("handler", NEVER_BEGUN.values(), ids=NEVER_BEGUN.keys())
def test_a_stream_that_fails_before_its_first_event_has_an_error_status(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, handler: Handler
) -> None:
    upstream.handler = handler
    assert_error(ask(gateway_process, ASK), 502, "upstream_failed")


def test_text_that_is_held_is_not_lost_when_no_finish_reason_comes(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    """The client must get all of it, or be told that it did not."""
    upstream.handler = _writes(_sse(chunks(["Dear <PERSON_1>, 5 <"])[:-1]) + b"data: [DONE]\n\n")
    answer = ask(gateway_process, ASK)
    assert answer.events[-1] == "[DONE]"
    told = any("error" in json.loads(event) for event in answer.events[:-1])
    assert told or answer.streamed_text == "Dear Ada Lovelace, 5 <"


def test_what_comes_after_the_end_mark_is_not_read(gateway_process: GatewayProcess, upstream: ScriptedUpstream) -> None:
    upstream.handler = _writes(_sse(chunks(["fine"])) + b"data: [DONE]\n\n" + _sse(chunks([CANARY])))
    answer = ask(gateway_process, ASK)
    assert answer.streamed_text == "fine"
    assert answer.events.count("[DONE]") == 1
    assert CANARY not in answer.body.decode()


OTHER_WAYS_TO_WRITE = {
    "CRLF": lambda raw: raw.replace(b"\n", b"\r\n"),
    "no space after the colon": lambda raw: raw.replace(b"data: ", b"data:"),
    "comments between": lambda raw: raw.replace(b"data: ", b": ping\n\ndata: "),
    "names and numbers": lambda raw: raw.replace(b"data: ", b"event: message\nid: 7\nretry: 10\ndata: "),
}


@pytest.mark.parametrize("rewrite", OTHER_WAYS_TO_WRITE.values(), ids=OTHER_WAYS_TO_WRITE.keys())
def test_a_stream_may_be_written_in_other_ways(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, rewrite: Any
) -> None:
    upstream.handler = _writes(rewrite(_sse(chunks(["Dear <PER", "SON_1>"])) + b"data: [DONE]\n\n"))
    answer = ask(gateway_process, ASK)
    assert answer.streamed_text == "Dear Ada Lovelace"
    assert answer.events[-1] == "[DONE]"
