"""Answers that try to have the wrong value restored, or a value where none belongs."""

from __future__ import annotations

import gc
import itertools
import json
import re
from typing import Any

import pytest

from gateway.edge.answers import AnswerWriter, ChatFormat, Head
from gateway.edge.vocabulary import VOCABULARY
from gateway.pipeline.channel import Channel, Field
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.stage import Chain, Outlets
from gateway.redact.placeholder import Grammar
from gateway.redact.restore import RestoreFilter
from gateway.redact.vault import Vault
from tests.attacks.seen import default_stage, exchange, says
from tests.faults.wire import Answer, ask, chat
from tests.support.gateway import GatewayProcess
from tests.support.upstream import ScriptedUpstream, completion

IRISH, MAIL = "Conan O'Brien", "ada@example.org"
ASKED = f"I am {IRISH}, {MAIL}"


def _choice(index: Any = 0, **message: Any) -> dict[str, Any]:
    return {"index": index, "message": {"role": "assistant", **message}, "finish_reason": "stop"}


def _delta(choice: int = 0, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"index": choice, "delta": delta, "finish_reason": finish}


def _streamed(gateway: GatewayProcess, upstream: ScriptedUpstream, *chunks: list[dict[str, Any]]) -> Answer:
    upstream.streams([{"choices": choices} for choices in chunks])
    return ask(gateway, chat(ASKED, stream=True))


def _calls(answer: Answer) -> dict[int, dict[str, str]]:
    """Name, id and arguments of each streamed call, put together as SDKs do."""
    calls: dict[int, dict[str, str]] = {}
    for event in answer.events[:-1]:
        for choice in json.loads(event)["choices"]:
            for piece in choice["delta"].get("tool_calls", ()):
                call = calls.setdefault(piece["index"], {"id": "", "name": "", "arguments": ""})
                call["id"] = piece.get("id") or call["id"]
                call["name"] += piece.get("function", {}).get("name") or ""
                call["arguments"] += piece.get("function", {}).get("arguments") or ""
    return calls


