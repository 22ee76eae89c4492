"""The laws of reading: what is found in a view lies in the text that was sent, and covers all that says it there."""

from __future__ import annotations

import base64
import html
import quopri
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.pipeline.prompt import Segment
from gateway.pipeline.span import Span
from gateway.redact.views.opaque import opaque
from gateway.redact.views.view import View
from gateway.redact.views.views import Views, segment_views

Encoder = Callable[[str], str]

VALUE = "ada.lovelace@example.org"
_PIECES = st.sampled_from(
    [
        "%41", "%", "%C3%A9", "%E9", "&#64;", "&amp;", "&#x110000;", "\\u0040", "\\ud83d\\ude00", "\\ud800",
        "\\U00110000", "\\x41", "\\", "=41", "=\n", "=C3=A9", "YWRhQGV4YW1wbGUub3Jn", "QUJDREVG", "==",
        "6164614078", "61 64 61 40 65 78 ", "data:text/plain;base64,", "\u200b", "a\u0301",
        "\ufb01", "Ａ", "𝐚", "аa", "１", "٣",
        " at ", " dot ", "com", "(at)", "j a n e ", "1 1 1 1 1 1 1 ", "4111/1111/1111/1111",
        "four one double two ", "+", "_", "漢", "’",
        "\u00a0", "\n> ", "\ud800", "\udc00", "{", "}", '"', "@", "x",
    ]
)  # fmt: skip
TEXTS = st.lists(st.one_of(_PIECES, st.text(max_size=6)), max_size=24).map("".join)


def _percent(text: str) -> str:
    return "".join(f"%{octet:02X}" for octet in text.encode())


def _entities(text: str) -> str:
    return "".join(f"&#{ord(c)};" for c in text)


ENCODERS: dict[str, Encoder] = {
    "percent": _percent,
    "entities": _entities,
    "escapes": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "quoted": lambda text: quopri.encodestring(text.replace("@", "=40").encode()).decode().replace("=3D40", "=40"),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "hex": lambda text: text.encode().hex(),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
}
LAYERS = st.lists(st.sampled_from(sorted(ENCODERS)), min_size=1, max_size=3)


def _spans(views: list[View]) -> list[tuple[int, int]]:
    return [
        (span.start, span.end)
        for view in views
        if (at := view.text.find(VALUE)) >= 0
        for _, span in view.found(Span(at, at + len(VALUE), "EMAIL_ADDRESS", 1.0))
    ]


@settings(max_examples=400)
@given(text=TEXTS, label=st.sampled_from(["", "name"]))
def test_every_view_maps_back_into_its_text(text: str, label: str) -> None:
    for view in segment_views(Segment(("x",), text, label=label)):
        size = len(view)
        assert size == len(view.text)
        for start in range(0, size, max(1, size // 7)):
            for end in {start + 1, (start + size + 1) // 2, size}:
                for segment, span in view.found(Span(start, max(end, start + 1), "X", 1.0)):
                    assert segment == 0
                    assert 0 <= span.start < span.end <= len(text)
        for given_span in view.given:
            assert list(view.found(given_span))


@settings(max_examples=300)
@given(layers=LAYERS, before=st.sampled_from(["", "see ", 'x="', "a\n"]), after=st.sampled_from(["", " ok", '"', "\n"]))
def test_a_value_is_found_whole_through_three_layers_of_encoding(layers: list[str], before: str, after: str) -> None:
    run = VALUE
    for layer in layers:
        run = ENCODERS[layer](run)
    text = before + run + after
    covered = _spans(segment_views(Segment(("x",), text)))
    assert covered, layers
    # Padding apart: a run is the same with and without it.
    start, end = len(before), len(before) + len(run.rstrip("="))
    assert any(a <= start and end <= b for a, b in covered)


@given(text=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200))
def test_plain_text_without_triggers_is_read_once(text: str) -> None:
    plain = " ".join(word for word in text.split() if word.isalpha() and word.islower() and 2 < len(word) < 10)
    if "one" in plain or "dot" in plain:
        return
    assert len(segment_views(Segment(("x",), plain))) == 1


@settings(max_examples=300)
@given(text=st.one_of(TEXTS, st.text("ABCDabcd0123+/=-_ \n:,x", max_size=300), st.binary(max_size=200).map(
    lambda octets: base64.b64encode(octets).decode())))  # fmt: skip
def test_opaque_edits_are_in_order_and_disjoint(text: str) -> None:
    at = 0
    for edit in opaque(text):
        assert at <= edit.start < edit.end <= len(text)
        at = edit.end


@given(texts=st.lists(TEXTS, max_size=3))
def test_each_segment_gets_the_findings_of_its_own_views(texts: list[str]) -> None:
    segments = [Segment(("x", i), text, message=0 if i < 2 else None) for i, text in enumerate(texts)]
    views = Views(segments)
    found = [[Span(0, len(text), "X", 1.0)] if text else [] for text in views.texts]
    for text, spans in zip(texts, views.back(found), strict=True):
        assert all(0 <= span.start < span.end <= len(text) for span in spans)


def test_entities_of_browsers_are_those_that_are_read() -> None:
    for name, character in (("commat", "@"), ("period", "."), ("plus", "+"), ("lowbar", "_"), ("num", "#")):
        assert html.unescape(f"&{name};") == character
        assert f"a{character}b" in [view.text for view in segment_views(Segment(("x",), f"a&{name};b"))]
