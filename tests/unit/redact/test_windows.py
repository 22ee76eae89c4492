from __future__ import annotations

import random
import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.exchange import Deadline
from gateway.pipeline.span import Span
from gateway.redact.windows import OWN_CHARS, WindowedDetector, windows
from tests.laws.strategies import exchange


class Regex:
    """Finds a pattern, as the detectors behind windows do, and notes the longest text it was given."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)
        self.longest = 0
        self.chars = 0

    def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
        self.longest = max([self.longest, *map(len, texts)])
        self.chars += sum(map(len, texts))
        return [[Span(m.start(), m.end(), "X", 1.0) for m in self._pattern.finditer(text)] for text in texts]


NOTHING = Regex(r"(?!)")


def places(spans: Sequence[Span]) -> list[tuple[int, int]]:
    return sorted((span.start, span.end) for span in spans)


def read(detector: Regex, text: str) -> list[tuple[int, int]]:
    return places(WindowedDetector(detector, NOTHING).detect([text], exchange().deadline)[0])


@given(st.integers(0, 5 * OWN_CHARS), st.sampled_from(["a", " ", "\n", "ab c\n", "\U0001f600"]))
def test_the_own_parts_are_the_whole_text(length: int, what: str) -> None:
    text = (what * length)[:length]
    made = list(windows(text))
    assert all(w.start <= w.own_start < w.own_end <= w.end for w in made)
    assert all(left.own_end == right.own_start for left, right in pairwise(made))
    assert sum(w.own_end - w.own_start for w in made) == length


def text_of(words: int, seed: int) -> str:
    chance = random.Random(seed)
    pick = ["word", "is", "jane@example.org", "4111 1111 1111 1111", "x" * 30, "\n", ".", "née"]
    return " ".join(chance.choice(pick) for _ in range(words))


@pytest.mark.parametrize("seed", range(5))
def test_windows_find_what_the_uncut_text_shows(seed: int) -> None:
    text = text_of(12_000, seed)
    pattern = r"\S+@\S+|\d{4}(?: \d{4}){3}|(?<=née )word"
    uncut = places(Regex(pattern).detect([text], exchange().deadline)[0])
    assert len(text) > 3 * OWN_CHARS
    assert uncut
    assert read(Regex(pattern), text) == uncut


def test_a_finding_longer_than_what_a_window_reads_further_is_found_whole() -> None:
    text = "word " * 3_200 + "<" + "k" * 9_000 + "> word" + " word" * 20_000
    assert [(text[a], text[b - 1]) for a, b in read(Regex(r"<k+>|<k+$"), text)] == [("<", ">")]


def test_an_endless_finding_is_hidden_by_all_windows_together_in_linear_time() -> None:
    detector = Regex(r"a+")
    text = "a" * 400_000
    hidden = {i for start, end in read(detector, text) for i in range(start, end)}
    assert len(hidden) == len(text)
    assert detector.chars < 6 * len(text)


def test_long_texts_are_never_read_in_one_piece() -> None:
    detector = Regex(r"zzz")
    assert read(detector, "a" * 1_000_000) == []
    assert detector.longest < 2 * OWN_CHARS


def test_layout_is_read_whole() -> None:
    layout = Regex(r"^a.*z$")
    text = "a" + " " * 100_000 + "z"
    found = WindowedDetector(NOTHING, layout).detect([text], exchange().deadline)[0]
    assert places(found) == [(0, len(text))]
