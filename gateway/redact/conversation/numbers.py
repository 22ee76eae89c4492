"""Numbers are the same however they are grouped: `+1 212 555 0187` is `12125550187`, an IBAN has spaces or none."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from gateway.pipeline.exchange import Deadline
from gateway.redact.conversation.values import Place, Value
from gateway.redact.conversation.words import Words

MIN_DIGITS = 7
SEPARATORS = " -./()"
"""What stands between the groups of a number."""
_MAX_CHARS = 40
_SEPARATOR = f"[{re.escape(SEPARATORS)}]"
_NUMBER = re.compile(rf"[+(]?[0-9a-z]+(?:{_SEPARATOR}{{1,3}}[0-9a-z]+)*\)?")
_GROUP = re.compile(rf"{_SEPARATOR}{{0,3}}([0-9a-z]+)")
_LETTERS = re.compile(r"[a-z]+")
_NOT_CONTENT = re.compile(r"[^0-9a-z]")
_MIN_NATIONAL = 8


class Numbers:
    """The values that are numbers, by their digits (and letters). `first`: the characters with which they begin."""

    def __init__(self, values: Iterable[Value]) -> None:
        self._keys: dict[str, Value] = {}
        for value in values:
            for key in numbers_of(value.key):
                self._keys.setdefault(key, value)
        # A word is the beginning of one if it is that of the next in this order.
        self._sorted = sorted(self._keys)
        self.first = "".join({key[0] for key in self._sorted})

    def places(self, words: Words, deadline: Deadline) -> Iterator[Place]:
        """Where their digits stand, grouped in whatever way. Raises DeadlineExceeded."""
        for word, starts in words.places.items():
            if not self._opens(word):
                continue
            deadline.left()
            for start in starts:
                yield from self._grouped(words.text, start)

    def _opens(self, content: str) -> bool:
        at = bisect_left(self._sorted, content)
        return at < len(self._sorted) and self._sorted[at].startswith(content)

    def _grouped(self, text: str, start: int) -> Iterator[Place]:
        content, at = "", start
        while (group := _GROUP.match(text, at)) and self._opens(content := content + group[1]):
            at = group.end()
            if content in self._keys:
                yield _opened(text, start, at), at, self._keys[content]


def numbers_of(key: str) -> Iterator[str]:
    """How a folded value is written without what separates its groups, if it is a number: as it is, without the code of
    a country, and as dialled within it. All end with the shortest."""
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
