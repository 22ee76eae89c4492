"""The laws of the core with surrogates in the place of placeholders, on texts that make it hard for them."""

from __future__ import annotations

import gc
import re
from collections.abc import Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.pipeline.channel import Channel, Field
from gateway.pipeline.exchange import Deadline
from gateway.pipeline.span import Span
from gateway.pipeline.stage import Chain
from gateway.policy.schema import Redact
from gateway.redact.surrogate.chooser import Surrogates
from gateway.redact.surrogate.lexicon import Entry
from gateway.redact.vault import Vault
from tests.laws.strategies import CUTS, exchange, pieces, prompt, run, texts_of
from tests.support.stages import redact_stage

CONTENT = Channel(0, Field.CONTENT)
CHANNELS = st.sampled_from([CONTENT, Channel(0, Field.TOOL_ARGUMENTS, 0, is_json=True), Channel(1, Field.REASONING)])
KEY = b"k" * 32
VALUES = {
    "Anna Berg": "PERSON",
    "Anna": "PERSON",
    "ANNA BERG": "PERSON",
    "Berg, Anna": "PERSON",
    "J. R. Smith": "PERSON",
    "Jean-Luc d'Arcy": "PERSON",
    "straße": "PERSON",
    'O"Neil\\': "PERSON",
    "李伟": "PERSON",
    "anna.berg@acme.com": "EMAIL_ADDRESS",
    "a@b.cc": "EMAIL_ADDRESS",
    "+1 (212) 555-0187": "PHONE_NUMBER",
    "2125550187": "PHONE_NUMBER",
    "03.11.1969": "DATE_TIME",
    "3 November 1969": "DATE_TIME",
    "tomorrow": "DATE_TIME",
    "4111 1111 1111 1111": "CREDIT_CARD",
    "DE89 3704 0044 0532 0130 00": "IBAN_CODE",
    "23.4.5.6": "IP_ADDRESS",
    "E-123456": "ID",
    "1": "ID",
    "PERSON_2": "ID",
    "New Ulm": "LOCATION",
    "Acme, Inc.": "ORGANIZATION",
}


class Finds:
    """Finds every literal occurrence of VALUES, overlapping or not."""

    def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
        return [
            [
                Span(match.start(), match.start() + len(value), entity, 0.9, "recognizers[0]")
                for value, entity in VALUES.items()
                for match in re.finditer(f"(?={re.escape(value)})", text)
            ]
            for text in texts
        ]


def chain(action: str = "surrogate") -> Chain:
    return Chain([redact_stage(Redact.model_validate({"default": action}), Finds(), VALUES.values(), KEY)])


def usual(text: str, entity: str = "PERSON") -> str:
    """The stand-in that a value gets where nothing is in its way."""
    made = Surrogates(KEY, "t").stand_in(entity, text)
    assert made is not None
    return made


_STAND_INS = [usual(value, entity) for value, entity in VALUES.items() if Surrogates(KEY, "t").stand_in(entity, value)]
_NEAR = [
    variant
    for stand_in in _STAND_INS
    for variant in (
        stand_in,
        stand_in.upper(),
        stand_in.lower(),
        stand_in + "s",
        stand_in[:-1],
        stand_in.split(" ")[-1],
    )
]
_WORDS = st.sampled_from(
    [
        *VALUES, *VALUES, *_NEAR, *usual("Anna Berg").split(), "<PERSON_1>", "person_1", "<PLACEHOLDER_1>", "<", ">",
        " ", " ", ", ", "'s", "s", "\n", "\\n", "\\", "_", "-", ".", "+", "(", ")", "1", "x", "sche", '{"', '"}', "ſ",
        "İ", "Σ", "漢", "é", "@",
    ]
)  # fmt: skip
TEXTS = st.lists(st.one_of(_WORDS, st.text(max_size=3)), max_size=12).map("".join)


@settings(max_examples=600, deadline=None)
@given(asked=st.lists(TEXTS, max_size=3), answer=TEXTS, cuts=CUTS, channel=CHANNELS)
def test_cutting_does_not_matter(asked: list[str], answer: str, cuts: list[int], channel: Channel) -> None:
    opened, current = chain(), exchange()
    opened.on_request(prompt(*asked), current)
    expected, _ = run(opened.open(current, channel), [answer])
    assert run(opened.open(current, channel), pieces(answer, cuts))[0] == expected
    assert run(opened.open(current, channel), list(answer))[0] == expected


