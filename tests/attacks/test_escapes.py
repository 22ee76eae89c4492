"""Values in JSON and in regular expressions that are themselves texts of a request."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.attacks.seen import VALUES, calls, says, seen, written
from tests.faults.wire import ask, chat
from tests.support.gateway import GatewayProcess
from tests.support.upstream import ScriptedUpstream, completion

each_value = pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())


def _arguments(body: dict[str, Any]) -> str:
    arguments = body["messages"][0]["tool_calls"][0]["function"]["arguments"]
    assert isinstance(arguments, str)
    return arguments


@each_value
@pytest.mark.parametrize("before", ["\n", "\t", "\r\n", '"', "/"], ids=json.dumps)
def test_a_value_after_an_escaped_character_in_arguments_is_hidden(value: str, before: str) -> None:
    sent = _arguments(seen(calls(json.dumps({"text": f"Note:{before}{value}."}))))
    assert value not in sent
    # The model server parses the arguments of earlier calls: they stay JSON.
    assert json.loads(sent)["text"].startswith(f"Note:{before}")


@each_value
def test_a_value_after_a_line_break_in_the_json_of_a_tools_answer_is_hidden(value: str) -> None:
    document = json.dumps({"rows": [f"first\n{value}", {"note": f"\t{value}"}]}, indent=1)
    body = {"messages": [{"role": "tool", "tool_call_id": "c1", "content": document}]}
    sent = seen(body)["messages"][0]["content"]
    assert value not in sent
    assert json.loads(sent)["rows"][0].startswith("first\n")


def _escaped(value: str) -> str:
    """As encoders write it that escape what could be HTML or is not ASCII."""
    return "".join(f"\\u{ord(c):04x}" if c in "'@-+" else c for c in value)


@pytest.mark.parametrize("name", ["email", "phone", "ssn", "apostrophe"])
def test_a_value_with_unicode_escapes_in_json_is_hidden(name: str) -> None:
    value = VALUES[name]
    sent = _arguments(seen(calls(f'{{"to": "{_escaped(value)}"}}')))
    assert _escaped(value) not in sent
    assert value not in json.loads(sent)["to"]


def test_an_escaped_value_has_the_placeholder_of_the_plain_one() -> None:
    body = calls(json.dumps({"to": "\nConan O'Brien"}).replace("'", "\\u0027"))
    body["messages"].insert(0, {"role": "user", "content": "I am Conan O'Brien"})
    sent = seen(body)["messages"]
    assert sent[0]["content"] == "I am <PERSON_1>"
    assert sent[1]["tool_calls"][0]["function"]["arguments"] == '{"to": "\\n<PERSON_1>"}'


def test_a_value_found_in_escapes_comes_back_without_them(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    upstream.answers(completion("<PERSON_1>"))
    answer = ask(gateway_process, chat(**calls('{"to": "Conan O\\u0027Brien"}')))
    assert answer.document["choices"][0]["message"]["content"] == "Conan O'Brien"


@each_value
def test_a_value_escaped_for_a_regular_expression_is_hidden(value: str) -> None:
    schema = {"type": "object", "properties": {"to": {"type": "string", "pattern": f"^{re.escape(value)}$"}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    sent = written(says("x", structured_outputs={"regex": re.escape(value)}, tools=[tool]))
    for form in (value, re.escape(value), json.dumps(re.escape(value))[1:-1]):
        assert form not in sent


@each_value
def test_a_value_in_pasted_code_is_hidden(value: str) -> None:
    assert value not in written(says(f'print("Note:\\n{value}\\n")'))


def test_what_a_backslash_is_part_of_stays_as_it_is() -> None:
    text = "Look into C:\\new\\table, \\alpha and \\u00e9; the pattern is \\d+\\.\\w{2,}."
    assert seen(says(text))["messages"][0]["content"] == text
