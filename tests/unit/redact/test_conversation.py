from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.pipeline.exchange import Deadline, DeadlineExceeded
from gateway.pipeline.span import Span, merge
from gateway.redact.conversation import Spread, spread
from gateway.redact.conversation.folding import Folded, folded

NEVER = Deadline.after(lambda: 0.0, 1.0)
PERSON, MAIL, PHONE, CARD, IBAN, PLACE, SECRET = (
    "PERSON", "EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "LOCATION", "SECRET",
)  # fmt: skip


def spans_of(values: Sequence[tuple[str, str]]) -> tuple[str, list[Span]]:
    """A text in which the values stand one after the other, and their spans."""
    text, spans = "", []
    for value, entity in values:
        spans.append(Span(len(text), len(text) + len(value), entity, 0.9, "test"))
        text += f"{value} | "
    return text, spans


def hidden(values: Sequence[tuple[str, str]], text: str) -> list[str]:
    """What of `text` is spread to, with the values found in another text."""
    source, found = spans_of(values)
    spans = spread([source, text], [found, []], NEVER)[1]
    return [text[s.start : s.end] for s in merge(spans)]


ANNA = [("Anna Berg", PERSON)]


@pytest.mark.parametrize(
    ("values", "text", "expected"),
    [
        (ANNA, "ANNA BERG and anna berg", ["ANNA BERG", "anna berg"]),
        (ANNA, "Anna went", ["Anna"]),
        (ANNA, "Ms Berg, please", ["Berg"]),
        (ANNA, "by A. Berg.", ["A. Berg"]),
        (ANNA, "Berg, Anna: absent", ["Berg, Anna"]),
        (ANNA, "Anna's car", ["Anna"]),
        (ANNA, "Annas Auto", ["Anna"]),
        (ANNA, "mail anna.berg@x.org", ["anna.berg"]),
        (ANNA, "ask @annaberg92", ["annaberg92"]),
        (ANNA, "ask aberg@x.org", ["aberg"]),
        (ANNA, "open anna_berg_cv.pdf", ["anna_berg"]),
        (ANNA, "Anna B. came", ["Anna B."]),
        ([("Anna van der Berg", PERSON)], "van der Berg came", ["van der Berg"]),
        ([("Jansens", PERSON)], "Jansens' house", ["Jansens"]),
        ([("Zoë O’Neil", PERSON)], "ZOË O'NEIL and Zoe\u0308 O'Neil", ["ZOË O'NEIL", "Zoe\u0308 O'Neil"]),
        ([("Straße Sieben", PLACE)], "STRASSE SIEBEN", ["STRASSE SIEBEN"]),
        ([("+1 212 555 0187", PHONE)], "call 12125550187", ["12125550187"]),
        ([("+1 212 555 0187", PHONE)], "call (212) 555-0187", ["(212) 555-0187"]),
        ([("+49 30 9018201", PHONE)], "unter 030 9018201", ["030 9018201"]),
        ([("4111111111111111", CARD)], "4111 1111-1111 1111", ["4111 1111-1111 1111"]),
        ([("FR76 3000 6000 0112 3456 7890 189", IBAN)], "fr7630006000011234567890189", ["fr7630006000011234567890189"]),
        ([("j@x.org", MAIL)], "J@X.ORG", ["J@X.ORG"]),
        ([("Mark Will", PERSON)], "he told Mark to go", ["Mark"]),
        ([("田中太郎", PERSON)], "私は田中太郎です", ["田中太郎"]),
    ],
)
def test_a_value_is_found_in_another_spelling(
    values: Sequence[tuple[str, str]], text: str, expected: list[str]
) -> None:
    assert hidden(values, text) == expected


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (ANNA, "Annual savannah bergamot"),
        (ANNA, "Der Berg ist hoch. Berge auch, aberg"),
        ([("Mark Will", PERSON)], "I will mark this. Will you? Mark this. It will mark you."),
        ([("April May", PERSON)], "It was in May, or in April."),
        ([("Rose", PERSON)], "the rose. Rose prices rose"),
        ([("New York", PLACE)], "a new house in the old york"),
        ([("Nice", PLACE)], "Nice work, be nice"),
        ([("Hunter2Secret", SECRET)], "HUNTER2SECRET"),
        ([("12", PHONE)], "12 and 12"),
        ([("4111111111111111", CARD)], "411111111111 1112"),
    ],
)
def test_what_only_looks_alike_is_left_alone(values: Sequence[tuple[str, str]], text: str) -> None:
    assert hidden(values, text) == []


