"""Numbers are the same however they are grouped: `+1 212 555 0187` is `12125550187`, an IBAN has spaces or none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate

from gateway.pipeline.exchange import Deadline
from gateway.redact.conversation.values import Place, Value
from gateway.redact.conversation.words import Words

MIN_DIGITS = 7
_MAX_CHARS = 40
_NUMBER = re.compile(r"[+(]?[0-9a-z]+(?:[ \-./()]{1,3}[0-9a-z]+)*\)?")
_GROUP = re.compile(r"[ \-./()]{0,3}([0-9a-z]+)")
_LETTERS = re.compile(r"[a-z]+")
_NOT_CONTENT = re.compile(r"[^0-9a-z]")
_MIN_NATIONAL = 8


class Numbers:
    """The values that are numbers, by their digits (and letters). `wanted`: the words with which one may begin."""

    def __init__(self, values: Iterable[Value]) -> None:
        self._keys: dict[str, Value] = {}
        for value in values:
            for key in _keys(value.key):
                self._keys.setdefault(key, value)
        # All beginnings of all.
        self.wanted = set[str]().union(*map(accumulate, self._keys))

    def places(self, words: Words, deadline: Deadline) -> Iterator[Place]:
        """Where their digits stand, grouped in whatever way. Raises DeadlineExceeded."""
        for word, starts in words.places.items():
            if word not in self.wanted:
                continue
            deadline.left()
            for start in starts:
                yield from self._grouped(words.text, start)

    def _grouped(self, text: str, start: int) -> Iterator[Place]:
        content, at = "", start
        while (group := _GROUP.match(text, at)) and (content := content + group[1]) in self.wanted:
            at = group.end()
            if content in self._keys:
                yield _opened(text, start, at), at, self._keys[content]


def _keys(key: str) -> Iterator[str]:
    if not MIN_DIGITS <= len(key) <= _MAX_CHARS or not _NUMBER.fullmatch(key):
        return
    content = _NOT_CONTENT.sub("", key)
    if len(content) < MIN_DIGITS or len(_LETTERS.sub("", content)) < MIN_DIGITS:
        return
    yield content
    if key.startswith("+") and content.isdigit():
        # Without its country code, of one to three digits, and as dialled within the country.
        for code in (1, 2, 3):
            if len(content) - code >= _MIN_NATIONAL:
                yield content[code:]
                yield f"0{content[code:]}"


def _opened(text: str, start: int, end: int) -> int:
    """With the sign or bracket that belongs to a phone number."""
    before = text[max(0, start - 2) : start]
    if before.endswith("+"):
        return start - 1
    if before.endswith("(") and ")" in text[start:end]:
        return start - 2 if before == "+(" else start - 1
    return start