def test_two_pieces_of_one_call_in_one_chunk_both_arrive(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    first = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"to": "<PER'}}
    second = {"index": 0, "function": {"arguments": 'SON_1>"}'}}
    answer = _streamed(gateway_process, upstream, [_delta(tool_calls=[first, second])], [_delta(finish="tool_calls")])
    assert _calls(answer) == {0: {"id": "call_1", "name": "f", "arguments": f'{{"to": "{IRISH}"}}'}}


def test_two_calls_without_an_index_do_not_become_one(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    calls = [{"id": name, "function": {"name": name, "arguments": f'["{name}"]'}} for name in "ab"]
    answer = _streamed(gateway_process, upstream, [_delta(tool_calls=calls)], [_delta(finish="tool_calls")])
    assert [call["arguments"] for call in _calls(answer).values()] == ['["a"]', '["b"]']


@pytest.mark.parametrize("reason", [["stop"], {"a": 1}, 5, "<PERSON_1>"], ids=json.dumps)
def test_a_reason_to_finish_that_is_none_becomes_stop(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, reason: Any
) -> None:
    upstream.answers({"choices": [{**_choice(content="x"), "finish_reason": reason}]})
    answer = ask(gateway_process, chat(ASKED))
    assert answer.document["choices"][0]["finish_reason"] == "stop"


def test_only_texts_are_restored(gateway_process: GatewayProcess, upstream: ScriptedUpstream) -> None:
    """Not in ids, log probabilities, usage, or fields that are not of the API."""
    token = {"token": "<PERSON_1>", "logprob": -1.0, "bytes": [60], "top_logprobs": [{"token": "<PERSON_1>"}]}
    call = {"id": "<PERSON_1>", "type": "<PERSON_1>", "function": {"name": "f", "arguments": "{}"}}
    document = completion("fine", tool_calls=[call], function_call={"arguments": "<PERSON_1>"}, audio="<PERSON_1>")
    document["choices"][0] |= {"logprobs": {"content": [token]}, "stop_reason": "<PERSON_1>"}
    upstream.answers({**document, "id": "<PERSON_1>", "model": "<PERSON_1>", "usage": {"<PERSON_1>": 1}})
    answer = ask(gateway_process, chat(ASKED, logprobs=True))
    assert answer.status == 200
    assert IRISH not in answer.body.decode()


@pytest.mark.parametrize(
    "written",
    ["<PERSON_2>", "<PERSON_0>", "<PERSON_01>", f"<PERSON_{'9' * 400}>", "<PERSON_-1>", "<PERSON_１>",
     "<PERSON_٣>", "<PLACEHOLDER_1>", "<EMPLOYEE_ID_1>", "<PERSON#1>", "<PERSON>", "PERſON_1"],
)  # fmt: skip
def test_what_the_prompt_did_not_make_is_not_restored(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, written: str
) -> None:
    upstream.says(f"a {written} b")
    for stream in (False, True):
        answer = ask(gateway_process, chat(ASKED, stream=stream))
        text = answer.streamed_text if stream else answer.document["choices"][0]["message"]["content"]
        assert text == f"a {written} b"


def test_choices_beyond_those_asked_for_do_not_mix(gateway_process: GatewayProcess, upstream: ScriptedUpstream) -> None:
    upstream.answers({"choices": [_choice(i, content=text) for i, text in ((2**63, "<PER"), (0, "SON_1>"), (0, "x"))]})
    answer = ask(gateway_process, chat(ASKED))
    assert answer.status == 502  # one of them is there twice
    upstream.answers({"choices": [_choice(i, content=text) for i, text in ((2**63, "<PER"), (0, "SON_1>"))]})
    answer = ask(gateway_process, chat(ASKED))
    assert [choice["message"]["content"] for choice in answer.document["choices"]] == ["<PER", "SON_1>"]


def test_what_is_held_of_one_choice_does_not_end_another(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    answer = _streamed(
        gateway_process,
        upstream,
        [_delta(0, content="<PER"), _delta(1, content="<EMAIL_ADD")],
        [_delta(1, content="RESS_1>", finish="stop"), _delta(0, content="SON_1>")],
        [_delta(0, finish="stop")],
    )
    texts = ["", ""]
    for event in answer.events[:-1]:
        for choice in json.loads(event)["choices"]:
            texts[choice["index"]] += choice["delta"].get("content", "")
    assert texts == [IRISH, MAIL]


@pytest.mark.parametrize("index", [-1, 0.0, "0", None, True, [0]], ids=repr)
def test_an_index_that_is_none_is_a_502(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, index: Any
) -> None:
    upstream.answers({"choices": [_choice(index, content="<PERSON_1>")]})
    answer = ask(gateway_process, chat(ASKED))
    assert answer.status == 502
    assert IRISH not in answer.body.decode()


NASTY = [
    "<PERSON_1><PERSON_11>PERSON_1_1 <person 1 > &lt;PERSON_1&gt",
    "\\u003cPERSON_1\\u003ePERSON_1\\u003e",
    "<<PERSON_1>> <PERSON_ 1> <PERSON_1 <PERSON_2",
    '{"a": "<PERSON_1>"} <PERSON_1',
    "<PERSON_1> {\"a\": \"<PERSON_1>\"}",
    "```json\n[\"<PERSON_1>\"]",
    "<A_B_1> <A_1> <A-B 1> a\\_b\\_1 <A_B_1_1>",
    "&lt;A_1&gt;&lt;A_B_1",
    "< PERSON_1 &gt; <PERSON_1&g> PERSON_1&gt;",
]  # fmt: skip


@pytest.mark.parametrize("answer", NASTY)
def test_three_pieces_of_any_lengths_give_what_one_piece_gives(answer: str) -> None:
    vault = Vault()
    for entity, value in (("PERSON", 'O"Neil <PERSON_2>'), ("PERSON", "<A_1>"), ("A", "a\n"), ("A_B", "&lt;")):
        vault.placeholder(entity, value)
    grammar = Grammar(vault.entities())

    def restored(*pieces: str) -> str:
        opened = RestoreFilter(vault, grammar, Channel(0, Field.CONTENT))
        return "".join([opened.push(piece) for piece in pieces]) + opened.flush()

    whole = restored(answer)
    for a, b in itertools.combinations(range(len(answer) + 1), 2):
        assert restored(answer[:a], answer[a:b], answer[b:]) == whole


def test_nothing_that_is_tracked_holds_a_value_after_its_exchange() -> None:
    marks = [f"canary{i}xyz" for i in range(20)]
    stage = default_stage()

    def one(mark: str) -> None:
        current = exchange()
        body = says(f"{mark}@example.org http://{mark}.com {mark}@xn--{mark}.org", metadata={mark: mark})
        chain = Chain([stage])
        chain.on_request(Prompt.of(body, VOCABULARY), current)
        writer = AnswerWriter(ChatFormat(), Outlets(chain, current), Head("i", "m", False))
        assert mark in str(writer.whole({"choices": [_choice(content="<EMAIL_ADDRESS_1>")]}))
        current.close()

    for mark in marks:
        one(mark)
    one("another")
    gc.collect()
    texts = (t for o in gc.get_objects() if o is not marks for t in gc.get_referents(o) if isinstance(t, str))
    assert not [text[:60] for text in texts if re.search(r"canary\d+xyz", text)]
