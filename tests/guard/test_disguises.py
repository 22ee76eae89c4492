"""Passages and canaries that a model was asked to say in another way."""

from __future__ import annotations

import base64
import codecs
import html
import json
import textwrap
import urllib.parse
from collections.abc import Callable

import pytest

from tests.guard.scene import Guarded
from tests.guard.texts import PASSAGE

pytestmark = pytest.mark.xdist_group("guard-blocking")

_LOOK_ALIKES = str.maketrans("aeopcxyi", "аеорсхуі")
INTRO = "Here it is, written as you wished: "

DISGUISES: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": str.upper,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 in lines": lambda text: base64.encodebytes(text.encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "backwards": lambda text: text[::-1],
    "letter by letter": " ".join,
    "letter by letter with dashes": "-".join,
    "one word per line": lambda text: "\n".join(text.split()),
    "zero-width spaces": "\u200b".join,
    "soft hyphens": "\u00ad".join,
    "look-alikes": lambda text: text.translate(_LOOK_ALIKES),
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "bold letters": lambda text: "".join(chr(0x1D41A + ord(c) - 97) if "a" <= c <= "z" else c for c in text),
    "snake_case": lambda text: "_".join(text.split()),
    "no spaces": lambda text: text.title().replace(" ", ""),
    "emphasis": lambda text: " ".join(f"**{word}**" for word in text.split()),
    "tags": lambda text: " ".join(f"<b>{word}</b>" for word in text.split()),
    "JSON": lambda text: json.dumps({"text": text}),
    "JSON escapes": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "HTML escapes": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "HTML names": lambda text: html.escape(text).replace(" ", "&nbsp;"),
    "percent signs": urllib.parse.quote,
    "code block": lambda text: f"```text\n{textwrap.fill(text, 40)}\n```",
    "quotation": lambda text: textwrap.indent(textwrap.fill(text, 50), "> "),
    "comments": lambda text: textwrap.indent(textwrap.fill(text, 50), "# "),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_passage_in_disguise_is_stopped(blocking: Guarded, stream: bool, disguise: str) -> None:
    written = DISGUISES[disguise](PASSAGE)
    blocking.says(INTRO + written)
    got = blocking.ask(stream=stream)
    assert got.finish == "content_filter"
    assert INTRO.startswith(got.text[: len(INTRO)])
    # What opens a code block, a document or a quotation may leave, and no more.
    assert len(got.text) <= len(INTRO) + 12


# A phrase is short and its spellings are known, so more of them are looked for.
SPELLINGS: dict[str, Callable[[str], str]] = {
    **DISGUISES,
    "hexadecimal with spaces": lambda text: text.encode().hex(" "),
    "digits for letters": lambda text: text.translate(str.maketrans("aeio", "4310")),
    "each word backwards": lambda text: " ".join(word[::-1] for word in text.split()),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_canary_in_disguise_is_stopped(blocking: Guarded, stream: bool, spelling: str) -> None:
    canary, phrase = next(iter(blocking.kept.phrases.items()))
    blocking.says(INTRO + SPELLINGS[spelling](phrase))
    got = blocking.ask(stream=stream)
    assert got.finish == "content_filter"
    assert {"stage": "canaries", "kind": canary, "action": "block", "count": 1} in blocking.findings(got)
    assert len(got.text) <= len(INTRO) + 12
