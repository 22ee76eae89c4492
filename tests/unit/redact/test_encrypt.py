from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.channel import Channel, Field
from gateway.policy.schema import Redact
from gateway.redact.actions import encrypted, revealed
from gateway.redact.finder import Finder, memos
from gateway.redact.rules import Rules
from gateway.redact.stage import RedactStage
from gateway.seal.errors import SealError
from gateway.seal.keyring import TEXT_PURPOSE
from gateway.seal.keyset import Keyset
from gateway.seal.text import TextSealer
from tests.laws.strategies import FakeDetector, exchange, prompt, run, texts_of

KEYSET = Keyset.fresh()
TEXT = "Ask Ann Lee (a@b.cc), Ann Lee!"


def sealer(tenant: str, keyset: Keyset = KEYSET) -> TextSealer:
    return TextSealer(((key.id, key.secret) for key in keyset.usable()), TEXT_PURPOSE, tenant, b"s" * 32)


def stage(keyset: Keyset = KEYSET) -> RedactStage:
    policy = Redact.model_validate({"entities": {"PERSON": "encrypt"}})
    rules = Rules(policy, ["PERSON", "EMAIL_ADDRESS", "IP_ADDRESS", "ID"])
    finder = Finder(FakeDetector(), rules, memos(lambda: 0.0, policy.memo))
    return RedactStage(rules, finder, b"k" * 32, lambda tenant: sealer(tenant, keyset))


def opener(sealer: TextSealer):  # type: ignore[no-untyped-def]
    def opened(sealed: bytes, aad: bytes) -> bytes | None:
        try:
            return sealer.open(sealed, aad)
        except SealError:
            return None

    return opened


OPENED = opener(sealer("t"))


def test_a_value_becomes_a_token_that_only_the_key_opens() -> None:
    (seen,) = texts_of(stage().on_request(prompt(TEXT), exchange()))
    assert re.fullmatch(r"Ask (<PERSON:enc:[\w-]{22,}>) \(<EMAIL_ADDRESS_1>\), \1!", seen)
    assert revealed(seen, OPENED) == ("Ask Ann Lee (<EMAIL_ADDRESS_1>), Ann Lee!", 0)
    for stranger in (sealer("t", Keyset.fresh()), sealer("other")):
        assert revealed(seen, opener(stranger)) == (seen, 2)


def test_an_answer_brings_the_token_back_as_it_is() -> None:
    current = exchange()
    (seen,) = texts_of(stage().on_request(prompt(TEXT), current))
    answer = run(stage().open(current, Channel(0, Field.CONTENT)), list(seen))[0]
    assert answer == seen.replace("<EMAIL_ADDRESS_1>", "a@b.cc")


def test_tokens_are_the_same_in_the_next_turn_and_after_a_restart() -> None:
    first = texts_of(stage().on_request(prompt(TEXT), exchange()))
    assert texts_of(stage().on_request(prompt(TEXT, "And Ann?"), exchange()))[:1] == first


@given(value=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_every_value_comes_back(value: str) -> None:
    token = encrypted(sealer("t"), "PERSON", value)
    assert revealed(f"x{token}y", OPENED) == (f"x{value}y", 0)


@pytest.mark.parametrize("form", ["{}", "&lt;{}&gt;", "\\u003c{}\\u003e"])
def test_brackets_may_have_been_escaped(form: str) -> None:
    token = encrypted(sealer("t"), "PERSON", "Ann")
    written = token if form == "{}" else form.format(token[1:-1])
    assert revealed(written, OPENED) == ("Ann", 0)


def test_a_token_of_another_type_or_with_another_letter_stays() -> None:
    token = encrypted(sealer("t"), "PERSON", "Ann")
    for wrong in (token.replace("PERSON", "LOCATION"), token[:-3] + ("AA>" if token[-3:] != "AA>" else "BB>")):
        assert revealed(wrong, OPENED) == (wrong, 1)
    for other in ("<PERSON:enc:short>", "<PERSON_1>", "enc:" + "A" * 30, "<PERSON:enc:" + "A" * 21 + ">"):
        assert revealed(other, OPENED) == (other, 0)
    # As long as no base64 is.
    assert revealed("<PERSON:enc:" + "A" * 25 + ">", OPENED)[1] == 1
