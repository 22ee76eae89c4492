"""A person whose full name was found is hidden under a part of it too.

`Anna Berg` is also Anna, Ms Berg, A. Berg, Berg, Anna, anna.berg@…, @annaberg, anna_berg_cv.pdf and, to Germans, Annas.
A part that is a common word counts only where it stands like a name or beside another part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gateway.pipeline.exchange import Deadline
from gateway.redact.conversation.common import COMMON, PARTICLES, TITLES, stands_as_name
from gateway.redact.conversation.values import Place, Value
from gateway.redact.conversation.words import Words, words_of

_MAX_PARTS = 6
_MIN_CHARS = 3
_MIN_HANDLE_CHARS = 5
_NAME = re.compile(r"[^\W\d_]+(?:[ .,'\-\u00b7]{1,3}[^\W\d_]+)*\.?")
_LEFT = re.compile(r"(?<![^\W_])([^\W_]+)([.,]?[ \n]{0,2}|[._'-])$")
_RIGHT = re.compile(r"(,?[ \n]{0,2}|[._'-])([^\W_]+)(\.?)")
_WORD_AFTER = re.compile(r" ?[^\W\d_]{2}")
_DIGITS = "0123456789"
_LOOK_CHARS = 32


@dataclass(frozen=True, slots=True)
class _Parts:
    """Of all names: their parts, which of them stand together in one, their initials, and handles made of them."""

    single: dict[str, Value] = field(default_factory=dict)
    pairs: dict[tuple[str, str], Value] = field(default_factory=dict)
    initials: dict[tuple[str, str], Value] = field(default_factory=dict)
    handles: dict[str, Value] = field(default_factory=dict)
    short_handles: dict[str, Value] = field(default_factory=dict)


class Names:
    """The parts of all full names. `wanted`: the words by which they are found, beside those that end with a
    character of `last`."""

    def __init__(self, values: Iterable[Value]) -> None:
        self._parts = parts = _Parts()
        for value in values:
            if value.entity == "PERSON" and _NAME.fullmatch(value.key):
                _add(parts, value)
        self.wanted: set[str] = set()
        self.last = ""
        if parts.single:
            self.last = _DIGITS
            plurals = (f"{part}s" for part in parts.single)
            self.wanted = {*parts.single, *plurals, *parts.handles, *parts.short_handles}

    def places(self, words: Words, deadline: Deadline) -> Iterator[Place]:
        """Where parts of full names stand. Raises DeadlineExceeded."""
        parts = self._parts
        if not parts.single:
            return
        for part, value in parts.single.items():
            deadline.left()
            for start in words.places.get(part, ()):
                yield from _part(words, start, start + len(part), value, parts)
            for start in words.places.get(f"{part}s", ()):
                if part not in COMMON and _is_capital(words, start):
                    yield from _part(words, start, start + len(part), value, parts)
        yield from _handles(words, parts, deadline)


def _add(parts: _Parts, value: Value) -> None:
    names = [word for word, _ in words_of(value.key) if word not in TITLES or len(word) == 1]
    if not 2 <= len(names) <= _MAX_PARTS:
        return
    for name in names:
        if len(name) > 1 and name not in PARTICLES:
            parts.single.setdefault(name, value)
        for other in names:
            if other != name:
                parts.pairs.setdefault((name, other), value)
                parts.initials.setdefault((name, other[0]), value)
    first, last = names[0], names[-1]
    for handle in (first + last, last + first, "".join(names)):
        if len(handle) >= _MIN_HANDLE_CHARS:
            parts.handles.setdefault(handle, value)
    for handle in (first[0] + last, first + last[0], last + first[0]):
        if len(handle) >= _MIN_HANDLE_CHARS:
            parts.short_handles.setdefault(handle, value)


def _part(words: Words, start: int, end: int, value: Value, parts: _Parts) -> Iterator[Place]:
    name = words.text[start:end]
    needs_more = len(name) < _MIN_CHARS or name in COMMON
    if needs_more and not _is_capital(words, start) and not _in_handle(words.text, start, end):
        return
    wide_start, wide_end, widest = _extended(words, start, end, value, parts)
    is_alone = (wide_start, wide_end) == (start, end)
    if not (needs_more and is_alone) or stands_as_name(words.given, words.origin(start, end)[0]):
        yield wide_start, wide_end, widest


def _extended(words: Words, start: int, end: int, value: Value, parts: _Parts) -> tuple[int, int, Value]:
    """With the parts of the same name, and initials of such, that stand before and after."""
    name = words.text[start:end]
    used = {name}
    at = start
    for _ in range(_MAX_PARTS):
        before = _LEFT.search(words.text, max(0, at - _LOOK_CHARS), at)
        owner = _neighbour(words, before.start(1), before[1], before[2], name, parts) if before else None
        if before is None or owner is None or before[1] in used or _ends_sentence(before):
            break
        used.add(before[1])
        start = at = before.start(1)
        value = _later(value, owner)
    at = end
    for _ in range(_MAX_PARTS):
        after = _RIGHT.match(words.text, at)
        owner = _neighbour(words, after.start(2), after[2], after[1], name, parts) if after else None
        if after is None or owner is None or after[2] in used:
            break
        if len(after[2]) == 1 and "," in after[1] and (not after[3] or _WORD_AFTER.match(words.text, after.end())):
            # "Berg, A. Berg" names two, and "Berg, a friend" one without an initial.
            break
        used.add(after[2])
        at = after.end() if len(after[2]) == 1 else after.end(2)
        if after[2] not in PARTICLES:
            end, value = at, _later(value, owner)
    return start, end, value


def _ends_sentence(before: re.Match[str]) -> bool:
    """Whether a full stop between two words is the end of a sentence, not that of an initial."""
    return ". " in before[2] and len(before[1]) > 1


def _neighbour(words: Words, at: int, word: str, gap: str, name: str, parts: _Parts) -> Value | None:
    """The name of which `word`, which stands at `at` beside `name`, is another part."""
    if not gap:
        return None
    if len(word) == 1:
        written_as_initial = gap in ("_", "-", ".", "'") or _is_capital(words, at)
        return parts.initials.get((name, word)) if written_as_initial else None
    if word in COMMON and word not in PARTICLES and not (gap in ("_", "-", ".") or _is_capital(words, at)):
        return None
    return parts.pairs.get((name, word))


def _later(value: Value, other: Value) -> Value:
    """Two parts are one name only once both are known."""
    return value if value.first_in >= other.first_in else value._replace(first_in=other.first_in)


def _is_capital(words: Words, start: int) -> bool:
    return words.given[words.origin(start, start + 1)[0]].isupper()


def _in_handle(text: str, start: int, end: int) -> bool:
    """Whether a word is part of an identifier, an address or a path."""
    return text[max(0, start - 1) : start] in tuple("@_") or text[end : end + 1] in tuple("@_")


def _handles(words: Words, parts: _Parts, deadline: Deadline) -> Iterator[Place]:
    deadline.left()
    for handle, value in parts.handles.items():
        yield from ((start, start + len(handle), value) for start in words.places.get(handle, ()))
    for handle, value in parts.short_handles.items():
        for start in words.places.get(handle, ()):
            end = start + len(handle)
            if words.text[max(0, start - 1) : start] in tuple("@/\\~") or words.text[end : end + 1] == "@":
                yield start, end, value
    deadline.left()
    for word in [word for word in words.places if word[-1] in _DIGITS]:
        plain = word.rstrip(_DIGITS)
        owner = parts.handles.get(plain)
        if owner is None and len(plain) >= _MIN_CHARS and plain not in COMMON:
            owner = parts.single.get(plain)
        if owner is not None:
            yield from ((start, start + len(word), owner) for start in words.places[word])
