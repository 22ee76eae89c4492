"""Tokens and their descriptions: every character is read once, and a token looks the same wherever it stands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.redact.ner.characters import DROPPED, LIMIT, SPACE, character_tables
from gateway.redact.ner.hashing import TOKEN_LIMIT
from models.ner.features import features, tokens

TEXTS = st.text(st.characters(exclude_categories=()), max_size=60) | st.text("aB é1.\n\u0301\u200b-ñ😀", max_size=60)


def pieces(text: str) -> list[str]:
    found = tokens(text)
    return [text[start:end] for start, end in zip(found.start, found.end, strict=True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Soo-ah's 17a", ["Soo", "-", "ah", "'", "s", "17", "a"]),
        ("Hauptstraße 17, 4020", ["Hauptstraße", "17", ",", "4020"]),
        ("==>> x", ["==", ">>", "x"]),
        ("Ju\u0308rgen\u200b Wu", ["Ju\u0308rgen\u200b", "Wu"]),
        ("王小明 1", ["王小明", "1"]),
    ],
)
def test_tokens_are_runs_of_letters_of_digits_or_of_one_sign(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


@given(TEXTS)
def test_every_visible_character_is_in_exactly_one_token(text: str) -> None:
    found, kinds = tokens(text), character_tables().kind
    read = np.zeros(len(text), int)
    for start, end in zip(found.start, found.end, strict=True):
        assert start < end
        read[start:end] += 1
    for char, times in zip(text, read, strict=True):
        kind = kinds[min(ord(char), LIMIT)]
        assert times == 1 or (kind in {SPACE, DROPPED} and times <= 1)


@given(TEXTS, TEXTS)
def test_a_token_looks_the_same_wherever_it_stands(before: str, text: str) -> None:
    alone, later = tokens(text), tokens(f"{before}\n{text}")
    if not len(alone.start):
        return
    count = len(alone.start)
    one, two = features(alone), features(later, len(later.start) - count)
    for name in ("word", "prefix", "suffix", "shape", "weight"):
        assert (getattr(one, name) == getattr(two, name)).all(), name
    assert (one.trigram == two.trigram).all()


def test_case_and_accents_change_the_shape_only() -> None:
    one, two = features(tokens("joao")), features(tokens("JOÃO"))
    assert one.word == two.word
    assert one.suffix == two.suffix
    assert one.shape != two.shape


def test_line_ends_and_spaces_show_in_the_shape() -> None:
    shapes = [int(features(tokens(text)).shape[1]) for text in ("a,x", "a, x", "a,\nx")]
    assert shapes[0] == shapes[1]
    last = [int(features(tokens(text)).shape[2]) for text in ("a,x", "a, x", "a,\nx")]
    assert len(set(last)) == 3


@given(st.integers(1, 200))
def test_of_a_long_token_only_its_beginning_and_end_count(length: int) -> None:
    described = features(tokens("ab" * length))
    assert len(described.trigram) == min(2 * length, TOKEN_LIMIT)
    assert features(tokens("x" * (100 + length) + "son")).suffix == features(tokens("x" * 100 + "son")).suffix
