r"""Finds the stand-ins of one exchange in texts and in streams of text, also where a model wrote them differently.

A literal is found in other case, with other white space, dots, hyphens or underscores between its words, and with an
ending ("Martas", "Lindsche"). A number is found by its letters and digits, whatever stands between them. Both need
word bounds; what JSON escapes (`\nMarta`) is a bound too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

ENDINGS = ("s", "es", "sche", "schen", "scher", "sches", "schem", "owi", "em", "ego", "emu")
"""What languages put behind a name; it stays behind the name that takes its place."""
_LOOK_AHEAD = max(map(len, ENDINGS)) + 1
_MAX_GAP = 3
_KEY_CHARS = 2
# Scripts from here on write words without spaces between them, so they are never a part of the word beside them.
_WORD = "[^\\W_\u2e80-\U0010ffff]"
_RUN = re.compile(f"{_WORD}*")
_IS_WORD = re.compile(_WORD)
_START = re.compile(rf"(?:(?<!{_WORD})|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{{4}})){_WORD}|[+(]")
_JOINERS = {ord(c): " " for c in "\t\n\r\u00a0\u202f\u2010\u2011._-"}
_GAPS = frozenset(" \t\u00a0\u202f-\u2010\u2011\u2012\u2013./()")


def fold(text: str) -> str:
    """Without regard to case and to what joins words; as long as the text."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(c if len(low := c.lower()) != 1 else low for c in text)
    # How a final sigma is written depends on what follows, which may not have come yet.
    return lowered.translate(_JOINERS).replace("ς", "σ")


def bare(text: str) -> str:
    """Letters and digits alone, small."""
    return "".join(c for c in text.lower() if c.isalnum())


def is_word(character: str) -> bool:
    """Whether a character beside a stand-in would belong to the same word. Not so for the empty text."""
    return bool(_IS_WORD.fullmatch(character))


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """A stand-in and what it stands for.

    `pieces`: for names, both in pieces that correspond, so that case and joints of a mention are kept. `lower`: whether
    it is also meant when it is written in small letters only. `leads`: the character other than a letter or digit with
    which a mention of a number may begin.
    """

    text: str
    value: str
    pieces: tuple[tuple[str, str], ...] = ()
    lower: bool = True
    leads: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Stood:
    """A stand-in at [start, end) of a text, and the value in the form that fits there."""

    start: int
    end: int
    value: str


class _Keys:
    """Entries by their keys, and keys by how they begin."""

    __slots__ = ("_by_start", "_entries", "_lengths", "longest")

    def __init__(self) -> None:
        self._entries: dict[str, list[Entry]] = {}
        self._by_start: dict[str, list[str]] = {}
        self._lengths: list[int] = []
        self.longest = 0

    def add(self, key: str, entry: Entry) -> None:
        if key not in self._entries:
            self._by_start.setdefault(key[:_KEY_CHARS], []).append(key)
            self._lengths = sorted({*self._lengths, len(key)}, reverse=True)
            self.longest = self._lengths[0]
        self._entries.setdefault(key, []).append(entry)

    def begins(self, start: str) -> bool:
        """Whether a key begins with two characters."""
        return start in self._by_start

    def may_become(self, tail: str) -> bool:
        """Whether a key is longer than `tail` and begins with it."""
        if len(tail) >= self.longest:
            return False
        if len(tail) < _KEY_CHARS:
            return any(start.startswith(tail) for start in self._by_start)
        keys = self._by_start.get(tail[:_KEY_CHARS], ())
        return any(len(key) > len(tail) and key.startswith(tail) for key in keys)

    def at(self, tail: str) -> Iterator[tuple[int, list[Entry]]]:
        """The keys with which `tail` begins, the longest first: their lengths and entries."""
        if tail[:_KEY_CHARS] in self._by_start:
            for length in self._lengths:
                if length <= len(tail) and (entries := self._entries.get(tail[:length])) is not None:
                    yield length, entries


