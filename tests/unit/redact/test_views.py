from __future__ import annotations

import pytest

from gateway.pipeline.prompt import Kind, Segment
from gateway.pipeline.span import Span
from gateway.redact.views.digits import GROUPS, SAID, SINGLE, admits
from gateway.redact.views.view import Edit, View, disjoint, edited
from gateway.redact.views.views import Views, is_verbatim, joined_views, segment_views, value_of


def segment(text: str, label: str = "", kind: Kind = Kind.VALUE) -> Segment:
    return Segment(("x",), text, kind, label)


def part(text: str, message: int = 0) -> Segment:
    return Segment(("messages", message, "content", 0, "text"), text, message=message)


def back(view: View, start: int, end: int) -> list[tuple[int, int, int]]:
    return [(segment, s.start, s.end) for segment, s in view.found(Span(start, end, "X", 1.0))]


def test_a_piece_of_equal_length_maps_one_to_one_and_any_other_as_a_whole() -> None:
    view = View().show("abc", 0, 3).show("D", 3, 6).show("ef", 6, 8)
    assert view.text == "abcDef"
    assert back(view, 1, 2) == [(0, 1, 2)]
    assert back(view, 2, 4) == [(0, 2, 6)]
    assert back(view, 3, 5) == [(0, 3, 7)]


def test_own_text_shows_nothing() -> None:
    view = View().own("label: ").show("value", 0, 5)
    assert back(view, 0, 7) == []
    assert back(view, 5, 9) == [(0, 0, 2)]


def test_a_span_across_segments_lies_in_each() -> None:
    view = View().show("ab", 0, 2, segment=0).own("\n").show("cd", 5, 7, segment=1)
    assert back(view, 1, 4) == [(0, 1, 2), (1, 5, 6)]


def test_a_view_of_a_view_goes_back_step_by_step() -> None:
    base = View().own("x: ").show("a%2540b", 0, 7)
    once = edited(base, [Edit(4, 7, "%", "encoded:percent")])
    twice = edited(once, [Edit(4, 7, "@", "encoded:percent")])
    assert twice.text == "x: a@b"
    assert back(twice, 4, 5) == [(0, 1, 6)]
    (_, found), *_ = twice.found(Span(3, 6, "X", 1.0, "finder"))
    assert (found.start, found.end, found.source) == (0, 7, "encoded:percent")


def test_a_span_beside_what_was_decoded_keeps_its_source() -> None:
    view = edited(View().show("a%40b plain", 0, 11), [Edit(1, 4, "@", "encoded:percent")])
    assert [s.source for _, s in view.found(Span(4, 9, "X", 1.0, "finder"))] == ["finder"]


def test_a_long_text_is_shown_around_its_edits_only() -> None:
    text = "word " * 1000 + "a%40b" + " word" * 1000
    view = edited(View().show(text, 0, len(text)), [Edit(5001, 5004, "@", "k")])
    assert len(view) < 700
    at = view.text.index("a@b")
    assert back(view, at, at + 3) == [(0, 5000, 5005)]
    assert not view.text.split()[0].strip("word")


def test_of_edits_that_overlap_the_first_and_longest_counts() -> None:
    a, b, c = Edit(0, 2, "", "k"), Edit(0, 4, "", "k"), Edit(3, 5, "", "k")
    assert disjoint([c, a, b]) == [b]


def test_a_plain_text_has_one_view_and_a_label_before_it() -> None:
    assert [v.text for v in segment_views(segment("Ada", "name"))] == ["name: Ada"]
    assert [v.text for v in segment_views(segment("Ada", "name", Kind.KEY))] == ["Ada"]


def test_a_json_document_is_read_without_its_escapes() -> None:
    views = Views([segment('{"a": "x\\n\\u0040"}')])
    assert views.texts == ['{"a": "x\n@"}']
    assert views.documents == {0}
    assert value_of(Span(0, 1, "X", 1.0), "\\u0040", in_document=True) == ("@", False)


def test_other_texts_with_backslashes_are_read_with_and_without_them() -> None:
    assert Views([segment("a\\.b")]).texts == ["a\\.b", "a.b"]


def test_underscores_are_read_as_spaces_too() -> None:
    assert Views([segment("a_b")]).texts == ["a_b", "a b"]


def test_parts_of_a_message_are_read_together() -> None:
    parts = [part("ab"), part("cd"), part("ef", message=1)]
    assert [v.text for v in joined_views(parts)] == ["abcd", "ab\ncd\n"]
    spans = Views(parts).back([[], [], [], [Span(1, 3, "X", 1.0)], []])
    assert [[(s.start, s.end) for s in found] for found in spans] == [[(1, 2)], [(0, 1)], []]


def test_what_a_segment_finds_lies_in_that_segment() -> None:
    spans = Views([segment("a"), segment("b\\u0040")]).back([[], [], [Span(0, 2, "X", 1.0)]])
    assert [[(s.start, s.end, s.source) for s in found] for found in spans] == [[], [(0, 7, "escapes")]]


@pytest.mark.parametrize(
    ("source", "text", "verbatim"),
    [
        ("escapes", 'a\\"b', True),
        ("encoded:html", "O&#39;Brien", True),
        ("encoded:percent", 'a"%40', False),
        ("encoded:base64", "YWJj\nYWJj", False),
        ("finder", "a", False),
    ],
)
def test_an_encoded_value_is_given_back_as_it_was_written(source: str, text: str, verbatim: bool) -> None:
    assert is_verbatim(Span(0, 1, "X", 1.0, source), text) is verbatim


@pytest.mark.parametrize(
    ("kind", "text", "entity", "counts"),
    [
        (GROUPS, "4111111111111111", "CREDIT_CARD", True),
        (GROUPS, "2125550187", "PHONE_NUMBER", False),
        (SINGLE, "2125550187", "PHONE_NUMBER", True),
        (SINGLE, "5550187", "PHONE_NUMBER", False),
        (SAID, "536904399", "US_SSN", True),
        (SAID, "2125550187", "US_BANK_NUMBER", False),
        ("", "4111111111111111", "CREDIT_CARD", False),
    ],
)
def test_what_counts_of_numbers_put_together(kind: str, text: str, entity: str, counts: bool) -> None:
    view = View().show(text, 0, len(text), kind)
    view.reading = GROUPS
    assert admits(view, Span(0, len(text), entity, 1.0)) is counts
