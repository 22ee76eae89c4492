"""The native engine of the names model finds what the network finds in numpy, on every processor, in any text."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.redact.ner.engine import native
from gateway.redact.ner.network import ENTITIES, PIECE, WEIGHTS, Ner, _addresses
from gateway.redact.ner.weights import laid_out, read
from models.ner import corpus
from models.ner.evaluate import SETS
from models.ner.features import features, tokens
from models.ner.reference import Reference

STORED, ABOUT = read(WEIGHTS)
NATIVE, REFERENCE = Ner(STORED, ABOUT), Reference(STORED, ABOUT)
WORDS = (
    "Charlotte Webb", "sarah", "Müller", "Lisbon", "王小明", "O'Brien", "from", "the", "Dear Mr.", "writes to", "GmbH",
    "12 Mill Lane", "id,name", '{"name":"', '"}', "\n", "\t", "==>", "😀", "\ud800", "Ju\u0308rgen", "Char\u200blotte",
    "7 8 9", "\u0661\u0662", "İstanbul", "ﬁne", "ǅ", "\x00", "\U0010ffff", "\u0301", "𝐉𝐨𝐡𝐧", "x" * 23,
    "ab" * 12, "Z" * 25,
)  # fmt: skip
TEXTS = (
    st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)
    | st.lists(st.sampled_from(WORDS), max_size=30).map("".join)
    | st.text(st.characters(exclude_categories=()), max_size=80)
)
ODD = (
    "", " ", "\n", "\u200b", "\u200ba", "a\u200b", " \u0301", "\ud800\udfff", "\U0010ffff", "\x00" * 9, "7" * 9,
    "." * 99,
)  # fmt: skip
LONG = (
    "a" * 1_000_000, "7 " * 300_000, "\u200b" * 1_000_000, "Anna, " * 60_000, "\ud800a\u0301" * 99_999, "<>" * 200_000,
)  # fmt: skip


def described(text: str) -> list[tuple[Any, ...]]:
    """The tokens as `native.Network.tokens` gives them, by numpy."""
    cut = tokens(text)
    if not len(cut.start):
        return []
    of = features(cut)
    trigrams = [tuple(part.tolist()) for part in np.split(of.trigram, of.offset[1:])]
    columns = (cut.start, cut.end, cut.letters, of.word, of.prefix, of.suffix, of.shape)
    return [(*row, part) for row, part in zip(zip(*(c.tolist() for c in columns), strict=True), trigrams, strict=True)]


def is_close(text: str) -> bool:
    """Whether some token is judged so narrowly that the rounding of numbers may turn the balance."""
    chances = REFERENCE.chances(text)
    some, begins = chances[0], chances[1]
    likely = np.sort(chances[2:] * np.array(ABOUT["prefer"])[:, None], axis=0)
    named = some > 0.49
    narrow = (abs(some - 0.5) < 2e-3) | (abs(begins * 2 - some) < 4e-3) | (likely[2] - likely[1] < 4e-3)
    return bool((narrow & named).any())


def assert_same(text: str) -> None:
    found, expected = NATIVE.find(text), _addresses(text, REFERENCE.find(text))
    assert [name[:3] for name in found] == [name[:3] for name in expected]
    # Both are rounded to a thousandth.
    assert all(abs(one[3] - other[3]) < 1.5e-3 for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize("name", SETS)
def test_annotated_texts_have_the_same_names_as_in_numpy(name: str) -> None:
    for record in corpus.evaluation(name)[::4][:60]:
        assert_same(record["text"])


def test_a_long_text_has_the_same_names_as_in_numpy() -> None:
    assert_same("\n\n".join(record["text"] for record in corpus.evaluation("presidio-synth")[:150]))


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_any_text_has_the_same_tokens_and_names_as_in_numpy(text: str) -> None:
    assert NATIVE._network.tokens(text) == described(text)
    assume(not is_close(text))
    assert_same(text)


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_are_read_as_in_numpy(text: str) -> None:
    assert NATIVE._network.tokens(text) == described(text)
    assert_same(text)


@pytest.mark.parametrize("text", LONG, ids=lambda text: ascii(text[:6]))
def test_long_texts_of_one_kind_are_read_whole(text: str) -> None:
    found = NATIVE.find(text)
    assert all(0 <= start < end <= len(text) for start, end, *_ in found)
    assert bool(found) <= any(char.isalpha() for char in text[:8])


@pytest.mark.parametrize("instructions", native.INSTRUCTIONS)
def test_every_processor_finds_the_same_to_the_last_bit(instructions: str) -> None:
    other = Ner(STORED, ABOUT, instructions=instructions)
    for record in corpus.evaluation("hand-dev")[:60] + corpus.evaluation("germeval14")[:60]:
        assert other.find(record["text"]) == NATIVE.find(record["text"])


def test_every_character_is_read_as_in_numpy() -> None:
    for first in range(0, 0x110000, 0x8000):
        text = "".join(f"a{chr(code)}B" for code in range(first, first + 0x8000, 3))
        found = NATIVE._network.tokens(text)
        cut = tokens(text)
        assert [row[:2] for row in found] == list(zip(cut.start.tolist(), cut.end.tolist(), strict=True))
        assert [row[3] for row in found] == features(cut).word.tolist()


def test_threads_that_read_long_texts_find_the_same() -> None:
    text = "Charlotte Webb lives in Hamburg; 7 is a number. " * 300
    expected = NATIVE.find(text)
    with ThreadPoolExecutor(4) as pool:
        assert all(found == expected for found in pool.map(NATIVE.find, [text] * 12))


@pytest.mark.parametrize("text", [None, 1, b"Anna", ["Anna"]])
def test_what_is_no_text_is_refused(text: Any) -> None:
    with pytest.raises(TypeError):
        NATIVE._network.find(text)


def test_a_network_that_was_not_loaded_finds_nothing() -> None:
    empty = native.Network.__new__(native.Network)
    with pytest.raises(ValueError, match="not loaded"):
        empty.find("Anna")
    with pytest.raises(TypeError, match="once"):
        NATIVE._network.__init__([], [], 9, PIECE, ENTITIES, "")


def test_arrays_that_do_not_fit_are_refused() -> None:
    arrays = laid_out(STORED, ABOUT)
    for place in range(len(arrays)):
        short = [*arrays[:place], arrays[place][:1], *arrays[place + 1 :]]
        with pytest.raises(ValueError, match=r"array \d+ is not|damaged"):
            native.Network(short, ABOUT["dilations"], 9, PIECE, ENTITIES, "")
    with pytest.raises(IndexError):
        native.Network(arrays[:-1], ABOUT["dilations"], 9, PIECE, ENTITIES, "")


@pytest.mark.parametrize(
    ("dilations", "context", "piece", "instructions"),
    [
        ([1, 2, 3, 9], 16, PIECE, ""),
        ([1, 2, 3, 0], 9, PIECE, ""),
        ([1, 2, 3, 2], 8, PIECE, ""),
        ([1, 2, 3, 2], 33, PIECE, ""),
        ([1, 2, 3, 2], 9, 0, ""),
        ([1, 2, 3, 2], 9, -1, ""),
        ([1, 2, 3, 2], 9, PIECE, "abacus"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(dilations: list[int], context: int, piece: int, instructions: str) -> None:
    with pytest.raises(ValueError, match=r"dilation|context|instructions"):
        native.Network(laid_out(STORED, ABOUT), dilations, context, piece, ENTITIES, instructions)


def test_a_lexicon_that_is_out_of_order_is_refused() -> None:
    for name, value in (("lexicon_hashes", np.uint32(0)), ("lexicon_values", np.uint16(65_535))):
        broken = STORED[name].copy()
        broken[len(broken) // 2] = value
        with pytest.raises(ValueError, match="lexicon"):
            Ner(STORED | {name: broken}, ABOUT)
