"""Every place of a request in which a value may stand, and every neighbour it may have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.policy.schema import Redact
from tests.attacks.seen import VALUES, calls, says, seen, stage, written

each_value = pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())


def _tool(**schema: Any) -> dict[str, Any]:
    function = {"name": "f", "parameters": {"type": "object", "properties": {"to": schema}}}
    return says("x", tools=[{"type": "function", "function": function}])


PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "a text part": lambda v: says([{"type": "text", "text": v}]),
    "a string part": lambda v: says(["see", v]),
    "a refusal part": lambda v: says([{"type": "refusal", "refusal": v}]),
    "a thinking part": lambda v: says([{"type": "thinking", "thinking": v, "closed": True}]),
    "another key of a part": lambda v: says([{"type": "text", "text": "x", "annotations": [{"url": {"title": v}}]}]),
    "reasoning": lambda v: {"messages": [{"role": "assistant", "content": "x", "reasoning": v}]},
    "a name": lambda v: {"messages": [{"role": "user", "content": "x", "name": v}]},
    "the id of a call": lambda v: {"messages": [{"role": "tool", "content": "x", "tool_call_id": v}]},
    "arguments as an object": lambda v: calls({"to": [{"deep": v}]}),
    "keys of arguments": lambda v: calls({v: 1}),
    "the legacy function call": lambda v: {
        "messages": [{"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": v}}]
    },
    "legacy functions": lambda v: says("x", functions=[{"name": "f", "description": v}]),
    "the name of a tool": lambda v: says("x", tools=[{"type": "function", "function": {"name": v}}]),
    "enum": lambda v: _tool(enum=["a", v]),
    "const": lambda v: _tool(const=v),
    "default": lambda v: _tool(default=v),
    "title": lambda v: _tool(title=v),
    "examples": lambda v: _tool(examples=[[{"x": v}]]),
    "required": lambda v: _tool(required=[v]),
    "a property": lambda v: _tool(properties={v: {"type": "string"}}),
    "definitions": lambda v: says("x", response_format={"json_schema": {"schema": {"$defs": {v: {"const": v}}}}}),
    "a grammar": lambda v: says("x", structured_outputs={"grammar": f'root ::= "{v}"'}),
    "stop": lambda v: says("x", stop=["a", v]),
    "bad words": lambda v: says("x", bad_words=[v]),
    "suffix": lambda v: {"prompt": ["x"], "suffix": v},
    "prompts": lambda v: {"prompt": ["x", v]},
    "prediction": lambda v: says("x", prediction={"type": "content", "content": [{"type": "text", "text": v}]}),
    "keys of logit_bias": lambda v: says("x", logit_bias={v: 1}),
    "keys of metadata": lambda v: says("x", metadata={v: v}),
    "an unknown key": lambda v: says("x", **{v: v}),
    "nested arrays": lambda v: says("x", invented=[[[[{"k": [[v]]}]]]]),
    "a word for a parameter": lambda v: says("x", reasoning_effort=v, service_tier=v),
}


@each_value
@pytest.mark.parametrize("place", PLACES)
def test_a_value_is_hidden_wherever_it_stands(place: str, value: str) -> None:
    assert value not in written(PLACES[place](value))


@pytest.mark.parametrize("number", [4111111111111111, 2125550187, 4111111111111111.0, -2125550187])
@pytest.mark.parametrize("field", ["user", "invented", "metadata", "safety_identifier", "prompt_cache_key"])
def test_a_number_that_names_somebody_is_hidden(field: str, number: float) -> None:
    for body in (says("x", **{field: number}), says("x", **{field: {"deep": [number]}})):
        assert str(number) not in written(body)


def test_a_value_is_found_by_the_key_that_labels_it() -> None:
    assert "H1234567" not in written(says("My driver license is H1234567."))
    assert "H1234567" not in written(says("x", metadata={"driver license": "H1234567"}))
    assert "H1234567" not in written(calls({"driver_license": ["H1234567"]}))


def test_a_value_is_found_by_the_part_before_it() -> None:
    parts = [{"type": "text", "text": "My driver license is"}, {"type": "text", "text": "H1234567"}]
    assert "H1234567" not in written(says(parts))


@pytest.mark.parametrize(("value", "at"), [("ada@example.org", 6), ("4111 1111 1111 1111", 10), ("Ada Lovelace", 7)])
def test_a_value_cut_in_two_parts_is_hidden(value: str, at: int) -> None:
    parts = [{"type": "text", "text": f"x {value[:at]}"}, {"type": "text", "text": f"{value[at:]} y"}]
    sent = "".join(part["text"] for part in seen(says(parts))["messages"][0]["content"])
    assert value not in sent
    assert value[:at] not in sent
    assert value[at:] not in sent


def test_a_denied_word_that_is_a_word_of_the_wire_is_hidden_where_the_client_speaks() -> None:
    words = ["custom", "array", "echo", "seed", "title"]
    own = stage(Redact.model_validate({"deny": [{"entity": "PROJECT", "text": words}]}))
    for word in words:
        body = says(word, metadata={word: word}, stop=[word], user=word)
        assert f'"{word}"' not in written(body, own)
        assert f'"{word}"' not in written(_tool(properties={word: {}}), own)
    assert seen(says("x"), own)["messages"][0]["role"] == "user"


@each_value
@pytest.mark.parametrize("text", ["see _{}_ ok", "see __{}__", "mail_{}_x.pdf", "卡号是{}。"])
def test_a_value_is_hidden_next_to_what_is_no_letter_of_it(value: str, text: str) -> None:
    assert value not in written(says(text.format(value)))


@pytest.mark.parametrize("space", ["\n", "\r\n", "  ", "\u00a0"])
def test_a_denied_name_is_hidden_however_its_words_are_spaced(space: str) -> None:
    assert "Lovelace" not in written(says(f"I am Ada{space}Lovelace."))


def test_a_value_that_was_found_within_a_wider_one_is_hidden_elsewhere() -> None:
    sent = seen({"messages": [{"content": "Ada Lovelace@example.org"}, {"content": "see fooAda Lovelace_x"}]})
    assert "Lovelace@" not in str(sent)
    body = {"messages": [{"content": "E-123456@example.org"}, {"content": "E-123456"}]}
    assert "E-123456" not in written(body)


def test_a_phone_number_after_very_many_other_numbers_is_found() -> None:
    assert "212-555-0187" not in written(says(f"[{'7,' * 66_000}] call 212-555-0187"))
