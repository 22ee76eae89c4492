from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.sse import EventParser, MalformedStream

EVENTS = [{"a": "é"}, {"b": [1]}, {"c": "x\ny"}]
STREAM = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in EVENTS) + b"data: [DONE]\n\n"


@given(st.lists(st.integers(0, len(STREAM)), max_size=8), st.sampled_from([b"\n", b"\r\n"]))
def test_events_are_the_same_however_the_bytes_are_cut(cuts: list[int], newline: bytes) -> None:
    stream = STREAM.replace(b"\n", newline)
    at = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    parser = EventParser()
    got = [event for a, b in pairwise(at) for event in parser.feed(stream[a:b])]
    assert got == EVENTS
    assert parser.done


def test_comments_and_other_fields_carry_nothing() -> None:
    parser = EventParser()
    assert list(parser.feed(b': ping\n\nevent: x\nid: 1\ndata: {"a": 1}\n\n')) == [{"a": 1}]


def test_nothing_is_read_after_the_end_mark() -> None:
    parser = EventParser()
    assert list(parser.feed(b'data: [DONE]\n\ndata: {"a": 1}\n\n')) == []


@pytest.mark.parametrize("data", [b"data: {\n\n", b"data: 5\n\n", b"data: <html>\n\n", b'data: {"a": NaN}\n\n'])
def test_what_is_not_a_json_object_is_malformed_and_not_quoted(data: bytes) -> None:
    with pytest.raises(MalformedStream) as caught:
        list(EventParser().feed(data))
    assert "html" not in str(caught.value)


def test_an_endless_event_is_refused() -> None:
    parser = EventParser()

    def feed_much() -> None:
        for _ in range(20):
            list(parser.feed(b"data: " + b"x" * 2**20))

    with pytest.raises(MalformedStream):
        feed_much()
