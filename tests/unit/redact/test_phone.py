"""The quick recognizer against the stock one, on numbers of all countries in all formats."""

from __future__ import annotations

import random

import phonenumbers
import pytest
from presidio_analyzer.predefined_recognizers import PhoneRecognizer

from gateway.redact.phone import WindowedPhoneRecognizer

OTHERS = [
    "hello", "4111 1111 1111 1111", "2024-01-02", "10.2.3.4", "#123", "order 4711", "12/12/2020", "€ 1.234,56", "call",
    "(+44) 20 7946 0958", "+(784) 266-1234", "tel:+1-201-555-0123", "536-90-4399", "DE89370400440532013000", "ext 12",
]  # fmt: skip


def number(chance: random.Random) -> str:
    home = ["US", "GB", "DE", "FR", "IL", "IN", "CA", "BR"]
    region = chance.choice(home if chance.random() < 0.5 else sorted(phonenumbers.SUPPORTED_REGIONS))
    kind = chance.choice([0, 1, 2, 3, 4, 6, 7, 8, 9])
    example = phonenumbers.example_number_for_type(region, kind) or phonenumbers.example_number(region)
    if example is None:
        return "none"
    text = phonenumbers.format_number(example, chance.choice([0, 1, 2, 3]))
    if chance.random() < 0.2:
        text = text.replace(" ", chance.choice(["-", ".", "", "  "]))
    if chance.random() < 0.15:
        text += chance.choice([" ext. 123", " x55", "#12", ";ext=9", ", 7"])
    if chance.random() < 0.1:
        text = chance.choice(["00", "011", " 0", "(0)", "+"]) + text.lstrip("+")
    return text


@pytest.mark.parametrize("seed", range(6))
def test_finds_exactly_what_the_stock_recognizer_finds(seed: int) -> None:
    chance = random.Random(seed)
    stock, quick = PhoneRecognizer(), WindowedPhoneRecognizer("en")
    for _ in range(60):
        words = [
            number(chance) if chance.random() < 0.4 else chance.choice(OTHERS) for _ in range(chance.randint(1, 8))
        ]
        text = " ".join(words)
        expected = {(r.start, r.end) for r in stock.analyze(text, ["PHONE_NUMBER"])}
        assert {(r.start, r.end) for r in quick.analyze(text, ["PHONE_NUMBER"])} == expected, text


def test_numbers_far_apart_in_a_long_text_are_all_found() -> None:
    text = (" word" * 200 + " ").join(["212-555-0187", "+49 30 901820", "020 7946 0958", ""])
    assert len(WindowedPhoneRecognizer("en").analyze(text, ["PHONE_NUMBER"])) == 3


LEADS = ("", "", "0", "00", "+", "+49", "0049", "1", "+1", "44", "33", "91", "+55", "90", "0 ", "(0", "011", "+33 (0)")
GAPS = (" ", "-", ".", "/", " - ", " / ", ") ", "(", "\u2011", "  ", "\u00a0", "")
BESIDE = (" ", "", "\n", ", ", "x", "$", "é", "%")


def nearly_a_number(chance: random.Random) -> str:
    text = chance.choice(LEADS)
    for _ in range(chance.randint(1, 5)):
        text += chance.choice(GAPS) + "".join(chance.choices("0123456789", k=chance.randint(1, 6)))
    return text.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")) if chance.random() < 0.1 else text


@pytest.mark.parametrize("seed", range(4))
def test_finds_exactly_what_the_stock_recognizer_finds_in_digits_of_any_shape(seed: int) -> None:
    chance = random.Random(seed)
    stock, quick = PhoneRecognizer(), WindowedPhoneRecognizer("en")
    for _ in range(150):
        pieces = [nearly_a_number(chance) if chance.random() < 0.8 else number(chance) for _ in range(4)]
        text = chance.choice(BESIDE).join(pieces)
        expected = {(r.start, r.end) for r in stock.analyze(text, ["PHONE_NUMBER"])}
        assert {(r.start, r.end) for r in quick.analyze(text, ["PHONE_NUMBER"])} == expected, text


@pytest.mark.parametrize("text", ["in 1680 we", "+ 1680", "(1680) x", "0015", "00 1", "+1", "+", "0" * 60, "1-" * 40])
def test_short_and_odd_ones_are_as_in_the_stock_recognizer(text: str) -> None:
    expected = {(r.start, r.end) for r in PhoneRecognizer().analyze(text, ["PHONE_NUMBER"])}
    assert set(WindowedPhoneRecognizer("en").places(text, lambda: None)) == expected


@pytest.mark.parametrize(
    "numbers",
    [
        ("+49 151 23456789", "212-555-0187"),
        ("+44 20 7946 0958", "0171 1234567"),
        ("0171 1234567", "0171 7654321"),
        ("+49 151 23456789", "+49 151 98765432", "+1 212 555 0187"),
    ],
)
def test_numbers_side_by_side_are_told_apart(numbers: tuple[str, ...]) -> None:
    text = "call " + " ".join(numbers) + " now"
    places = WindowedPhoneRecognizer("en", side_by_side=True).places(text, lambda: None)
    assert {text[start:end] for start, end in places} >= set(numbers)


def test_rows_of_numbers_are_not_taken_for_phones() -> None:
    recognizer = WindowedPhoneRecognizer("en", side_by_side=True)
    assert recognizer.places("12 15 18 20 25 30 35 40 45 50 55 60", lambda: None) == []


@pytest.mark.parametrize(
    ("text", "others", "found"),
    [
        ("0171 1234567 0171 7654321", [], {"0171 1234567", "0171 7654321"}),
        ("0171 1234567 0171 7654321", [(0, 25)], set()),
        ("0171 1234567 0171 7654321", [(0, 24)], {"0171 1234567", "0171 7654321"}),
        ("tel 0171 1234567", [(0, 16)], {"0171 1234567"}),
    ],
)
def test_long_numbers_of_other_kinds_are_not_searched(
    text: str, others: list[tuple[int, int]], found: set[str]
) -> None:
    places = WindowedPhoneRecognizer("en", side_by_side=True).places(text, lambda: None, others)
    assert {text[start:end] for start, end in places} == found
