"""Under `action: regenerate` the model is asked once more, as long as the client has read nothing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web

from tests.faults.wire import ask, assert_envelope, chat, wait_for
from tests.guard.scene import Guarded, call
from tests.guard.texts import HANDBOOK, LEAFLET, NOVEL, PASSAGE, PROSE, SYSTEM, shared
from tests.support.upstream import chunks
from tests.support.upstream import stream as write_stream

pytestmark = pytest.mark.xdist_group("guard-masking")

INTRO = f"{PROSE} {NOVEL} "
"""Longer than all that is held while an answer is read."""


def test_the_client_gets_the_second_answer(masking: Guarded, stream: bool) -> None:
    masking.says_in_turn([PASSAGE], [PROSE], ["never asked for"])
    got = masking.ask(stream=stream)
    assert (got.text, got.finish) == (PROSE, "stop")
    assert masking.asked == 2
    assert masking.findings(got) == [{"stage": "regurgitation", "kind": "passage", "action": "regenerate", "count": 1}]


def test_the_second_time_the_same_is_asked_with_another_seed(masking: Guarded, stream: bool) -> None:
    masking.says_in_turn([PASSAGE], [PROSE])
    masking.ask("Write to ada@example.org", stream=stream, temperature=0, seed=7, max_tokens=300)
    first, second = masking.upstream.bodies
    assert first.pop("seed") == 7
    assert isinstance(second["seed"], int)
    assert second.pop("seed") != 7
    assert first == second
    assert "ada@example.org" not in json.dumps(second)


def test_a_passage_in_the_second_answer_too_stops_it(masking: Guarded, stream: bool) -> None:
    masking.says_in_turn([PASSAGE], [HANDBOOK], [PROSE])
    got = masking.ask(stream=stream)
    assert got.finish == "content_filter"
    assert masking.asked == 2
    assert not shared(got.body, PASSAGE + HANDBOOK)


def test_the_same_passage_twice_stops_the_answer(masking: Guarded, stream: bool) -> None:
    masking.says(f"As I said: {PASSAGE}")
    got = masking.ask(stream=stream)
    assert got.finish == "content_filter"
    assert masking.asked == 2
    assert not shared(got.body, PASSAGE)


def test_an_answer_without_a_passage_is_asked_for_once(masking: Guarded, stream: bool) -> None:
    masking.says(f"{PROSE} {LEAFLET}")
    assert masking.ask(stream=stream).text == f"{PROSE} {LEAFLET}"
    assert masking.asked == 1


def test_after_something_of_a_stream_has_left_it_is_stopped(masking: Guarded) -> None:
    masking.says_in_turn([f"{INTRO}{PASSAGE}"], [PROSE])
    got = masking.ask(stream=True)
    assert got.finish == "content_filter"
    assert masking.asked == 1
    assert INTRO.startswith(got.text)
    assert got.text


def test_a_whole_answer_is_asked_for_anew_whatever_came_before(masking: Guarded) -> None:
    masking.says_in_turn([f"{INTRO}{PASSAGE}"], [PROSE])
    assert masking.ask().text == PROSE
    assert masking.asked == 2


def test_a_stream_says_once_who_speaks(masking: Guarded) -> None:
    masking.says_in_turn([PASSAGE], [PROSE])
    got = masking.ask(stream=True)
    assert got.text == PROSE
    assert got.body.count('"role"') == 1


def test_both_choices_are_asked_for_anew(masking: Guarded, stream: bool) -> None:
    masking.says_in_turn([PASSAGE, NOVEL], [PROSE, NOVEL])
    got = masking.ask(stream=stream, n=2)
    assert [got.choices[n].text for n in (0, 1)] == [PROSE, NOVEL]
    assert masking.asked == 2


@pytest.mark.parametrize("place", ["reasoning", "refusal", "arguments"])
def test_a_passage_in_any_text_of_a_message_is_asked_for_anew(masking: Guarded, stream: bool, place: str) -> None:
    bad = {"tool_calls": [call("save", json.dumps([PASSAGE]))]} if place == "arguments" else {place: PASSAGE}
    masking.says_in_turn([bad], [PROSE])
    got = masking.ask(stream=stream)
    if place == "arguments" and stream:
        # The name of the function has left before its arguments come.
        assert (got.finish, masking.asked) == ("content_filter", 1)
    else:
        assert (got.text, masking.asked) == (PROSE, 2)


def test_a_text_completion_is_asked_for_anew(masking: Guarded, stream: bool) -> None:
    masking.says_in_turn([PASSAGE], [PROSE])
    got = masking.complete(stream=stream)
    assert (got.text, got.finish) == (PROSE, "stop")
    assert masking.asked == 2


def test_the_first_connection_is_closed_when_the_model_is_asked_anew(masking: Guarded) -> None:
    """A model that goes on and on would compute for nobody."""

    async def endless(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        is_first = len(masking.upstream.bodies) == 1
        for event in chunks([PASSAGE, " more"])[: -1 if is_first else None]:
            said = json.dumps(event).replace(PASSAGE, PASSAGE if is_first else PROSE)
            await response.write(b"data: " + said.encode() + b"\n\n")
        if is_first:
            await asyncio.sleep(60)
        await response.write(b"data: [DONE]\n\n")
        return response

    masking.does(endless)
    got = masking.ask(stream=True)
    assert got.text == f"{PROSE} more"
    assert wait_for(lambda: masking.upstream.aborted == 1, 5)


def test_if_the_second_request_fails_nothing_of_the_first_leaves(masking: Guarded) -> None:
    async def failing(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if len(masking.upstream.bodies) > 1:
            return web.json_response({"error": {"message": PASSAGE}}, status=500)
        return web.json_response(
            {"choices": [{"index": 0, "message": {"role": "assistant", "content": PASSAGE}, "finish_reason": "stop"}]}
        )

    masking.does(failing)
    got = masking.ask()
    assert got.status == 502
    assert "bridge" not in got.body


def test_who_has_the_scope_gets_the_first_answer(masking: Guarded, stream: bool) -> None:
    masking.says_in_turn([HANDBOOK], [PROSE])
    assert masking.ask(stream=stream, who=masking.tokens["hr"]).text == HANDBOOK
    assert masking.asked == 1


def test_usage_is_that_of_the_answer_that_left(masking: Guarded) -> None:
    masking.says_in_turn([PASSAGE], [PROSE])
    got = masking.ask(stream=True, stream_options={"include_usage": True})
    assert got.text == PROSE
    assert got.usage is not None


def test_slices_of_a_passage_are_asked_for_anew(masking: Guarded, stream: bool) -> None:
    """And what comes instead is judged by itself."""
    who, said = masking.somebody(), PASSAGE.split()
    masking.says(" ".join(said[:10]))
    assert masking.ask(who=who, stream=stream).finish == "stop"
    masking.says_in_turn([" ".join(said[10:20])], [PROSE])
    assert masking.ask(who=who, stream=stream).text == PROSE
    assert masking.asked == 2
    masking.says(NOVEL)
    assert masking.ask(who=who, stream=stream).text == NOVEL
    assert masking.asked == 1


def test_if_the_second_request_of_a_stream_fails_the_stream_says_so(masking: Guarded) -> None:
    """It may have said who speaks; then the error is an event."""

    async def failing(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if len(masking.upstream.bodies) > 1:
            return web.json_response({"error": {"message": PASSAGE}}, status=500)
        return await write_stream(request, chunks([PASSAGE]))

    masking.does(failing)
    answer = ask(masking.gateway, chat("Tell me.", stream=True))
    assert answer.status == 200
    assert answer.events[-1] == "[DONE]"
    assert_envelope(json.loads(answer.events[-2]), 502, "upstream_failed")
    assert b"bridge" not in answer.body


def test_instructions_leave_where_the_policy_allows_it(masking: Guarded, stream: bool) -> None:
    masking.says(f"I was told: {SYSTEM}")
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "Who are you?"}]
    assert masking.ask(messages=messages, stream=stream).text == f"I was told: {SYSTEM}"
    assert masking.asked == 1
