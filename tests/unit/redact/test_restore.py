from __future__ import annotations

import json

import pytest

from gateway.pipeline.channel import Channel, Field
from gateway.redact.placeholder import Grammar
from gateway.redact.restore import RestoreFilter
from gateway.redact.vault import Vault
from tests.laws.strategies import run

NAME, MAIL = "Conan O'Brien", 'o"neil\\@example.org'
CONTENT = Channel(0, Field.CONTENT)


def restored(answer: str, *, is_json: bool = False, cut: int = 0) -> str:
    vault = Vault()
    assert vault.placeholder("PERSON", NAME) == "<PERSON_1>"
    assert vault.placeholder("EMAIL_ADDRESS", MAIL) == "<EMAIL_ADDRESS_1>"
    channel = Channel(0, Field.CONTENT, is_json=is_json)
    opened = RestoreFilter(vault, Grammar(vault.entities()), channel)
    return run(opened, [answer[:cut], answer[cut:]] if cut else [answer])[0]


@pytest.mark.parametrize(
    "written",
    [
        "<PERSON_1>", "<person_1>", "<Person_1>", "<Person 1>", "< PERSON_1 >", "<PERSON-1>", "<PERSON\\_1>",
        "PERSON_1", "person_1", "Person_1", "<PERSON_1", "PERSON_1>", "&lt;PERSON_1&gt;", "&LT;person_1&GT;",
        "\\u003cPERSON_1\\u003e", "\\u003CPerson 1\\u003E",
    ],
)  # fmt: skip
def test_restores_a_placeholder_in_every_form_cut_at_every_character(written: str) -> None:
    answer = f"Dear {written}, hello."
    assert {restored(answer, cut=cut) for cut in range(len(answer))} == {f"Dear {NAME}, hello."}


@pytest.mark.parametrize(
    "written",
    ["<EMAIL_ADDRESS_1>", "<Email Address 1>", "email_address_1", "<EMAIL ADDRESS_1>", "<email-address-1>"],
)
def test_restores_names_of_several_words(written: str) -> None:
    assert restored(f"to {written}.") == f"to {MAIL}."


@pytest.mark.parametrize(
    "text",
    [
        "<PERSON_2>", "<PERSON_0>", "<PERSON_01>", "<PERSON_11>", "PERSON_1x", "xPERSON_1", "my_person_1",
        "<LOCATION_1>", "PERSON 1", "person 1 and person 2", "<PERSON_1000001>", "PERSON_", "<PERSON>", "PERSON_12",
    ],
)  # fmt: skip
def test_leaves_alone_what_the_prompt_did_not_create(text: str) -> None:
    assert restored(text) == text
    assert restored(f"a {text} b", cut=5) == f"a {text} b"


@pytest.mark.parametrize("text", ["a _1 b", "a <_1> b", "a < 1 b <", "&lt;_1&gt;"])
def test_without_any_type_there_are_no_placeholders(text: str) -> None:
    grammar = Grammar([])
    assert not list(grammar.mentions(text))
    assert grammar.next(text, 0, final=True) == len(text)


def test_several_in_a_row_are_each_restored() -> None:
    assert restored("<PERSON_1><PERSON_1>PERSON_1,<EMAIL_ADDRESS_1>") == f"{NAME}{NAME}{NAME},{MAIL}"


def test_values_are_escaped_in_tool_arguments_and_json_answers() -> None:
    document = '{"to": "<EMAIL_ADDRESS_1>", "cc": ["<Email Address 1>"]}'
    for answer, is_json in ((document, True), (document, False), (f"```json\n{document}\n```", False)):
        text = restored(answer, is_json=is_json).removeprefix("```json\n").removesuffix("\n```")
        assert json.loads(text) == {"to": MAIL, "cc": [MAIL]}


def test_values_are_not_escaped_in_prose() -> None:
    assert restored('He said "<EMAIL_ADDRESS_1>".') == f'He said "{MAIL}".'
    assert restored("[1] <EMAIL_ADDRESS_1>") == f"[1] {MAIL}"


def test_brackets_written_as_html_get_the_value_as_html() -> None:
    vault = Vault()
    vault.placeholder("PERSON", "Tom & <b>")
    opened = RestoreFilter(vault, Grammar(["PERSON"]), CONTENT)
    assert run(opened, ["<p>&lt;PERSON_1&gt;</p>"])[0] == "<p>Tom &amp; &lt;b&gt;</p>"


def test_restoring_is_one_pass() -> None:
    vault = Vault()
    vault.placeholder("PERSON", "<PERSON_2>")
    vault.placeholder("PERSON", "secret of another")
    opened = RestoreFilter(vault, Grammar(["PERSON"]), CONTENT)
    assert run(opened, ["<PERSON_1>"])[0] == "<PERSON_2>"


def test_plain_text_is_not_held_back() -> None:
    vault = Vault()
    vault.placeholder("PERSON", NAME)
    opened = RestoreFilter(vault, Grammar(["PERSON"]), CONTENT)
    assert opened.push("The weather is good. ") == "The weather is good. "
    assert opened.push("a < b and 5 ") == "a < b and 5 "
    assert opened.push("<PERS") == ""
    assert opened.push("IAN>") == "<PERSIAN>"
