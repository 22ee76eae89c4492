"""Numbers are the same however they are grouped: `+1 212 555 0187` is `12125550187`, an IBAN has spaces or none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set

from gateway.pipeline.exchange import Deadline
from gateway.redact.conversation.values import Place, Value
from gateway.redact.conversation.words import Words

MIN_DIGITS = 7
_MAX_CHARS = 40
_NUMBER = re.compile(r"[+(]?[0-9a-z]+(?:[ \-./()]{1,3}[0-9a-z]+)*\)?")
_GROUP = re.compile(r"[ \-./()]{0,3}([0-9a-z]+)")
_NOT_CONTENT = re.compile(r"[^0-9a-z]")
_MIN_NATIONAL = 8


def number_places(words: Words, values: Mapping[str, Value], deadline: Deadline) -> Iterator[Place]:
    """Where the digits (and letters) of a value stand, grouped in whatever way. Raises DeadlineExceeded."""
    keys: dict[str, Value] = {}
    for value in values.values():
        for key in _keys(value):
            keys.setdefault(key, value)
    if not keys:
        return
    heads = frozenset(key[:length] for key in keys for length in range(1, len(key) + 1))
    for word, places in words.places.items():
        if word in heads:
            deadline.left()
            for start in places:
                yield from _grouped(words.text, start, keys, heads)


def _keys(value: Value) -> Iterator[str]:
    key = value.key
    if len(key) > _MAX_CHARS or sum(c.isdigit() for c in key) < MIN_DIGITS or not _NUMBER.fullmatch(key):
        return
    content = _NOT_CONTENT.sub("", key)
    yield content
    if key.startswith("+") and content.isdigit():
        # Without its country code, of one to three digits, and as dialled within the country.
        for code in (1, 2, 3):
            if len(content) - code >= _MIN_NATIONAL:
                yield content[code:]
                yield f"0{content[code:]}"


def _grouped(text: str, start: int, keys: Mapping[str, Value], heads: Set[str]) -> Iterator[Place]:
    """`heads`: all beginnings of keys."""
    content, at = "", start
    while (group := _GROUP.match(text, at)) and (content := content + group[1]) in heads:
        at = group.end()
        if content in keys:
            yield _opened(text, start, at), at, keys[content]


def _opened(text: str, start: int, end: int) -> int:
    """With the sign or bracket that belongs to a phone number."""
    before = text[max(0, start - 2) : start]
    if before.endswith("+"):
        return start - 1
    if before.endswith("(") and ")" in text[start:end]:
        return start - 2 if before == "+(" else start - 1
    return start
