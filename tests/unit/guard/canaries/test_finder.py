"""Canaries in answers: found in every disguise, however the answer is cut, and nothing of them leaves."""

from __future__ import annotations

import base64
import codecs
import json
import random
import urllib.parse
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.guard import canaries
from gateway.guard.canaries import FOUND_WORDS, PHRASE_WORDS, Canaries

BEFORE, AFTER = "Here is what you asked for, as I remember it: ", " and so it goes on with other things for a while."


@cache
def phrases() -> dict[str, str]:
    chance = random.Random(7)
    return {f"c{n}": " ".join(chance.choices(canaries._WORDS, k=PHRASE_WORDS)) for n in range(20)}


@cache
def made() -> Canaries:
    return Canaries(phrases())


def filtered(text: str, *cuts: int) -> tuple[str, str | None]:
    """What leaves, and the id of what was found."""
    finder = made().open()
    out, last = "", 0
    for cut in sorted({*cuts, len(text)}):
        out += finder.push(text[last:cut])
        last = cut
        assert len(text[:cut]) - len(out) <= finder.hold_chars or finder.hit
    return out + finder.flush(), finder.hit


def turned(text: str, by: int) -> str:
    return "".join(chr((ord(c) - 97 + by) % 26 + 97) if c.isalpha() else c for c in text)


HOMOGLYPHS = str.maketrans("aeopcxy", "аеорсху")
WIDE = {ord(c): ord(c) + 0xFEE0 for c in "abcdefghijklmnopqrstuvwxyz"}
DISGUISES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "capitals": str.upper,
    "title": str.title,
    "no spaces": lambda p: p.replace(" ", ""),
    "camel case": lambda p: p.title().replace(" ", ""),
    "commas": lambda p: p.replace(" ", ", "),
    "snake case": lambda p: p.replace(" ", "_"),
    "a word on a line": lambda p: p.replace(" ", "\n"),
    "wrapped": lambda p: f"{p[:25]}\n   {p[25:]}",
    "hyphenated": lambda p: f"{p[:25]}-\n{p[25:]}",
    "a numbered list": lambda p: "\n".join(f"{n}. {word}" for n, word in enumerate(p.split(), 1)),
    "bullets in bold": lambda p: "\n".join(f"- **{word}**" for word in p.split()),
    "emphasis within words": lambda p: f"**{p[:20]}**{p[20:40]}_{p[40:]}_",
    "HTML": lambda p: " ".join(f"<b>{word}</b>" for word in p.split()),
    "zero-width": "\u200b".join,
    "soft hyphens": "\u00ad".join,
    "homoglyphs": lambda p: p.translate(HOMOGLYPHS),
    "full width": lambda p: p.translate(WIDE),
    "accents": lambda p: p.replace("a", "á").replace("e", "e\u0302"),
    "spaced letters": " ".join,
    "dotted letters": lambda p: ".".join(p.replace(" ", "")),
    "letters on lines": lambda p: "\n".join(p.replace(" ", "")),
    "reversed": lambda p: p[::-1],
    "words reversed": lambda p: " ".join(word[::-1] for word in p.split()),
    "rot13": lambda p: codecs.encode(p, "rot13"),
    "another turn": lambda p: turned(p, 5),
    "rot13, reversed": lambda p: codecs.encode(p[::-1], "rot13"),
    "base64": lambda p: base64.b64encode(p.encode()).decode(),
    "base64, one byte on": lambda p: base64.b64encode(b"." + p.encode()).decode(),
    "base64, two bytes on": lambda p: base64.b64encode(b".." + p.encode()).decode(),
    "base64 of capitals": lambda p: base64.urlsafe_b64encode(p.upper().encode()).decode(),
    "base64 in lines": lambda p: base64.encodebytes(p.encode()).decode(),
    "hex": lambda p: p.encode().hex(),
    "hex in capitals": lambda p: p.encode().hex().upper(),
    "hex with spaces": lambda p: p.encode().hex(" "),
    "hex with colons": lambda p: p.title().encode().hex(":"),
    "JSON": lambda p: json.dumps(p.replace(" ", "\n")),
    "JSON escapes": lambda p: "".join(f"\\u{ord(c):04x}" for c in p),
    "percent": urllib.parse.quote,
    "percent for all": lambda p: "".join(f"%{ord(c):02X}" for c in p),
    "character references": lambda p: "".join(f"&#{ord(c)};" for c in p),
    "digits for letters": lambda p: p.translate(str.maketrans("aeio", "4310")),
}


@pytest.mark.parametrize("name", DISGUISES)
def test_a_canary_is_found_in_any_disguise_and_nothing_of_it_leaves(name: str) -> None:
    for id_, phrase in phrases().items():
        text = BEFORE + DISGUISES[name](phrase) + AFTER
        for cuts in ((), range(1, len(text)), range(5, len(text), 9)):
            out, hit = filtered(text, *cuts)
            assert hit == id_
            assert BEFORE.startswith(out), (name, out[len(BEFORE) :])


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(phrases())),
    st.sampled_from(sorted(DISGUISES)),
    st.integers(0, 80),
    st.lists(st.integers(0, 400), max_size=12),
    st.booleans(),
)
def test_cutting_does_not_matter(id_: str, name: str, ahead: int, cuts: list[int], is_there: bool) -> None:
    phrase = DISGUISES[name](phrases()[id_]) if is_there else "nothing of the kind, only what people say"
    text = "x, y and z " * (ahead // 11) + BEFORE + phrase + AFTER
    whole = filtered(text)
    assert filtered(text, *(cut for cut in cuts if cut < len(text))) == whole
    assert whole[1] == (id_ if is_there else None)
    assert text.startswith(whole[0])
    assert is_there or whole[0] == text


def test_any_piece_with_four_words_in_a_row_is_found() -> None:
    for id_, phrase in phrases().items():
        words = phrase.split()
        for first in range(PHRASE_WORDS - FOUND_WORDS + 1):
            piece = " ".join(words[first : first + FOUND_WORDS])
            out, hit = filtered(BEFORE + piece + AFTER)
            assert hit == id_
            assert BEFORE.startswith(out)
        # With the ends of words around them too, wherever it is cut.
        for start in range(len(phrase) - 45):
            assert filtered(BEFORE + phrase[start : start + 45] + AFTER)[1] == id_, phrase[start : start + 45]


def test_words_of_canaries_may_be_said_in_any_other_order() -> None:
    chance = random.Random(3)
    for _ in range(200):
        text = BEFORE + " ".join(chance.choices(canaries._WORDS, k=40)) + AFTER
        assert filtered(text) == (text, None)
    for phrase in phrases().values():
        text = BEFORE + " ".join(phrase.split()[:2]) + AFTER
        assert filtered(text) == (text, None)


def test_a_canary_over_two_texts_is_found() -> None:
    phrase = phrases()["c3"]
    half = phrase.index(" ", len(phrase) // 2)
    first = made().open()
    first.push(BEFORE + phrase[:half])
    first.flush()
    second = made().open()
    second.follow(first.carry())
    second.push(phrase[half:] + AFTER)
    second.flush()
    assert "c3" in (first.hit, second.hit)


def test_no_canaries_stop_nothing() -> None:
    finder = Canaries({}).open()
    assert finder.push(BEFORE) + finder.push(AFTER) + finder.flush() == BEFORE + AFTER
    assert finder.hit is None
