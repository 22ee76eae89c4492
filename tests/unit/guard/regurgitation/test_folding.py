from __future__ import annotations

import hashlib
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.guard.regurgitation import folding
from gateway.guard.regurgitation.engine import native
from tests.unit.guard.regurgitation import oracle
from tests.unit.guard.regurgitation.texts import text

VECTORS = json.loads((Path(__file__).parents[3] / "vectors" / "regurgitation.json").read_text())
_PIECES = st.sampled_from(
    [
        "a", "b", "Word", " ", "\n", "\\", "\\n", "\\u0061", "\\ud835\\udc00", "\\u12", "&#65;", "&#x41;", "&amp;", "&",
        "&#", "%20", "%C3%A9", "%E4%BD", "%", "<b>", "</em>", "<br/>", "<", "<x>", "é", "ﬁ", "𝐀", "\u200b", "漢", "ß",
        "İ", "١", "1. ", "2) ", "12", "123", "1234. ", ".", ")", "\t", "'", "*", "_", "\ud800", "\u0301", "x1",
        "&#1114112;", "a" * 25,
    ]
)  # fmt: skip
TEXTS = st.one_of(st.lists(_PIECES, max_size=40).map("".join), st.text(max_size=60))


@pytest.mark.parametrize("case", VECTORS["siphash_2_4"], ids=lambda case: f"{case['bytes']} bytes")
def test_siphash_is_that_of_its_reference(case: dict[str, Any]) -> None:
    key, message = bytes(range(16)), bytes(range(case["bytes"]))
    assert f"{native.siphash(key, message):016x}" == case["hash"] == f"{oracle.siphash(key, message):016x}"


def test_the_table_is_frozen() -> None:
    content = folding.frozen().tobytes()
    assert hashlib.sha256(content).hexdigest() == VECTORS["fold_table_sha256"]


@pytest.mark.skipif(unicodedata.unidata_version != VECTORS["unicode"], reason="the table is of another Unicode version")
def test_the_table_can_be_made_again() -> None:
    assert folding.made() == folding.frozen()


@pytest.mark.parametrize("case", VECTORS["folded"], ids=lambda case: case["text"])
def test_texts_fold_as_they_always_did(case: dict[str, str]) -> None:
    symbols, starts = native.fold(case["text"])
    assert (symbols.hex(), starts.hex()) == (case["symbols"], case["starts"])


@pytest.mark.parametrize("case", VECTORS["parts"], ids=lambda case: case["text"])
def test_seeds_and_codes_are_what_they_always_were(case: dict[str, str]) -> None:
    key = bytes(range(16))
    _, codes, seeds = native.part(key, bytes(16), [case["text"]])
    assert (codes.hex(), seeds.hex()) == (case["codes"], case["seeds"])


@example("%E4%BD\\%C3%A9")
@example("%E4&%41")
@given(TEXTS)
def test_folding_agrees_with_the_oracle(value: str) -> None:
    symbols, starts = native.fold(value)
    assert (list(symbols), [bool(one) for one in starts]) == oracle.fold(value)


@given(st.one_of(TEXTS, st.integers(0, 50).map(lambda seed: text(seed, 60))))
def test_seeds_and_codes_agree_with_the_oracle(value: str) -> None:
    key, letters_key = bytes(range(16)), bytes(range(1, 17))
    [(start, end)], codes, seeds = native.part(key, letters_key, [value])
    symbols, starts = oracle.fold(value)
    assert (start, end) == (0, len(symbols))
    found = [
        (int.from_bytes(seeds[i : i + 8], "little"), int.from_bytes(seeds[i + 8 : i + 12], "little"))
        for i in range(0, len(seeds), 12)
    ]
    assert found == oracle.seeds(key, symbols, starts)
    plain = []
    for block in range(len(codes) // 8):
        word = int.from_bytes(codes[block * 8 : block * 8 + 8], "little")
        word ^= oracle.siphash(letters_key, block.to_bytes(8, "little"))
        plain += [word >> 2 * i & 3 for i in range(32)]
    assert plain[: len(symbols)] == oracle.codes(symbols)
    assert not any(plain[len(symbols) :])


def test_every_alphabet_shift_has_the_same_steps() -> None:
    value = "the quick brown fox jumps over the lazy dog"
    shifted = "".join(chr((ord(c) - 97 + 13) % 26 + 97) if c.isalpha() else c for c in value)
    assert native.part(bytes(16), bytes(16), [value]) == native.part(bytes(16), bytes(16), [shifted])
