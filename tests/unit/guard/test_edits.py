"""Texts read through their notation."""

from __future__ import annotations

import json

import pytest

from gateway.guard.edits import Edit, JsonFilter
from tests.laws.strategies import run


class Shouting:
    """Keeps what it is shown, and replaces one word."""

    hold_chars = 4

    def __init__(self, word: str, by: str) -> None:
        self._word, self._by = word, by
        self._held = ""
        self.seen = ""

    def push(self, text: str) -> list[Edit]:
        self.seen += text
        self._held += text
        return []

    def flush(self) -> list[Edit]:
        at = self._held.find(self._word)
        if at < 0:
            return [Edit(len(self._held))]
        rest = len(self._held) - at - len(self._word)
        return [Edit(at), Edit(len(self._word), self._by), Edit(rest)]


def through(document: str, word: str, by: str = "X", size: int = 1) -> tuple[str, str]:
    editor = Shouting(word, by)
    parts = [document[at : at + size] for at in range(0, len(document), size)]
    return run(JsonFilter(editor), parts)[0], editor.seen


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 100])
def test_an_editor_sees_what_a_document_means(size: int) -> None:
    value = {'k"é': ['a\\b"c\n\t/', "\U0001f600x", "\u2028"], "n": -1.5e3}
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False), json.dumps(value).replace("/", "\\/")):
        kept, seen = through(text, "nothing", size=size)
        assert kept == text
        assert 'a\\b"c\n\t/' in seen
        assert "\U0001f600x" in seen


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 100])
@pytest.mark.parametrize(
    ("document", "word", "expected"),
    [
        ('{"a": "x\\u0040y"}', "x@y", '{"a": "X"}'),
        ('{"a": "p\\ud83d\\ude00q"}', "p\U0001f600q", '{"a": "X"}'),
        ('["ab", "cd"]', 'b", "c', '["aX", "d"]'),
        ('{"n": 1234567, "m": -12.5}', "1234567", '{"n": 9999999, "m": -12.5}'),
        ('{"a": "\\\\", "b": "\\\\\\"q"}', '"q', '{"a": "\\\\", "b": "\\\\X"}'),
        ('{"a": "half \\ud83d"}', "half", '{"a": "X \\ud83d"}'),
        ('{"a": "cut \\u00', "cut", '{"a": "X \\u00'),
        ("[49, 30, 12345]", "49, 30, 12345", "[99, 99, 99999]"),
        ('{"n": -1.5e3, "m": null}', '-1.5e3, "', '{"n": -9.9e9, "m": null}'),
        ("[true, 12, false]", "ue, 12, fal", "[true, 99, false]"),
        ("Ask a@b.c now", "a@b.c", "Ask X now"),
        ("{'a': 'a@b.c'}", "a@b.c", "{'a': 'X'}"),
        ('" {"m": "a@b.c"}', "a@b.c", '" {"m": "X"}'),
        ("key AKIA12 <P_1>", "AKIA12 <P_1>", "key X"),
        ('x "a@b.c', 'x "a@', 'X"b.c'),
        ('"a@b.c" yes', '@b.c" y', '"aX"es'),
    ],
)
def test_only_what_is_in_strings_is_replaced(document: str, word: str, expected: str, size: int) -> None:
    assert through(document, word, size=size)[0] == expected


def test_what_is_put_in_is_escaped() -> None:
    assert through('{"a": "word"}', "word", 'say "hi"\n\\')[0] == '{"a": "say \\"hi\\"\\n\\\\"}'
