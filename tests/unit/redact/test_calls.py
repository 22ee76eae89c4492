from __future__ import annotations

import pytest

from gateway.redact.recognizers import calls
from tests.unit.redact.rows import Finder

find = Finder(calls.rows())


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("llámame al 612 345 678 mañana", "612 345 678"),
        ("ligue para o 912 345 678 por favor", "912 345 678"),
        ("zadzwoń pod 601 234 876", "601 234 876"),
        ("ring mig på 070-123 45 67", "070-123 45 67"),
        ("bel me op 06-12345678", "06-12345678"),
        ("my cell is (415) 555 2671, ok?", "(415) 555 2671"),
        ("Mein Handy: 0151 23456789", "0151 23456789"),
        ("mon portable 06.45.23.98.11", "06.45.23.98.11"),
        ("chiamami al 347 123 4567", "347 123 4567"),
    ],
)
def test_a_number_after_a_word_for_calling_is_found(text: str, number: str) -> None:
    assert find(text) == {number}


@pytest.mark.parametrize(
    "text",
    [
        "call it on 2024-05-17 12",
        "call back 3 times in 5 days",
        "text 12.05.2024",
        "ring 10.0.0.1",
        "call foo(1234567)",
        "mobile 360 degrees",
        "the numbers 1 2 3",
    ],
)
def test_other_numbers_are_not(text: str) -> None:
    assert find(text) == set()
