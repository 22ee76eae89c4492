"""The laws of stream filters, for the filter that finds passages of documents."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.guard.regurgitation import Passage, Watch
from gateway.guard.regurgitation.watch import HOLD_CHARS, MARKER
from tests.unit.guard.regurgitation.texts import OTHER, documents, index_of, text

_DOCUMENTS = documents(12)
_JOINTS = [
    " ", "\n", "\\n", "\\u0061", "\\ud835\\udc00", "&#65;", "&amp;", "%20", "%C3%A9", "<b>", "<", "1. ", "\u200b", "漢",
    "\ud800", "=", '{"a": "', '"}', "a" * 70, " " * 300, "-" * 1100,
]  # fmt: skip


def _disguised(piece: str, how: int) -> str:
    if how == 1:
        return piece[::-1]
    if how == 2:
        return "".join(piece.split())
    if how == 3:
        return piece.encode().hex()
    if how == 4:
        return base64.b64encode(piece.encode()).decode()
    return " ".join(piece) if how == 5 else piece


@st.composite
def _answers(draw: st.DrawFn) -> str:
    pieces = []
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.integers(0, 3))
        if kind == 0:
            pieces.append(draw(st.sampled_from(_JOINTS)))
        elif kind == 1:
            pieces.append(text(draw(st.integers(0, 40)), draw(st.integers(1, 60)), OTHER))
        else:
            words = _DOCUMENTS[draw(st.integers(0, 11))][1].split()
            start, count = draw(st.integers(0, 350)), draw(st.integers(1, 60))
            pieces.append(_disguised(" ".join(words[start : start + count]), draw(st.integers(0, 8))))
        pieces.append(draw(st.sampled_from(["", " ", "\n", ". "])))
    return "".join(pieces)


_CUTS = st.lists(st.integers(0, 3000), max_size=12)


@pytest.fixture(scope="module")
def watches(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Watch]:
    index = index_of(tmp_path_factory.mktemp("law") / "i", _DOCUMENTS)
    return {redact: Watch([index], redact=redact, allow=[text(3, 80)]) for redact in (False, True)}


def _read(watch: Watch, answer: str, cuts: Sequence[int]) -> tuple[str, bool, list[Passage]]:
    reader = watch.open(watch.echo([text(5, 40)]))
    sent, borders = "", [0, *sorted(cut for cut in cuts if cut < len(answer)), len(answer)]
    for start, end in pairwise(borders):
        sent += reader.push(answer[start:end])
    return sent + reader.flush(), reader.blocked, reader.passages()


@given(answer=_answers(), cuts=_CUTS)
@pytest.mark.parametrize("redact", [False, True])
def test_cutting_does_not_matter(watches: dict[bool, Watch], redact: bool, answer: str, cuts: list[int]) -> None:
    assert _read(watches[redact], answer, cuts) == _read(watches[redact], answer, range(1, len(answer)))


@given(answer=_answers())
def test_what_has_left_is_a_prefix_and_the_hold_is_bounded(watches: dict[bool, Watch], answer: str) -> None:
    reader = watches[False].open()
    sent = ""
    for n, character in enumerate(answer, 1):
        sent += reader.push(character)
        assert answer.startswith(sent)
        if reader.blocked:
            break
        assert n - len(sent) <= reader.hold_chars == HOLD_CHARS
    sent += reader.flush()
    assert answer.startswith(sent)
    assert reader.blocked == (reader.hit is not None)
    if not reader.blocked:
        assert sent == answer


@given(answer=_answers(), cuts=_CUTS)
def test_nothing_but_passages_changes(watches: dict[bool, Watch], answer: str, cuts: list[int]) -> None:
    sent, blocked, passages = _read(watches[True], answer, cuts)
    assert not blocked
    expected, at = "", 0
    for found in passages:
        assert at <= found.start <= found.end <= len(answer)
        expected += answer[at : found.start] + (MARKER if found.end > found.start else "")
        at = found.end
    assert sent == expected + answer[at:]


@given(seeds=st.lists(st.integers(0, 10_000), min_size=1, max_size=3), cuts=_CUTS)
def test_texts_of_nobody_pass_unchanged(watches: dict[bool, Watch], seeds: list[int], cuts: list[int]) -> None:
    answer = "\n".join(text(seed, 150, OTHER) for seed in seeds)
    for watch in watches.values():
        assert _read(watch, answer, cuts) == (answer, False, [])
