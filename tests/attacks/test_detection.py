"""Values as they come out of terminals, mails and tables, and texts that cost more than they are long."""

from __future__ import annotations

import pytest

from gateway.policy.schema import Redact
from gateway.redact.views.escapes import without_escapes
from gateway.redact.views.spoken import respelled
from gateway.redact.views.view import View
from tests.attacks.seen import calls, says, seen, stage, written


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("login from \x1b[32m81.2.69.142\x1b[0m", "81.2.69.142"),
        ("call \x1b[1;31m212-555-0187\x1b[0m", "212-555-0187"),
        ("log: \\u001b[32m81.2.69.142\\u001b[0m", "81.2.69.142"),
        ("card 4111 1111\x00 1111 1111", "1111 1111"),
        ("call 212-5\x0055-0187", "55-0187"),
        ("write to jane\x7f.doe@example.org", "doe@"),
        ("call +49 151\n23456789 today", "23456789"),
        ("> call +49 151\n> 23456789 today", "23456789"),
        ("call +49\t151\t23456789", "23456789"),
        ("call " + "\u0336".join("212-555-0187") + "\u0336", "0\u03361\u03368"),
        ("Jane Doe: **212-555-0187**", "0187"),
        ("Jane Doe, 212-555-0187 - 24/7", "0187"),
    ],
)
def test_a_value_is_hidden_however_it_was_pasted(text: str, value: str) -> None:
    assert value in text
    assert value not in written(says(text))


@pytest.mark.parametrize("text", ["+49 151\n+49 152\n+49 153\n", "sum 49\n151\n23456789 rows"])
def test_columns_of_numbers_are_no_phone_numbers(text: str) -> None:
    assert "PHONE" not in written(says(text))


@pytest.mark.parametrize("text", ["." * 200_000, ". " * 100_000, "+." * 100_000, "._" * 100_000])
def test_rows_of_signs_spell_no_words(text: str) -> None:
    # Took minutes when each sign was a place to begin at.
    assert respelled(View().show(text, 0, len(text))) is None


@pytest.mark.parametrize("action", ["hash", "placeholder", "mask"])
def test_half_a_character_in_a_value_is_no_failure(action: str) -> None:
    redact = Redact.model_validate({"nlp": {"engine": "patterns"}, "default": action})
    arguments = '{"a": "card 4111 1111 1111 1111", "b": "jane\\ud800@example.org", "c": "password: x9\\udc00Qz!77"}'
    assert "4111" not in str(seen(calls(arguments), stage(redact)))
    assert without_escapes("a\\ud800b\\udc00c\\ud83d\\ude00") == "a\ufffdb\ufffdc\U0001f600"
