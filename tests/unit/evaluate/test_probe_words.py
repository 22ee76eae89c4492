from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.evaluate.probe_words import Quoted, in_order, similarity, words

FEW = st.lists(st.sampled_from("abc"), max_size=14)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The WALL — the wall.", ["the", "wall", "the", "wall"]),
        ("It's the tenant’s", ["its", "the", "tenants"]),
        ("ﬁne ＣＡＦＥ́ Straße", ["fine", "café", "strasse"]),
        ("soft\u00adhyphen zero\u200bwidth", ["softhyphen", "zerowidth"]),
        ("3.5 km, well-known", ["3", "5", "km", "well", "known"]),
        ("日本 go カ", ["日", "本", "go", "カ"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("…!?", []),
    ],
)
def test_words_are_what_a_reader_hears(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(FEW, FEW)
def test_runs_are_those_that_stand_in_the_quoted_text(quoted: list[str], text: list[str]) -> None:
    inner = {tuple(quoted[a:b]) for a in range(len(quoted)) for b in range(a, len(quoted) + 1)} | {()}
    expected = [
        max(length for length in range(end + 1) if tuple(text[end - length : end]) in inner)
        for end in range(1, len(text) + 1)
    ]
    assert list(Quoted(quoted).runs(text)) == expected


@given(FEW, FEW)
def test_words_in_order_are_a_longest_common_subsequence(one: list[str], other: list[str]) -> None:
    row = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for at, met in enumerate(other, 1):
            diagonal, row[at] = row[at], diagonal + 1 if word == met else max(row[at], row[at - 1])
    assert in_order(one, other) == row[-1]


def test_similarity_is_between_nothing_and_equal() -> None:
    assert similarity([], []) == 0.0
    assert similarity(["a", "b"], ["a", "b"]) == 1.0
    assert similarity(["a", "x", "b"], ["a", "b", "y"]) == pytest.approx(2 / 3)


def test_long_texts_take_no_time() -> None:
    chance = random.Random(7)
    document = [str(int(chance.paretovariate(0.4)) % 5000) for _ in range(100_000)]
    answer = [*document[700:1700], *chance.choices(document, k=1000)]
    began = time.process_time()
    longest = max(Quoted(answer).runs(document))
    in_order(answer, document[:2000])
    assert longest >= 1000
    assert time.process_time() - began < 2.0