@settings(max_examples=300, deadline=None)
@given(asked=st.lists(TEXTS, max_size=3), answer=TEXTS, cuts=CUTS, channel=CHANNELS)
def test_what_has_left_is_a_prefix_and_what_is_held_is_bounded(
    asked: list[str], answer: str, cuts: list[int], channel: Channel
) -> None:
    opened, current = chain(), exchange()
    opened.on_request(prompt(*asked), current)
    held = opened.open(current, channel)
    final, states = run(held, pieces(answer, cuts))
    assert all(final.startswith(state) for state in states)
    padding = "." * held.hold_chars
    left = "".join(opened.open(current, CONTENT).push(text) for text in [answer + padding])
    assert left.endswith(padding)
    assert held.hold_chars <= 4 * max([32, *(len(stand_in) + 2 for stand_in in _STAND_INS)])


@settings(max_examples=1500, deadline=None)
@given(asked=st.lists(TEXTS, min_size=1, max_size=4), cuts=CUTS)
def test_restoring_what_was_redacted_gives_the_text_back(asked: list[str], cuts: list[int]) -> None:
    # In an answer that is JSON this value is escaped, on purpose.
    assume(not any('O"Neil\\' in text for text in asked))
    opened, current = chain(), exchange()
    redacted = texts_of(opened.on_request(prompt(*asked), current))
    for text, seen in zip(asked, redacted, strict=True):
        assert run(opened.open(current, CONTENT), pieces(seen, cuts))[0] == text


@settings(max_examples=400, deadline=None)
@given(turns=st.lists(TEXTS, min_size=1, max_size=4), more=TEXTS)
def test_a_longer_conversation_keeps_the_surrogates_of_its_earlier_turns(turns: list[str], more: str) -> None:
    # A later turn may reveal that a word of an earlier one is somebody's name: then placeholders change there too.
    short, long = (texts_of(chain("placeholder").on_request(prompt(*t), exchange())) for t in (turns, [*turns, more]))
    assume(long[: len(turns)] == short)
    opened = chain()
    before = texts_of(opened.on_request(prompt(*turns), exchange()))
    again = texts_of(opened.on_request(prompt(*turns), exchange()))
    after = texts_of(opened.on_request(prompt(*turns, more), exchange()))
    assert again == before
    assert after[: len(turns)] == before


@settings(max_examples=400, deadline=None)
@given(asked=TEXTS)
def test_the_model_sees_no_value_of_the_prompt(asked: str) -> None:
    opened, current = chain(), exchange()
    (seen,) = texts_of(opened.on_request(prompt(asked), current))
    assert not [value for value in VALUES if len(value) > 2 and value in seen and value != "PERSON_2"]


@settings(max_examples=200, deadline=None)
@given(words=st.lists(st.sampled_from([*VALUES, *_NEAR]), min_size=1, max_size=12, unique=True))
def test_two_values_never_share_a_surrogate_and_none_is_a_word_of_the_prompt(words: list[str]) -> None:
    text = " | ".join(words)
    made = Surrogates(KEY, "t")
    made.read(text)
    given_out = [
        stand_in for word in words if word in VALUES and (stand_in := made.stand_in(VALUES[word], word)) is not None
    ]
    assert len(set(given_out)) == len(given_out)
    assert not [stand_in for stand_in in given_out if stand_in in text]


def test_no_surrogate_survives_its_exchange() -> None:
    opened, current = chain(), exchange()
    opened.on_request(prompt("Anna Berg: anna.berg@acme.com"), current)
    vault = current.kept(Vault)
    assert vault is not None
    assert len(vault) == 2
    assert "Anna" not in repr(vault.surrogates)
    with pytest.raises(TypeError):
        vault.surrogates.__reduce__()
    del vault
    gc.collect()
    gc.disable()
    try:
        current.close()
        left = [found for found in gc.get_objects() if isinstance(found, Surrogates | Vault | Entry)]
    finally:
        gc.enable()
    # Nothing waits for the collector.
    assert not left
