from __future__ import annotations

import pytest

from gateway.pipeline.prompt import Segment
from gateway.redact.views.normal import folded
from gateway.redact.views.views import segment_views
from tests.unit.redact.test_views_reading import found, values

CARD = "4111111111111111"
EMAILS = [
    "ada\u200b.love\u00adlace@exam\u2060ple.org",
    "ada\ufe0f@example.org",
    "ada\u202e@example.org",
    "ａｄａ＠ｅｘａｍｐｌｅ．ｏｒｇ",
    "𝐚𝐝𝐚@𝐞𝐱𝐚𝐦𝐩𝐥𝐞.𝐨𝐫𝐠",
    "аdа@ехample.org",
    "a\u0334d\u0334a@example.org",
    "ada at example dot com",
    "ada (at) example (dot) com",
    "ada[at]example[dot]org",
    "ada{at}example.org",
    "ada AT example.org",
    "ada (ät) beispiel punkt de",
    "ada arobase exemple point fr",
    "ada arroba ejemplo punto es",
    "ada arroba exemplo ponto br",
    "ada chiocciola esempio punto it",
    "ada apenstaartje voorbeeld punt nl",
    "ada małpa przyklad kropka pl",
    "ada @ example . org",
    "ada dot lovelace at example dot co dot uk",
    "ada underscore lovelace at example dot com",
    "j a n e @ x . o r g",
    "j-a-n-e at x dot org",
    "m i n a dot o h at h a n o k dot k r",
]
CARDS = [
    "3 7 8 2 8 2 2 4 6 3 1 0 0 0 5",
    "4.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1",
    "4111  1111  1111  1111",
    "4111/1111/1111/1111",
    "4111_1111_1111_1111",
    "4111 · 1111 · 1111 · 1111",
    "4111 | 1111 | 1111 | 1111",
    "41111111\n11111111",
    "4111 1111\n> 1111 1111",
    '41111111" +\n "11111111',
    "４１１１ １１１１ １１１１ １１１１",
    "٤١١١١١١١١١١١١١١١",
    "four one one one one one one one one one one one one one one one",
    "vier eins eins eins 1111 1111 1111",
    "quatre un un un un un un un un un un un un un un un",
    "cuatro, uno, uno, uno, 1111, 1111, 1111",
    "four triple one triple one triple one triple one triple one",
]


@pytest.mark.parametrize("text", EMAILS)
def test_an_address_in_disguise_is_found_whole(text: str) -> None:
    assert text in values(f"write to: {text} , please", "EMAIL_ADDRESS")


@pytest.mark.parametrize("text", CARDS)
def test_a_card_taken_apart_is_found_whole(text: str) -> None:
    assert text in values(f"my card: {text} , thanks", "CREDIT_CARD")


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("call two one two double five five oh one eight seven", "PHONE_NUMBER",
         "two one two double five five oh one eight seven"),
        ("call 2 1 2 5 5 5 0 1 8 7", "PHONE_NUMBER", "2 1 2 5 5 5 0 1 8 7"),
        ("my ssn is five three six nine zero four three nine nine", "US_SSN",
         "five three six nine zero four three nine nine"),
        ("my ssn is 536–90–4399", "US_SSN", "536–90–4399"),
        ("pay to DE89-3704-0044-0532-0130-00", "IBAN_CODE", "DE89-3704-0044-0532-0130-00"),
    ],
)  # fmt: skip
def test_other_numbers_taken_apart(text: str, entity: str, value: str) -> None:
    assert value in values(text, entity)


@pytest.mark.parametrize(
    "text",
    [
        "meet me at noon dot",
        "look at github.com and at that point in time it is fine",
        "We arrived at dot matrix printers. Look at dot org files",
        "x = 17 * 23 + 4.5e-3",
        "order no. 4471-0092 arrives in 3-5 days",
        "1 2 3 4 5 6 7 8",
        "12 45 78 90 33 21 77 65\n11 42 75 93 31 20 70 61",
        "[3, 1, 4, 1, 5, 9, 2, 6, 5, 3]",
        "one two three four five six seven eight nine",
        "one day, two of the three came at four",
        "2024-01-15 12:30:45 and 2024-01-16 08:00:00",
        "don’t — it’s Ada’s “thing”… 20 °C, 5 m², № 5, ① first",
        "Это обычный русский текст, α и β, ελληνικά 😀👍🏽 ❤️",
    ],
)
def test_what_is_no_disguise_is_not_found(text: str) -> None:
    assert not found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Plain text: at 3 o'clock, 17.5 % of a+b.",
        "don’t “quote” – dash…",
        "Grüße aus Köln, à bientôt !",
        "Это русский текст",
        "中文，标点：（好）。",
        "😀 ❤️ fine",
    ],
)
def test_ordinary_prose_has_no_folded_view(text: str) -> None:
    assert folded(text) == []


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("O’Brien", "O'Brien"),
        ("a\u00a0b", "a b"),
        ("a\u2011b", "a-b"),
        ("e\u0301", "é"),
        ("Pау-pal", "Pay-pal"),
        ("①②", "12"),
        ("🅐🅑🅰🅱", "ABAB"),
        ("x²³", "x23"),
        ("example。org", "example.org"),
    ],
)
def test_what_characters_are_folded_to(text: str, plain: str) -> None:
    assert plain in [view.text for view in segment_views(Segment(("x",), text))]


def test_text_in_tag_characters_is_read() -> None:
    hidden = "".join(chr(0xE0000 + ord(c)) for c in "ada@example.org")
    assert values(f"Hello!{hidden} bye", "EMAIL_ADDRESS") == {hidden}


@pytest.mark.parametrize("text", ["\ud800", "a\udc00b\ud83d", "\udfff\u0301", "\ud800@\udc00.\ud800"])
def test_lone_surrogates_do_no_harm(text: str) -> None:
    assert segment_views(Segment(("x",), text))
