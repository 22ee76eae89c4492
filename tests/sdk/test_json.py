"""Answers in JSON through the SDK stay valid JSON with the values in them."""

from __future__ import annotations

import json

import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel

from tests.sdk.private import IRISH, QUOTED, assert_hidden
from tests.support.upstream import ScriptedUpstream

ANSWER = ' \n{"name": "<PERSON_1>", "greeting": "Dear <PERSON_1>,"}'
NAMES = [pytest.param(IRISH, id="apostrophe"), pytest.param(QUOTED, id="quotes and a backslash")]


class Person(BaseModel):
    name: str
    greeting: str


def _ask(name: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": f"Greet {name} in JSON"}]


@pytest.mark.parametrize("name", NAMES)
def test_a_json_object_stays_valid_json(quoting_client: OpenAI, upstream: ScriptedUpstream, name: str) -> None:
    upstream.says(ANSWER)
    answer = quoting_client.chat.completions.create(
        model="llama", messages=_ask(name), response_format={"type": "json_object"}
    )
    assert json.loads(answer.choices[0].message.content or "") == {"name": name, "greeting": f"Dear {name},"}
    assert upstream.bodies[0]["response_format"] == {"type": "json_object"}
    assert_hidden(upstream, "Greet <PERSON_1> in JSON")


@pytest.mark.parametrize("name", NAMES)
def test_a_streamed_json_object_stays_valid_json(quoting_client: OpenAI, upstream: ScriptedUpstream, name: str) -> None:
    upstream.says(ANSWER)
    stream = quoting_client.chat.completions.create(
        model="llama", messages=_ask(name), response_format={"type": "json_object"}, stream=True
    )
    text = "".join(event.choices[0].delta.content or "" for event in stream)
    assert json.loads(text) == {"name": name, "greeting": f"Dear {name},"}
    assert_hidden(upstream, "Greet <PERSON_1> in JSON")


@pytest.mark.parametrize("name", NAMES)
def test_json_is_escaped_also_where_nobody_asked_for_it(
    quoting_client: OpenAI, upstream: ScriptedUpstream, name: str
) -> None:
    upstream.says(ANSWER)
    answer = quoting_client.chat.completions.create(model="llama", messages=_ask(name))
    assert json.loads(answer.choices[0].message.content or "")["name"] == name


def test_plain_text_is_not_escaped(quoting_client: OpenAI, upstream: ScriptedUpstream) -> None:
    upstream.says("Dear <PERSON_1>")
    answer = quoting_client.chat.completions.create(model="llama", messages=_ask(QUOTED))
    assert answer.choices[0].message.content == f"Dear {QUOTED}"


def test_parse_gives_an_object_with_the_values(quoting_client: OpenAI, upstream: ScriptedUpstream) -> None:
    upstream.says(ANSWER)
    answer = quoting_client.chat.completions.parse(model="llama", messages=_ask(QUOTED), response_format=Person)
    assert answer.choices[0].message.parsed == Person(name=QUOTED, greeting=f"Dear {QUOTED},")
    schema = upstream.bodies[0]["response_format"]["json_schema"]
    assert schema["name"] == "Person"
    assert schema["schema"]["required"] == ["name", "greeting"]
    assert_hidden(upstream, "Greet <PERSON_1> in JSON")
