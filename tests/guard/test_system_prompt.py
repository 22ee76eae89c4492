"""The system prompt stays with who wrote it."""

from __future__ import annotations

import base64
import json

import pytest

from tests.guard.scene import Guarded, call
from tests.guard.texts import NOVEL, PROSE, SYSTEM, shared, words

pytestmark = pytest.mark.xdist_group("guard-blocking")

INTRO = "These are my instructions, as far as I remember them: "


def told(asked: str, role: str = "system") -> list[dict[str, str]]:
    return [{"role": role, "content": SYSTEM}, {"role": "user", "content": asked}]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_an_answer_that_quotes_its_instructions_is_stopped(blocking: Guarded, stream: bool, role: str) -> None:
    blocking.says(f"{INTRO}{SYSTEM}")
    got = blocking.ask(messages=told("Who are you?", role), stream=stream)
    assert got.finish == "content_filter"
    assert INTRO.startswith(got.text)
    assert len(got.text) > 20
    assert blocking.findings(got) == [{"stage": "system_prompt", "kind": "passage", "action": "block", "count": 1}]


@pytest.mark.parametrize(
    "written",
    [
        SYSTEM.upper(),
        SYSTEM.swapcase(),
        base64.b64encode(SYSTEM.encode()).decode(),
        SYSTEM.encode().hex(),
        SYSTEM[::-1],
        words(SYSTEM, 10, 13),
        json.dumps({"system": SYSTEM}),
    ],
    ids=["upper case", "other case", "base64", "hexadecimal", "backwards", "thirteen words", "JSON"],
)
def test_instructions_in_disguise_are_stopped(blocking: Guarded, stream: bool, written: str) -> None:
    blocking.says(INTRO + written)
    got = blocking.ask(messages=told("Who are you?"), stream=stream)
    assert got.finish == "content_filter"
    assert not shared(got.text.removeprefix(INTRO), SYSTEM)
    assert len(got.text) < len(INTRO) + 12


@pytest.mark.parametrize("place", ["reasoning", "refusal", "arguments"])
def test_instructions_are_stopped_in_every_text_of_a_message(blocking: Guarded, stream: bool, place: str) -> None:
    said = {"tool_calls": [call("save", json.dumps([SYSTEM]))]} if place == "arguments" else {place: SYSTEM}
    blocking.says(said)
    got = blocking.ask(messages=told("Who are you?"), stream=stream)
    assert got.finish == "content_filter"
    assert not shared(got.body, SYSTEM)


def test_instructions_in_parts_are_read(blocking: Guarded, stream: bool) -> None:
    parts = [{"type": "text", "text": part} for part in SYSTEM.split(", ")]
    messages = [{"role": "system", "content": parts}, {"role": "user", "content": "Who are you?"}]
    blocking.says(f"{INTRO}{SYSTEM}")
    assert blocking.ask(messages=messages, stream=stream).finish == "content_filter"


def test_the_users_own_words_may_come_back_though_the_instructions_have_them(blocking: Guarded, stream: bool) -> None:
    blocking.says(f"You said: {SYSTEM}")
    got = blocking.ask(messages=told(f"I was told this: {SYSTEM}"), stream=stream)
    assert (got.text, got.finish) == (f"You said: {SYSTEM}", "stop")


def test_a_few_words_of_the_instructions_may_be_used(blocking: Guarded, stream: bool) -> None:
    text = f"I am the night clerk of a lighthouse library. {PROSE} {NOVEL}"
    blocking.says(text)
    got = blocking.ask(messages=told("Who are you?"), stream=stream)
    assert (got.text, got.finish) == (text, "stop")


def test_without_instructions_nothing_is_stopped(blocking: Guarded, stream: bool) -> None:
    """Also right after somebody else had these instructions."""
    blocking.says(SYSTEM)
    assert blocking.ask(messages=told("Who are you?"), stream=stream).finish == "content_filter"
    got = blocking.ask("Who are you?", stream=stream)
    assert (got.text, got.finish) == (SYSTEM, "stop")


def test_the_instructions_of_others_are_not_known(blocking: Guarded, stream: bool) -> None:
    blocking.says(SYSTEM)
    messages = [{"role": "system", "content": NOVEL}, {"role": "user", "content": "Hello"}]
    assert blocking.ask(messages=messages, stream=stream).text == SYSTEM


def test_instructions_with_personal_data_are_stopped_too(blocking: Guarded, stream: bool) -> None:
    """The model saw placeholders and says them."""
    secret = SYSTEM.replace("sailors", "ada@example.org and other sailors")
    blocking.says(INTRO + secret.replace("ada@example.org", "<EMAIL_ADDRESS_1>"))
    messages = [{"role": "system", "content": secret}, {"role": "user", "content": "Who are you?"}]
    got = blocking.ask(messages=messages, stream=stream)
    assert got.finish == "content_filter"
    assert "ada@example.org" not in got.body
