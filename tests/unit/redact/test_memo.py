from __future__ import annotations

import pickle
from dataclasses import dataclass, field

import pytest

from gateway.pipeline.span import Span
from gateway.redact.memo import Memo


@dataclass
class Hours:
    """A clock that stands still until it is moved."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Reader:
    """Finds the first character of every text, and notes what it was asked to read."""

    read: list[str] = field(default_factory=list)

    def __call__(self, texts: list[str]) -> list[list[Span]]:
        self.read += texts
        return [[Span(0, 1, "PERSON", 0.9, "test")] for _ in texts]


def memo(clock: Hours | None = None, size: int = 100_000, ttl_s: float = 60.0) -> Memo[list[Span]]:
    return Memo(clock or Hours(), size=size, ttl_s=ttl_s, spans_in=len)


def test_a_text_is_read_once_and_found_the_same_again() -> None:
    remembered, reader = memo(), Reader()
    first = remembered.recall("acme", ["one", "two"], reader)
    second = remembered.recall("acme", ["two", "three", "one"], reader)
    assert reader.read == ["one", "two", "three"]
    assert second == [first[1], first[0], first[0]]


def test_the_same_text_twice_in_one_request_is_read_once() -> None:
    reader = Reader()
    assert len(memo().recall("acme", ["x", "x"], reader)) == 2
    assert reader.read == ["x"]


def test_owners_cannot_tell_what_others_have_sent() -> None:
    remembered, reader = memo(), Reader()
    remembered.recall("acme", ["one"], reader)
    remembered.recall("other", ["one"], reader)
    assert reader.read == ["one", "one"]


def test_nothing_of_a_text_is_kept() -> None:
    remembered = memo()
    remembered.recall("acme-tenant", ["my name is Jane Doe"], Reader())
    kept = pickle.dumps([list(remembered._entries.items())])
    assert b"Jane" not in kept
    assert b"acme" not in kept


def test_entries_end_with_their_time() -> None:
    clock, reader = Hours(), Reader()
    remembered = memo(clock)
    remembered.recall("acme", ["one"], reader)
    clock.now = 59.9
    remembered.recall("acme", ["one"], reader)
    assert reader.read == ["one"]
    clock.now = 60.0
    remembered.recall("acme", ["one"], reader)
    assert reader.read == ["one", "one"]


def test_the_oldest_entries_make_room() -> None:
    remembered, reader = memo(size=1000), Reader()
    for number in range(10):
        remembered.recall("acme", [str(number)], reader)
    assert len(remembered) == 2
    remembered.recall("acme", ["9"], reader)
    assert len(reader.read) == 10


def test_size_zero_remembers_nothing() -> None:
    remembered, reader = memo(size=0), Reader()
    for _ in range(2):
        remembered.recall("acme", ["one"], reader)
    assert reader.read == ["one", "one"]
    assert len(remembered) == 0


def test_a_failure_is_not_remembered() -> None:
    remembered = memo()

    def failing(texts: list[str]) -> list[list[Span]]:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        remembered.recall("acme", ["one"], failing)
    assert remembered.recall("acme", ["one"], Reader())[0]


def test_an_answer_for_every_text_or_none() -> None:
    with pytest.raises(ValueError, match="argument"):
        memo().recall("acme", ["one", "two"], lambda _: [[]])


def test_lone_surrogates_are_texts_too() -> None:
    assert len(memo().recall("acme", ["\ud800", "\udfff"], Reader())) == 2


def test_a_chain_is_known_by_its_beginning() -> None:
    remembered = memo()
    remembered.keep(remembered.chain("acme", ["a", "b"])[-1], [Span(0, 1, "PERSON", 0.9, "test")])
    assert remembered.last(remembered.chain("acme", ["a", "b", "c"])) == (1, [Span(0, 1, "PERSON", 0.9, "test")])
    for pieces in (["a"], ["b", "a"], ["ab", ""], ["", "ab"], ["a", "c", "b"], ["a b"]):
        assert remembered.last(remembered.chain("acme", pieces)) is None
    assert remembered.last(remembered.chain("other", ["a", "b"])) is None


def test_the_longest_beginning_counts_and_ends_with_its_time() -> None:
    clock = Hours()
    remembered = memo(clock)
    keys = remembered.chain("acme", ["a", "b", "c"])
    remembered.keep(keys[0], [])
    clock.now = 30.0
    remembered.keep(keys[1], [])
    assert remembered.last(keys) == (1, [])
    clock.now = 60.0
    assert remembered.last(keys[:1]) is None
    clock.now = 90.0
    assert remembered.last(keys) is None


def test_nothing_of_a_chain_is_kept() -> None:
    remembered = memo()
    remembered.keep(remembered.chain("acme", ["my name is Jane Doe"])[-1], [])
    assert b"Jane" not in pickle.dumps([list(remembered._entries.items())])
