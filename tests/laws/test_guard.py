"""The laws of filters for the guard: cutting, prefixes, hold-back, nothing flagged is nothing changed, valid JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.errors import Blocked
from gateway.guard.invisible import InvisibleStage
from gateway.guard.links import LinksStage
from gateway.guard.personal import AnswerRules, PersonalStage
from gateway.guard.windowed import WITHHELD
from gateway.pipeline.channel import Channel, Field
from gateway.pipeline.exchange import Deadline, Exchange
from gateway.pipeline.span import Span
from gateway.pipeline.stage import Stage, Stopped, StreamFilter
from tests.laws.strategies import CUTS, exchange, pieces, prompt

CONTENT = Channel(0, Field.CONTENT)
JSON = Channel(0, Field.CONTENT, 0, is_json=True)
ARGUMENTS = Channel(0, Field.TOOL_ARGUMENTS, 0, is_json=True)
CHANNELS = st.sampled_from([CONTENT, JSON, ARGUMENTS, Channel(0, Field.TOOL_NAME)])
ASKED = (
    "Write to <EMAIL_ADDRESS_1> about invoice 44710092 and the merger with Contoso in March",
    "<PERSON_1> 555 0199 77",
)

_PATTERNS = {
    "NUMBER": re.compile(r"\d[\d -]{5,}\d"),
    "EMAIL_ADDRESS": re.compile(r"[\w.]+@[\w.]+\w"),
    "PERSON": re.compile(r"Ann Lee|Ann"),
    "SECRET": re.compile(r"sk-\w{10,}"),
    "PLACE": re.compile(r"[\w<>_]*straat[ \w<>]*"),
}


class PatternDetector:
    """Finds what its patterns find, also what goes over the ends of sentences."""

    def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
        return [
            [Span(m.start(), m.end(), name, 0.9) for name, pattern in _PATTERNS.items() for m in pattern.finditer(text)]
            for text in texts
        ]


def personal(**rules: str) -> PersonalStage:
    measures = AnswerRules("mask", {"PERSON": "report", **rules}, secrets="mask")  # type: ignore[dict-item]
    return PersonalStage(PatternDetector(), measures, lambda: 0.0, 5.0)


STAGES: dict[str, Callable[[], Stage]] = {
    "personal": personal,
    "blocking": lambda: personal(EMAIL_ADDRESS="block"),
    "links": LinksStage,
    "listed links": lambda: LinksStage(("good.example", "*.better.example")),
    "blocked links": lambda: LinksStage(("good.example",), "block"),
    "reported links": lambda: LinksStage(("good.example",), "report"),
    "invisible": InvisibleStage,
}

_WORDS = st.sampled_from(
    [
        "4111 1111 1111 1111",
        "4",
        "1",
        "12",
        "0049-30-",
        "jane.doe@example.org",
        "jane",
        "@",
        "example.org",
        "Ann Lee",
        "Ann",
        " Lee",
        "sk-abcdefghij",
        "sk-",
        "abcdefghijklmnop" * 5,
        "Kerkstraat 7 ",
        "<PERSON_1>",
        "<EMAIL_ADDRESS_1>",
        "<Email Address 1>",
        "<PERSON_",
        "1>",
        ". ",
        ".\n",
        "! ",
        "? ",
        "\n\n",
        "\n",
        " ",
        "  ",
        "。",
        "The end",
        "word " * 9,
        "-----BEGIN RSA PRIVATE KEY-----\n",
        "-----END RSA PRIVATE KEY-----",
        "-----BEGIN ",
        "-----",
        "MIIEpAIBAAKCAQEA" * 4,
        "eyJ",
        "PuTTY-User-Key-File-3:",
        "Private-MAC: " + "a1" * 20,
        "![",
        "](",
        "]:",
        "]",
        "[",
        "(",
        ")",
        "!",
        "<",
        ">",
        "<img ",
        '<img src="https://good.example/a.png">',
        '<a href="',
        "<div ",
        "=",
        '"',
        "<!--",
        "https://",
        "http:",
        "good.example/",
        "evil.example/",
        "www.",
        "javascript:",
        "mailto:",
        "data:",
        "//",
        "\\",
        "/",
        "?q=",
        "#",
        "44710092",
        "%",
        "&",
        "![a](https://good.example/i.png)",
        "![a](https://evil.example/i.png)",
        "[a](https://good.example/x)",
        "<https://good.example>",
        "```html\n",
        "```\n",
        "```",
        "~~~\n",
        "contoso",
        "a" * 300,
        "\U0001f3f4",
        "\U000e0067",
        "\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "\u200b",
        "\u200d",
        "\u200c",
        "\u202e",
        "\u2067",
        "\ufe0f",
        "\u2764",
        "\u0645",
        "\u00ad",
        "\\n",
        "\\u0040",
        "\\u00",
        "\\ud83c",
        "\\udff4",
        '\\"',
        '{"a": "',
        '", "',
        '"}',
        "h",
        "htt",
        "!!",
        "![x](",
    ]
)
TEXTS = st.lists(st.one_of(_WORDS, _WORDS, st.text(max_size=4)), max_size=24).map("".join)
CARD = "4111 1111 1111 1111"
MANY_CUTS = st.one_of(CUTS, st.lists(st.integers(0, 1500), max_size=40))


def opened(name: str, channel: Channel) -> tuple[StreamFilter, Exchange]:
    stage, current = STAGES[name](), exchange()
    stage.on_request(prompt(*ASKED), current)
    return stage.open(current, channel), current


def outcome(
    name: str, channel: Channel, parts: Sequence[str]
) -> tuple[tuple[str, str], list[str], list[tuple[str, str]]]:
    """The whole output and the rule that ended it early, what had left after each piece, and the findings."""
    stream_filter, current = opened(name, channel)
    left, rule, states = "", "", []
    try:
        for part in parts:
            left += stream_filter.push(part)
            states.append(left)
        left += stream_filter.flush()
    except Stopped as stopped:
        left, rule = left + stopped.before, stopped.rule
    return (left, rule), [*states, left], [(f.kind, f.action) for f in current.findings]


@pytest.mark.parametrize("name", STAGES)
@settings(max_examples=150, deadline=None)
@given(answer=TEXTS, cuts=MANY_CUTS, channel=CHANNELS)
# A key that goes on to the end of what should be JSON: single letters of it looked like pieces of `true` and `1e9`.
@example(
    answer=f"{CARD * 4}PuTTY-User-Key-File-3:{CARD}jane.doe@example.org{CARD * 4}",
    cuts=[],
    channel=Channel(0, Field.CONTENT, 0, is_json=True),
)
def test_cutting_does_not_matter_and_nothing_is_taken_back(
    name: str, answer: str, cuts: list[int], channel: Channel
) -> None:
    whole, _, found = outcome(name, channel, [answer])
    for parts in (pieces(answer, cuts), list(answer)):
        output, states, again = outcome(name, channel, parts)
        assert output == whole
        assert again == found
        final = states[-1] if states else ""
        assert all(final.startswith(state) for state in states)
    if not found:
        assert whole == (answer, "")


@pytest.mark.parametrize("name", STAGES)
@settings(max_examples=60, deadline=None)
@given(answer=TEXTS, channel=st.sampled_from([CONTENT, JSON]))
def test_hold_back_stays_within_its_stated_bound(name: str, answer: str, channel: Channel) -> None:
    stream_filter, _ = opened(name, channel)
    came, editor = 0, stream_filter
    try:
        for character in answer + "x" * 1500:
            editor.push(character)
            came += 1
            assert len(held(editor)) <= editor.hold_chars
    except Blocked:
        assert came


def held(stream_filter: StreamFilter) -> str:
    """What a filter has taken and not given."""
    if hasattr(stream_filter, "_units"):
        return "".join(unit.written for unit in stream_filter._units) + str(stream_filter._pending)  # type: ignore[attr-defined]
    return str(stream_filter._held)  # type: ignore[attr-defined]


_VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


@pytest.mark.parametrize("name", ["personal", "links", "listed links", "invisible"])
@settings(max_examples=120, deadline=None)
@given(value=_VALUES, cuts=MANY_CUTS, ascii_only=st.booleans())
def test_json_stays_json(name: str, value: object, cuts: list[int], ascii_only: bool) -> None:
    document = json.dumps(value, ensure_ascii=ascii_only)
    (output, rule), _, _ = outcome(name, ARGUMENTS, pieces(document, cuts))
    assert not rule
    json.loads(output)


@settings(max_examples=200, deadline=None)
@given(before=TEXTS.filter(lambda t: "BEGIN" not in t and "eyJ" not in t and "PuTTY" not in t), pad=st.integers(0, 230))
def test_a_value_is_found_wherever_a_window_ends(before: str, pad: int) -> None:
    value = "jane.doe@secret.example"
    answer = before + " " + "word " * (pad // 5) + "x" * (pad % 5) + " " + value + " and so on."
    (output, rule), _, _ = outcome("personal", CONTENT, list(answer))
    assert not rule
    assert "jane.doe" not in output.removeprefix(before)
    assert "secret" not in output


@settings(max_examples=200, deadline=None)
@given(answer=TEXTS, cuts=MANY_CUTS)
def test_placeholders_pass_untouched(answer: str, cuts: list[int]) -> None:
    text = f"{answer}. \nDear <PERSON_1>, see <EMAIL_ADDRESS_1>."
    (output, rule), _, _ = outcome("personal", CONTENT, pieces(text, cuts))
    assert not rule
    if "BEGIN" not in text and "PuTTY" not in text and "eyJ" not in text:
        assert output.count("<PERSON_1>") == text.count("<PERSON_1>")
        assert output.count("<EMAIL_ADDRESS_1>") == text.count("<EMAIL_ADDRESS_1>")
    assert not re.search(r"[A-Za-z]_\d", WITHHELD)
