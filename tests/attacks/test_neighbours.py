"""Two users at once: neither gets anything of the other, whatever way their requests end."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from aiohttp import web

from tests.faults.wire import ask, chat, connected, request_bytes
from tests.support.gateway import GatewayProcess
from tests.support.upstream import ScriptedUpstream, chunks, completion

ANSWER = "Dear <EMAIL_ADDRESS_1>, <PERSON_1> <EMAIL_ADDRESS_2> " * 5


@pytest.fixture
def slowly(upstream: ScriptedUpstream) -> ScriptedUpstream:
    """Answers piece by piece, so that many answers are under way at once."""

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if not body.get("stream"):
            await asyncio.sleep(0.02)
            return web.json_response(completion(ANSWER))
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for event in chunks([ANSWER[i : i + 7] for i in range(0, len(ANSWER), 7)]):
            await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
            await asyncio.sleep(0.001)
        await response.write(b"data: [DONE]\n\n")
        return response

    upstream.handler = answer
    return upstream


def _told(gateway: GatewayProcess, number: int, **fields: Any) -> str:
    text = f"I am user{number}@example.org. " + "Some more words. " * (200 if number % 3 == 0 else 1)
    token = gateway.other_token if number % 2 else gateway.token
    answer = ask(gateway, chat(text, **fields), headers={"authorization": f"Bearer {token}"})
    assert answer.status == 200
    return answer.streamed_text if fields.get("stream") else str(answer.document["choices"][0]["message"]["content"])


def test_interleaved_answers_have_the_values_of_their_own_users(
    gateway_process: GatewayProcess, slowly: ScriptedUpstream
) -> None:
    with ThreadPoolExecutor(16) as threads:
        asked = [threads.submit(_told, gateway_process, i, stream=i % 4 != 0) for i in range(48)]
    for number, told in enumerate(asked):
        assert told.result() == ANSWER.replace("<EMAIL_ADDRESS_1>", f"user{number}@example.org")


def test_a_user_who_goes_leaves_nothing_for_the_next(gateway_process: GatewayProcess, slowly: ScriptedUpstream) -> None:
    for number in range(6):
        with connected(gateway_process) as connection:
            connection.sendall(request_bytes(gateway_process, chat(f"gone{number}@example.org", stream=True)))
            if number % 2:
                connection.recv(100)
        assert "gone" not in _told(gateway_process, number + 1, stream=True)
    assert ask(gateway_process, chat("nobody")).document["choices"][0]["message"]["content"] == ANSWER


def test_a_user_whose_request_fails_leaves_nothing_for_the_next(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    for broken in ({"choices": [{"index": 0}]}, {"choices": [{"index": 0, "message": {"content": 5}}]}):
        upstream.answers(broken)
        assert ask(gateway_process, chat("failed@example.org")).status == 502
        upstream.says(ANSWER)
        answer = ask(
            gateway_process, chat("nobody"), headers={"authorization": f"Bearer {gateway_process.other_token}"}
        )
        assert answer.document["choices"][0]["message"]["content"] == ANSWER
