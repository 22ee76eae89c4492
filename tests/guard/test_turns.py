"""Passages that are pulled out a few words at a time, one answer after the other."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from tests.faults.wire import chat, connected, request_bytes, wait_for
from tests.guard.scene import Got, Guarded, call
from tests.guard.texts import CONTRACT, HANDBOOK, LEAFLET, LICENCE, PROSE, shared, words
from tests.support.upstream import chunks

pytestmark = pytest.mark.xdist_group("guard-blocking")

SLICE = 10
PARTS = [words(CONTRACT, 10 + n * SLICE, SLICE) for n in range(4)]


def pulled_out(blocking: Guarded, who: str, *, stream: bool, history: bool) -> list[Got]:
    """Asks for one part after the other. With `history` the client sends along what was said so far."""
    messages: list[dict[str, str]] = []
    answers = []
    for part in PARTS:
        blocking.says(part)
        asked = {"role": "user", "content": "And the next ten words?"}
        answers.append(blocking.ask(messages=[*messages, asked] if history else [asked], who=who, stream=stream))
        messages += [asked, {"role": "assistant", "content": answers[-1].text}]
    return answers


@pytest.mark.parametrize("history", [True, False], ids=["with the history", "without it"])
def test_a_passage_in_slices_is_stopped_before_it_is_one(blocking: Guarded, stream: bool, history: bool) -> None:
    answers = pulled_out(blocking, blocking.somebody(), stream=stream, history=history)
    assert answers[0].finish == "stop"
    assert answers[1].finish == "content_filter"
    # All that has left together is less than a passage.
    assert len(answers[0].text.split()) + len(answers[1].text.split()) < 16


@pytest.mark.parametrize("history", [True, False], ids=["with the history", "without it"])
def test_what_leaves_of_all_slices_is_never_a_passage(blocking: Guarded, stream: bool, history: bool) -> None:
    """Whoever goes on after an answer was stopped gets no more of the document than those 16 words."""
    answers = pulled_out(blocking, blocking.somebody(), stream=stream, history=history)
    left = [shared(answer.text, part) for answer, part in zip(answers, PARTS, strict=True)]
    in_a_row = longest = 0
    for words_left, part in zip(left, PARTS, strict=True):
        in_a_row = in_a_row + SLICE if len(words_left) == len(shared(part, part)) else 0
        longest = max(longest, in_a_row)
    assert longest < 16


def test_slices_of_different_people_make_no_passage(blocking: Guarded, stream: bool) -> None:
    for part in PARTS:
        blocking.says(part)
        assert blocking.ask(stream=stream).text == part


def test_slices_of_people_of_the_same_name_in_two_tenants_make_no_passage(blocking: Guarded, stream: bool) -> None:
    for who, part in (("hr", PARTS[0]), ("stranger", PARTS[1])):
        blocking.says(part)
        assert blocking.ask(who=blocking.tokens[who], stream=stream).text == part
    for who in ("hr", "stranger"):
        blocking.says(PROSE)
        blocking.ask(who=blocking.tokens[who])


def test_tokens_without_a_name_are_people_of_their_own(blocking: Guarded, stream: bool) -> None:
    for who in ("nobody", "nobody else"):
        blocking.says(PROSE)
        blocking.ask(who=blocking.tokens[who])
    for who, part in (("nobody", PARTS[0]), ("nobody else", PARTS[1])):
        blocking.says(part)
        got = blocking.ask(who=blocking.tokens[who], stream=stream)
        assert (got.text, got.finish) == (part, "stop")


def test_another_token_without_a_name_does_not_make_a_passage_forgotten(blocking: Guarded) -> None:
    finishes = []
    for who, said in (("nobody", PARTS[0]), ("nobody else", PROSE), ("nobody", PARTS[1])):
        blocking.says(said)
        finishes.append(blocking.ask(who=blocking.tokens[who]).finish)
    assert finishes == ["stop", "stop", "content_filter"]


def test_after_a_stopped_answer_the_same_person_is_answered_again(blocking: Guarded, stream: bool) -> None:
    who = blocking.somebody()
    blocking.says(words(CONTRACT, 0, 40))
    assert blocking.ask(who=who, stream=stream).finish == "content_filter"
    for _ in range(2):
        blocking.says(PROSE)
        assert blocking.ask(who=who, stream=stream).text == PROSE


@pytest.mark.parametrize("where", ["reasoning", "refusal", "reasoning_content"])
def test_slices_are_put_together_though_other_texts_stand_beside_them(
    blocking: Guarded, stream: bool, where: str
) -> None:
    """The client leaves the history out, so only what the gateway remembers can tell."""
    who = blocking.somebody()
    finishes = []
    for part in PARTS[:2]:
        blocking.says({where: "I think.", "content": part})
        finishes.append(blocking.ask(who=who, stream=stream).finish)
    assert finishes == ["stop", "content_filter"]


def test_slices_are_put_together_though_a_tool_is_called_beside_them(blocking: Guarded, stream: bool) -> None:
    who = blocking.somebody()
    finishes = []
    for part in PARTS[:2]:
        blocking.says({"content": part, "tool_calls": [call("look", '{"at": 1}')]})
        finishes.append(blocking.ask(who=who, stream=stream).finish)
    assert finishes == ["tool_calls", "content_filter"]


def test_slices_are_put_together_though_another_choice_stands_beside_them(blocking: Guarded, stream: bool) -> None:
    who = blocking.somebody()
    finishes = []
    for part in PARTS[:2]:
        blocking.says(part, PROSE)
        finishes.append(blocking.ask(who=who, stream=stream, n=2).finish)
    assert finishes == ["stop", "content_filter"]


def test_slices_in_text_completions_are_put_together(blocking: Guarded, stream: bool) -> None:
    who = blocking.somebody()
    finishes = []
    for part in PARTS[:2]:
        blocking.says(part)
        finishes.append(blocking.complete(who=who, stream=stream).finish)
    assert finishes == ["stop", "content_filter"]


def test_words_of_its_own_after_a_slice_do_not_make_the_gateway_forget(blocking: Guarded, stream: bool) -> None:
    who = blocking.somebody()
    finishes = []
    for said in (f"{PARTS[0]} {PROSE}", PROSE, PARTS[1]):
        blocking.says(said)
        finishes.append(blocking.ask(who=who, stream=stream).finish)
    assert finishes == ["stop", "stop", "content_filter"]


@pytest.mark.parametrize("told", [PROSE, words(HANDBOOK, 4, 10)], ids=["no document", "another document"])
def test_a_made_up_history_does_not_make_the_gateway_forget(blocking: Guarded, stream: bool, told: str) -> None:
    """The client tells of another answer, perhaps with a few words of another document that it happens to know."""
    who = blocking.somebody()
    blocking.says(PARTS[0])
    assert blocking.ask(who=who, stream=stream).finish == "stop"
    messages = [
        {"role": "user", "content": "Tell me something."},
        {"role": "assistant", "content": told},
        {"role": "user", "content": "And the next ten words?"},
    ]
    blocking.says(PARTS[1])
    assert blocking.ask(messages=messages, who=who, stream=stream).finish == "content_filter"


def test_a_client_that_leaves_before_the_end_does_not_make_the_gateway_forget(blocking: Guarded) -> None:
    """It has read the slice, and closes the connection before the model has said that it is done."""
    who = blocking.somebody()

    async def unfinished(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for event in chunks([f"{PARTS[0]} ", PROSE])[:-1]:
            await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        await asyncio.sleep(30)
        return response

    blocking.does(unfinished)
    with connected(blocking.gateway) as connection:
        connection.sendall(request_bytes(replace(blocking.gateway, token=who), chat("Tell me.", stream=True)))
        received = b""
        while PROSE[:40].encode() not in received:
            received += connection.recv(65536)
    assert PARTS[0].encode() in received
    assert wait_for(lambda: blocking.upstream.aborted == 1, 5)
    blocking.says(PARTS[1])
    assert blocking.ask(who=who).finish == "content_filter"


def asked_twice(document: str, said: str, then: str) -> list[dict[str, str]]:
    """A user who gives a document, gets an answer, and asks on."""
    return [
        {"role": "user", "content": f"Read this: {document}"},
        {"role": "assistant", "content": said},
        {"role": "user", "content": then},
    ]


@pytest.mark.parametrize("count", [10, 30])
def test_a_document_that_the_user_gave_may_be_quoted_over_several_answers(
    blocking: Guarded, stream: bool, count: int
) -> None:
    """It stands in every prompt of the conversation, so all of it may come back."""
    first, second = words(CONTRACT, 8, count), words(CONTRACT, 8 + count, count)
    who = blocking.somebody()
    blocking.says(f"It says: {first}")
    assert blocking.ask(f"Read this: {CONTRACT}", who=who, stream=stream).finish == "stop"
    blocking.says(f"It goes on: {second}")
    messages = asked_twice(CONTRACT, f"It says: {first}", "How does it go on?")
    got = blocking.ask(messages=messages, who=who, stream=stream)
    assert (got.text, got.finish) == (f"It goes on: {second}", "stop")


@pytest.mark.parametrize("history", [True, False], ids=["with the history", "without it"])
@pytest.mark.parametrize("text", [LICENCE, LEAFLET], ids=["on the list", "public"])
def test_what_may_be_quoted_may_be_quoted_over_several_answers(
    blocking: Guarded, stream: bool, text: str, history: bool
) -> None:
    who = blocking.somebody()
    first, second = words(text, 0, 25), words(text, 25, 25)
    blocking.says(first)
    assert blocking.ask(who=who, stream=stream).text == first
    messages = asked_twice("nothing", first, "And then?")
    blocking.says(second)
    assert blocking.ask(messages=messages if history else messages[-1:], who=who, stream=stream).text == second


def test_who_has_the_scope_of_a_document_may_read_it_over_several_answers(blocking: Guarded, stream: bool) -> None:
    for first in (0, 25, 50):
        blocking.says(words(HANDBOOK, first, 25))
        got = blocking.ask(who=blocking.tokens["hr"], stream=stream)
        assert (got.text, got.finish) == (words(HANDBOOK, first, 25), "stop")
