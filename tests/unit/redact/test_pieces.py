from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.redact.pieces import PIECE_CHARS, matches, pieces

UNITS = st.lists(
    st.tuples(st.sampled_from(["a", " ", "ab ", "\n", "é1 ", "x" * 700]), st.integers(1, 30_000)), max_size=4
)


@given(UNITS)
def test_pieces_are_the_text(units: list[tuple[str, int]]) -> None:
    text = "".join(unit * (count // len(unit)) for unit, count in units)
    made = list(pieces(text))
    assert "".join(made) == text
    assert all(len(piece) <= 2 * PIECE_CHARS for piece in made)


@given(UNITS, st.sampled_from([r"b a", r"\bab\b", r"1 é", r"(?<=\n)a+b", r"\s+$", r"a(?=\n)"]))
def test_matches_are_those_of_the_whole_text(units: list[tuple[str, int]], pattern: str) -> None:
    text = "".join((unit * (count // len(unit) + 1)) for unit, count in units if len(unit) > 1)
    compiled = re.compile(pattern)
    assert [m.span() for m in matches(compiled, text)] == [m.span() for m in compiled.finditer(text)]
