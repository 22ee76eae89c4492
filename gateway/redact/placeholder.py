r"""How placeholders look, in every form in which a model may give them back.

Canonical: `<EMAIL_ADDRESS_1>`. Recognised as the same: other case, spaces, hyphens or escaped underscores between
the words, a missing bracket, brackets as HTML entities or JSON escapes: `email_address_1`, `<Email Address 1>`,
`&lt;EMAIL_ADDRESS_1&gt;`, `\u003cEMAIL_ADDRESS_1\u003e`.

The same grammar reads prompts: a user's text that looks like a placeholder is found by it before any placeholder
is made, so the two can never be taken for each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

import regex

LITERAL = "PLACEHOLDER"
"""The entity type of a user's own text that looks like a placeholder already given out."""

_OPENERS = ("<", "&lt;", "\\u003c")
_CLOSERS = (">", "&gt;", "\\u003e")
_SIGN = re.compile(r"[_<&\\]")
"""No mention is without one of these, and most texts are: that is seen a hundred times faster."""
_ONLY_OPENS = "<&"
"""Of these the ones that can only be the first character of a mention, or belong to its end."""
_CANONICAL = re.compile(r"<([A-Z][A-Z0-9_]*)_([1-9][0-9]{0,5})>")
_JSON_CLOSER = r"\\u003e"
_NOTHING = r"(?!)"
MAX_DIGITS = 6
CONTEXT_CHARS = 6
"""How far before a mention its recognition looks: the length of a closing bracket."""


class Escape(Enum):
    """The notation around a placeholder, in which its value has to be written too."""

    NONE = "none"
    HTML = "html"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Mention:
    """A placeholder as it stands in a text: code points [start, end), its type, number and notation."""

    start: int
    end: int
    entity: str
    number: int
    escape: Escape


def canonical(entity: str, number: int) -> str:
    return f"<{entity}_{number}>"


def may_mention(text: str) -> bool:
    """Whether there may be a placeholder in it."""
    return _SIGN.search(text) is not None


class Grammar:
    """Finds the placeholders of a fixed set of entity types in texts and in streams of text."""

    def __init__(self, entities: Iterable[str]) -> None:
        self._names = frozenset(entities)
        names = sorted(self._names, key=lambda name: (-len(name), name))
        # A word boundary between two underscored words may come back as space, hyphen or an escaped underscore.
        loose = "|".join(name.replace("_", r"(?:\\?_|[ -])") for name in names) or _NOTHING
        strict = "|".join(name.replace("_", r"\\?_") for name in names) or _NOTHING
        opener = "|".join(regex.escape(o) for o in _OPENERS)
        closer = "|".join(regex.escape(c) for c in _CLOSERS)
        number = rf"([1-9][0-9]{{0,{MAX_DIGITS - 1}}})(?![0-9])"
        self._pattern = regex.compile(
            rf"({opener})[ ]?({loose})(?:\\?_|[ -]){number}(?:[ ]?({closer})|(?!\w))"
            rf"|(?:(?<!\w)|(?<={_JSON_CLOSER}))({strict})\\?_{number}(?:({closer})|(?!\w))",
            regex.IGNORECASE | regex.ASCII,
        )
        longest = self._longest = max((len(name) + name.count("_") for name in names), default=0)
        self.hold_chars = len(_OPENERS[-1]) + 1 + longest + 2 + MAX_DIGITS + 1 + len(_CLOSERS[-1])
        """The longest mention, in characters."""

    def mentions(self, text: str) -> Iterator[Mention]:
        """All mentions in a complete text, left to right."""
        if not may_mention(text):
            return
        for match in self._pattern.finditer(text):
            yield self._mention(match)

    def next(self, text: str, position: int, *, final: bool) -> Mention | int:
        """The first mention from `position` on that no further text can change, or else the offset from which text
        may still become part of one (the length of the text if there is none). `final`: no more text follows."""
        sign = _SIGN.search(text, position)
        if sign is None:
            # What stands before the first sign of a mention is a piece of a name.
            begin = len(text) if final else max(position, len(text) - self._longest)
        elif sign[0] in _ONLY_OPENS:
            begin = sign.start()
            if (plain := _CANONICAL.match(text, begin)) is not None and plain[1] in self._names:
                # As by far the most are written: what the pattern would find there.
                return Mention(begin, plain.end(), plain[1], int(plain[2]), Escape.NONE)
        else:
            begin = max(position, sign.start() - self._longest)
        if begin == len(text):
            return begin
        match = self._pattern.search(text, begin, partial=not final)
        if match is None:
            return len(text)
        if not final and (match.partial or self._may_grow(match, text)):
            return int(match.start())
        return self._mention(match)

    @staticmethod
    def _may_grow(match: regex.Match[str], text: str) -> bool:
        """A mention without its closing bracket goes on if what follows may be the start of that bracket."""
        if match[4] or match[7]:
            return False
        tail = text[match.end() :].lower()
        if match[1] and tail.startswith(" "):
            tail = tail[1:]
        return any(closer.startswith(tail) for closer in _CLOSERS)

    def _mention(self, match: regex.Match[str]) -> Mention:
        opener, name, digits = match[1], match[2] or match[5], match[3] or match[6]
        entity = name.upper().replace("\\", "").replace(" ", "_").replace("-", "_")
        escape = Escape.NONE
        if opener and opener != "<":
            escape = Escape.HTML if opener.startswith("&") else Escape.JSON
        return Mention(match.start(), match.end(), entity, int(digits), escape)