class Lexicon:
    """All stand-ins of an exchange, by how they begin."""

    __slots__ = ("_firsts", "_literals", "_numbers", "hold_chars")

    def __init__(self) -> None:
        self._literals = _Keys()
        self._numbers = _Keys()
        self._firsts: set[str] = set()
        self.hold_chars = 0
        """The most characters that may have to wait until it is known whether they are a mention."""

    def add(self, entry: Entry) -> None:
        """An entry to be found as a literal."""
        key = fold(entry.text)
        self._literals.add(key, entry)
        self._firsts.add(key[:1])
        self.hold_chars = max(self.hold_chars, len(key) + _LOOK_AHEAD)

    def add_number(self, entry: Entry, key: str = "") -> None:
        """An entry to be found by its letters and digits, or by those of `key`."""
        key = key or bare(entry.text)
        self._numbers.add(key, entry)
        self._firsts.update((key[:1], entry.leads or key[:1]))
        self.hold_chars = max(self.hold_chars, (_MAX_GAP + 1) * (len(key) + 1))

    def mentions(self, text: str) -> Iterator[Stood]:
        """All mentions in a complete text, left to right."""
        at = 0
        while not isinstance(found := self.next(text, at, final=True), int):
            yield found
            at = found.end

    def next(self, text: str, position: int, *, final: bool) -> Stood | int:
        """The first mention from `position` on that no further text can change, or else the offset from which text
        may still become part of one (the length of the text if there is none). `final`: no more text follows."""
        if not self._firsts:
            return len(text)
        for start in _START.finditer(text, position):
            if start[0].lower() in self._firsts and (found := self._at(text, start.start(), final=final)) is not None:
                return found
        return len(text)

    def _at(self, text: str, start: int, *, final: bool) -> Stood | int | None:
        """A mention that starts here, or the offset itself if more text must tell, or None."""
        literal = self._literal(text, start, final=final)
        number = self._number(text, start, final=final)
        if isinstance(literal, int) or isinstance(number, int):
            return start
        if literal is not None and number is not None:
            return max(literal, number, key=lambda found: found.end)
        return literal or number

    def _literal(self, text: str, start: int, *, final: bool) -> Stood | int | None:
        tail = fold(text[start : start + self._literals.longest])
        if not final and self._literals.may_become(tail):
            return start
        for length, entries in self._literals.at(tail):
            end = start + length
            ends = _ends(text, end, final=final)
            if ends is None:
                return start
            if ends and (value := _said(text[start:end], entries)) is not None:
                return Stood(start, end, value)
        return None

    def _number(self, text: str, start: int, *, final: bool) -> Stood | int | None:
        said, ends, is_open = self._walk(text, start)
        if is_open and not final and self._numbers.may_become(said):
            return start
        for length, entries in self._numbers.at(said):
            end = ends[length - 1]
            if end == len(text) and not final:
                return start
            fitting = [entry for entry in entries if is_word(text[start]) or entry.leads == text[start]]
            if fitting and not is_word(text[end : end + 1]):
                entry = next((e for e in fitting if e.text == text[start:end]), fitting[0])
                return Stood(start, end, entry.value)
        return None

    def _walk(self, text: str, start: int) -> tuple[str, list[int], bool]:
        """As many letters and digits from `start` on as the longest key has, with what separates them left out, where
        each ends in the text, and whether it is the end of the text that stops them."""
        said, gap = "", 0
        ends: list[int] = []
        for at in range(start, len(text)):
            character = text[at]
            if len(said) == self._numbers.longest:
                return said, ends, False
            if character.isalnum() and len(character.lower()) == 1:
                said += character.lower()
                ends.append(at + 1)
                gap = 0
                if len(said) == _KEY_CHARS and not self._numbers.begins(said):
                    return said, ends, False
            elif (character in _GAPS or (character == "+" and at == start)) and gap < _MAX_GAP:
                gap += 1
            else:
                return said, ends, False
        return said, ends, True

    def __repr__(self) -> str:
        return "<Lexicon>"


def _ends(text: str, end: int, *, final: bool) -> bool | None:
    """Whether a word may end here, but for an ending. None if more text must tell."""
    if not is_word(text[end - 1]):
        return True
    run = _RUN.match(text, end, end + _LOOK_AHEAD)
    ending = run[0].lower() if run else ""
    if final or end + len(ending) < len(text):
        return not ending or ending in ENDINGS
    return None if any(known.startswith(ending) for known in ENDINGS) else False


def _said(mention: str, entries: Sequence[Entry]) -> str | None:
    """What an entry stands for, in the form of a mention; None if none can be meant by it."""
    for entry in entries:
        if entry.text == mention:
            return entry.value
    for entry in entries:
        if entry.lower or not mention.islower():
            return _in_form(mention, entry)
    return None


def _in_form(mention: str, entry: Entry) -> str:
    if not entry.pieces:
        return entry.value
    made, at = [], 0
    for stand_in, value in entry.pieces:
        written = mention[at : at + len(stand_in)]
        made.append(written if stand_in == value else styled(value, written, stand_in))
        at += len(stand_in)
    return "".join(made)


def styled(value: str, written: str, stand_in: str) -> str:
    """A value in the case in which its stand-in is written."""
    if written == stand_in:
        return value
    if written.isupper() and (len(written) > 1 or value[1:] == ""):
        return value.upper()
    if written.islower():
        return value.lower()
    return value if value[:1].isupper() and not value.isupper() else value[:1].upper() + value[1:].lower()