def test_the_spread_says_when_a_value_was_found_first() -> None:
    spans = spread(["ANNA", "I am Anna", "anna"], [[], [Span(5, 9, PERSON, 0.7, "x")], []], NEVER)
    assert spans[0] == [Spread(0, 4, PERSON, 0.7, "x", 1)]
    assert spans[2] == [Spread(0, 4, PERSON, 0.7, "x", 1)]


def test_the_home_of_a_text_decides_what_was_found_first() -> None:
    found = [[Span(0, 6, PERSON, 0.7)], [Span(0, 6, PLACE, 0.7)], []]
    assert spread(["Jordan", "Jordan", "JORDAN"], found, NEVER, [1, 0, 2])[2][0].entity == PLACE


def test_time_that_is_used_up_raises() -> None:
    ticks = count()
    source, found = spans_of([(f"Name{i} Sur{i}", PERSON) for i in range(50)])
    with pytest.raises(DeadlineExceeded):
        spread([source, "x"], [found, []], Deadline(lambda: float(next(ticks)), 2.0))


def test_thousands_of_values_are_all_found() -> None:
    values = [(f"user{i:04}@mail{i}.org", MAIL) for i in range(3000)]
    text = " ".join(value for value, _ in values)
    assert hidden(values, text) == [value for value, _ in values]


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            "Anna|Berg|anna| |.|-|’|'|\n|+49 30 1234567|0301234567|ß|ſ|İ|e\u0301|é|ﬁ|漢|@|x@y.zz|_|1|von|A.|, ".split(
                "|"
            )
        ),
        st.text(max_size=3),
    ),
    max_size=12,
).map("".join)


@st.composite
def findings(draw: st.DrawFn) -> tuple[list[str], list[list[Span]]]:
    texts = draw(st.lists(PIECES, min_size=1, max_size=3))
    found: list[list[Span]] = []
    for text in texts:
        ends = st.integers(0, len(text))
        cuts = draw(st.lists(st.tuples(ends, ends, st.sampled_from([PERSON, MAIL, PHONE, SECRET])), max_size=3))
        found.append([Span(min(a, b), max(a, b), entity, 0.5) for a, b, entity in cuts])
    return texts, found


@settings(max_examples=300, deadline=None)
@given(findings(), st.randoms(use_true_random=False))
def test_spread_adds_only_within_bounds_and_in_any_order(
    case: tuple[list[str], list[list[Span]]], shuffle: st.DataObject
) -> None:
    texts, found = case
    everywhere = spread(texts, found, NEVER)
    for text, spans, result in zip(texts, found, everywhere, strict=True):
        assert result[: len(spans)] == spans
        assert all(0 <= s.start <= s.end <= len(text) for s in result)
    again = [list(spans) for spans in found]
    for spans in again:
        shuffle.shuffle(spans)  # type: ignore[attr-defined]
    places = [{(s.start, s.end, s.entity) for s in spans} for spans in everywhere]
    assert [{(s.start, s.end, s.entity) for s in spans} for spans in spread(texts, again, NEVER)] == places


@given(st.lists(PIECES, max_size=4))
def test_the_spread_of_nothing_is_nothing(texts: list[str]) -> None:
    assert spread(texts, [[] for _ in texts], NEVER) == [[] for _ in texts]


@settings(max_examples=300)
@given(PIECES, PIECES, PIECES)
def test_folding_knows_where_everything_came_from(left: str, value: str, right: str) -> None:
    joined = Folded(f"{left}\x00{value}\x00{right}")
    start = len(folded(left)) + 1
    if value:
        place = joined.origin(start, start + len(folded(value)))
        assert place == (len(left) + 1, len(left) + 1 + len(value))
