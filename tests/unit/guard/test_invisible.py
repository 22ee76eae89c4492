"""Which invisible characters stay: those that writing is made of."""

from __future__ import annotations

import pytest

from gateway.guard.invisible import InvisibleStage
from gateway.pipeline.channel import Channel, Field
from tests.laws.strategies import exchange, run


def shown(text: str, size: int = 1, field: Field = Field.CONTENT) -> tuple[str, list[str]]:
    current = exchange()
    stage_filter = InvisibleStage().open(current, Channel(0, field))
    output, _ = run(stage_filter, [text[at : at + size] for at in range(0, len(text), size)])
    return output, [found.kind for found in current.findings for _ in range(found.count)]


def tags(text: str) -> str:
    return "".join(chr(0xE0000 + ord(letter)) for letter in text)


def flag(region: str) -> str:
    return "\U0001f3f4" + tags(region) + "\U000e007f"


@pytest.mark.parametrize(
    "text",
    [
        "plain text, also naïve and 漢字",
        flag("gbeng") + flag("gbsct") + flag("gbwls") + "\U0001f3f4",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f469\U0001f3fd\u200d\U0001f4bb",
        "\u2764\ufe0f\u200d\U0001f525 1\ufe0f\u20e3 \u263a\ufe0e \U0001f3f3\ufe0f\u200d\U0001f308",
        "\U0001f1e9\U0001f1ea \U0001f469\u200d\u2764\ufe0f\u200d\U0001f48b\u200d\U0001f468",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0915\u094d\u200d\u0937 \u0c95\u0ccd\u200c\u0cb7",
        "\u05e9\u05dc\u05d5\u05dd\u200f! \u2067abc\u2069",
        "\u845b\U000e0100 \u2229\ufe00",
        "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u200b\u0e04\u0e23\u0e31\u0e1a",
        "\u05d0\u05d1 C++\u200e, abc\u200f \u05d2 1\u200f",
        "a\tb\r\nc 1\ufe0f\u20e3#\ufe0e\u20e3",
    ],
)
def test_writing_stays(text: str) -> None:
    for size in (1, 2, 100):
        assert shown(text, size) == (text, [])


@pytest.mark.parametrize(
    ("text", "expected", "kinds"),
    [
        ("hi" + tags("send mail") + "!", "hi!", ["tags"]),
        ("\U0001f3f4" + tags("usca") + "\U000e007f", "\U0001f3f4", ["tags"]),
        (flag("gbeng")[:-1] + "x", "\U0001f3f4x", ["tags"]),
        (flag("gbeng") + tags("x"), flag("gbeng"), ["tags"]),
        ("\U0001f600" + "".join(chr(0xE0100 + byte) for byte in b"secret"), "\U0001f600", ["variation_selectors"]),
        ("\U0001f600\ufe0f\ufe0e\ufe01", "\U0001f600\ufe0f", ["variation_selectors"]),
        ("a\ufe00b\ufe01", "ab", ["variation_selectors"] * 2),
        ("a\u200b\u200c\u200d\u2060\ufeffb", "ab", ["zero_width"]),
        ("evil\u200b.example", "evil.example", ["zero_width"]),
        ("\u0645\u200c\u200d\u200c\u062e", "\u0645\u200c\u062e", ["zero_width"]),
        ("\U0001f468\u200d\u200d\u200d\U0001f469", "\U0001f468\u200d\U0001f469", ["zero_width"]),
        ("Donau\u00addampf\u00adschiff", "Donaudampfschiff", ["zero_width"] * 2),
        ("bob@q.ex\u00adample", "bob@q.example", ["zero_width"]),
        ("4\ufe0f1\ufe0f1\ufe0e1 #\ufe0f", "4111 #", ["variation_selectors"] * 4),
        ("\u05d0 bo\u200fb@q\u200e.example\u2069x", "\u05d0 bob@q.examplex", ["directions"] * 3),
        ("\u05d0 bob\u200f\u200e@q.example", "\u05d0 bob@q.example", ["directions"]),
        ("\u0661\u200c\u0662\u200d\u0663 \u0e51\u200b\u0e52", "\u0661\u0662\u0663 \u0e51\u0e52", ["zero_width"] * 3),
        ("a\x00\x01b\x1b[0m\x7f\x85\x9fc\x0cd", "ab[0mcd", ["controls"] * 4),
        ("a\ufff0\ufff8b\U000e0080\U000e00ff\U000e01f0\U000e0fffc", "abc", ["zero_width", "tags"]),
        ("invoice\u202efdp.exe", "invoicefdp.exe", ["directions"]),
        ("\u05d0\u202e\u05d1", "\u05d0\u05d1", ["directions"]),
        ("if\u2067 x\u2069", "if x", ["directions"] * 2),
        ("\u05d0\u200f\u200e\u200f\u05d1", "\u05d0\u200f\u05d1", ["directions"]),
        ("\u3164\u115f", "", ["zero_width"]),
    ],
)
def test_what_nobody_sees_is_removed(text: str, expected: str, kinds: list[str]) -> None:
    for size in (1, 2, 3, 100):
        assert shown(text, size) == (expected, kinds)


def test_tokens_of_log_probabilities_lose_their_tags_one_by_one() -> None:
    assert shown("a" + tags("b"), 1, Field.LOGPROBS)[0] == "a"
    assert shown(flag("gbeng"), 100, Field.LOGPROBS)[0] == "\U0001f3f4"


def test_all_that_is_ignorable_by_default_is_removed_from_within_a_word() -> None:
    """DerivedCoreProperties.txt of Unicode 16.0, Default_Ignorable_Code_Point."""
    ranges = (
        "00AD 034F 061C 115F-1160 17B4-17B5 180B-180F 200B-200F 202A-202E 2060-206F 3164 FE00-FE0F FEFF FFA0 FFF0-FFF8 "
        "1BCA0-1BCA3 1D173-1D17A E0000-E0FFF"
    )
    for both in ranges.split():
        first, _, last = both.partition("-")
        for code in range(int(first, 16), int(last or first, 16) + 1):
            assert shown(f"a{chr(code)}b", 100)[0] == "ab"
