"""Values written so that a model can read them and an expression cannot; and texts that are bombs."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest

from gateway.pipeline.prompt import Segment
from gateway.redact.views.views import segment_views
from tests.attacks.seen import VALUES, says, seen, written

PATTERNED = ("email", "card", "iban", "employee", "project", "person", "apostrophe")
WAYS: dict[str, Callable[[str], str]] = {
    "base64": lambda v: base64.b64encode(f"it is {v} here".encode()).decode(),
    "base64 twice": lambda v: base64.b64encode(base64.b64encode(f"it is {v} here".encode())).decode(),
    "base64url": lambda v: base64.urlsafe_b64encode(f"it is {v} here".encode()).decode().rstrip("="),
    "base64 of JSON": lambda v: base64.b64encode(json.dumps({"x": f"\n{v}"}).encode()).decode(),
    "hex": lambda v: f"it is {v} here".encode().hex(),
    "hex pairs": lambda v: f"it is {v} here".encode().hex(" "),
    "percent": lambda v: "".join(f"%{octet:02x}" for octet in v.encode()),
    "entities": lambda v: "".join(f"&#x{ord(c):x};" for c in v),
    "escapes": lambda v: "".join(f"\\u{ord(c):04x}" for c in v),
    "full width": lambda v: "".join(chr(ord(c) + 0xFEE0) if c.isalnum() or c in "@.-" else c for c in v),
    "zero width": "\u200b".join,
    "soft hyphens": "\u00ad".join,
    "marks": lambda v: "".join(f"{c}\u0334" if c.isalnum() else c for c in v),
}


@pytest.mark.parametrize("name", PATTERNED)
@pytest.mark.parametrize("way", WAYS)
def test_a_value_in_disguise_is_hidden(way: str, name: str) -> None:
    disguised = WAYS[way](VALUES[name])
    assert disguised not in written(says(f"Please read {disguised} for me."))
    sent = seen(says([{"type": "text", "text": disguised}]))["messages"][0]["content"][0]["text"]
    assert sent != disguised


@pytest.mark.parametrize("name", PATTERNED)
def test_what_stands_around_a_disguised_value_stays(name: str) -> None:
    sent = seen(says(f"Read {WAYS['base64'](VALUES[name])} for me, 100%."))["messages"][0]["content"]
    assert sent.startswith("Read <")
    assert sent.endswith("> for me, 100%.")


REPEATED = [
    "a", "1", " ", "=", "%", "%41", "%25", "&#x41;", "&amp;", "\\", "\\\\n", "\\u0041", "=41", "=\n", "1 ", "1 1\n",
    "a ", "a@ ", " at ", "at dot ", "one ", "a.", "\u0301", "\u200b", "a\u200b", "１", "а", "aа", "QUJD",
    "QUJDREVGR0hJSktM\n", "41 ", "0x41, ", "a+", "=a+", "[at]", "AB12 ", "@", "漢a", "\U000e0041",
    "\ud800", "%2525252541",
]  # fmt: skip


@pytest.mark.parametrize("piece", REPEATED, ids=ascii)
def test_views_grow_no_faster_than_the_text(piece: str) -> None:
    """Read within a budget: twice the text and some for what is decoded, and a few views of each."""
    text = (piece * 20_000)[:60_000]
    views = segment_views(Segment(("x",), text))
    assert len(views) <= 60
    assert sum(map(len, views)) <= 8 * len(text) + 2**18
