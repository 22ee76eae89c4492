"""A value and the characters around it, which are all that may decide whether it is harmless."""

from __future__ import annotations

import re
from typing import NamedTuple

WINDOW_CHARS = 40
_WORD = re.compile(r"[^\W\d_]+")
_WORDS_CHARS = 32
_WORDS = 4
HEAD_CHARS = 3
"""Words are first told by their first characters, since most patterns need not be tried then."""


class Surroundings(NamedTuple):
    """`before` and `after` have at most WINDOW_CHARS characters."""

    value: str
    before: str
    after: str

    @classmethod
    def of(cls, text: str, start: int, end: int) -> Surroundings:
        before = text[max(0, start - WINDOW_CHARS) : start]
        return cls(text[start:end], before, text[end : end + WINDOW_CHARS])

    def heads_before(self) -> set[str]:
        """The first characters of the last words before the value."""
        return {word[:HEAD_CHARS] for word in _WORD.findall(self.before[-_WORDS_CHARS:].lower())[-_WORDS:]}

    def heads_after(self) -> set[str]:
        """The first characters of the first words after the value."""
        return {word[:HEAD_CHARS] for word in _WORD.findall(self.after[:_WORDS_CHARS].lower())[:_WORDS]}
