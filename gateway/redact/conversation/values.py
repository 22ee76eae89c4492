"""The values that were found in a request, and the places where they stand letter for letter but for their case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from gateway.pipeline.exchange import Deadline
from gateway.pipeline.span import Span
from gateway.redact.conversation.common import COMMON, stands_as_name
from gateway.redact.conversation.folding import folded
from gateway.redact.conversation.words import UNSPACED_SCRIPTS, WORD, Words, runs_on, words_of

MIN_CHARS = 3
SURE_CHARS = 7
"""A value this long with a digit or an @ counts wherever it stands, also within words."""
SEPARATOR = "\x00"
"""Between the texts, so that no value is found across two."""
_FEW = 256
"""So many searches for one text each take less time than one that looks at each character."""
LONG_CHARS = 128
"""In a text that repeats itself a longer value is not looked for within itself."""
_CHARS_PER_CHECK = 1 << 15
_EXACT = ("SECRET", "PASSWORD", "TOKEN", "KEY", "CREDENTIAL")


class Value(NamedTuple):
    """A value as it was written where it was found first; `first_in` is the number of that place, see `spread`."""

    written: str
    key: str
    entity: str
    score: float
    source: str
    first_in: int
    is_everyday: bool

    @property
    def is_sure(self) -> bool:
        if any(ord(c) >= UNSPACED_SCRIPTS for c in (self.key[0], self.key[-1])):
            return True
        return len(self.key) >= SURE_CHARS and ("@" in self.key or any(map(str.isdigit, self.key)))

    @property
    def is_exact(self) -> bool:
        """Whether another case makes it another value: secrets, and what looks like a placeholder."""
        return any(word in self.entity for word in _EXACT) or ("_" in self.key and "@" not in self.key)


Values = Mapping[str, Value]
"""Values by how they are written where they were found."""
NO_VALUES: Values = MappingProxyType({})
Place = tuple[int, int, Value]
"""[start, end) of the joined, folded text, and the value that stands there."""


def found_values(
    texts: Sequence[str],
    found: Sequence[Sequence[Span]],
    homes: Sequence[int],
    earlier: Values = NO_VALUES,
) -> dict[str, Value]:
    """All values by how they are written, those of earlier homes first, the same for every order within a text.

    `earlier`: those of homes before all of these.
    """
    values = dict(earlier)
    for index, text, spans in sorted(zip(homes, texts, found, strict=True), key=lambda numbered: numbered[0]):
        for span in sorted(spans, key=lambda s: (s.start, s.end, -s.score, s.entity, s.source)):
            written = text[span.start : span.end]
            if len(written) < MIN_CHARS or SEPARATOR in written or written in values:
                continue
            key = folded(written)
            values[written] = Value(written, key, span.entity, span.score, span.source, index, _is_everyday(key))
    return values


class Literals:
    """The values as they are written, in any case. `wanted`: the words by which those with word bounds are found."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values
        by_key: dict[str, Value] = {}
        for value in values.values():
            by_key.setdefault(value.key, value)
        self._sure: dict[str, Value] = {}
        self._worded: list[tuple[Value, str, int]] = []
        for value in by_key.values():
            head = None if value.is_sure else WORD.search(value.key)
            if head is None:
                self._sure[value.key] = value
            else:
                self._worded.append((value, head[0], head.start()))
        self.wanted = {head for _, head, _ in self._worded}

    def places(self, words: Words, deadline: Deadline) -> Iterator[Place]:
        """Where a value stands. Raises DeadlineExceeded."""
        for start, key in _anywhere(words.text, self._sure, deadline):
            end = start + len(key)
            if (key[0].isascii() and len(key) >= SURE_CHARS) or is_whole(words.text, start, end):
                yield from _as_written(words, start, end, self._sure[key], self._values)
        for value, head, at in self._worded:
            deadline.left()
            for found in words.places.get(head, ()):
                start, end = found - at, found - at + len(value.key)
                if start >= 0 and words.text.startswith(value.key, start) and is_whole(words.text, start, end):
                    yield from _as_written(words, start, end, value, self._values)


def is_whole(text: str, start: int, end: int) -> bool:
    """Whether no word of a text goes on before `start` or after `end`."""
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    return not (runs_on(before, text[start]) or runs_on(text[end - 1], after))


def _as_written(words: Words, start: int, end: int, value: Value, values: Mapping[str, Value]) -> Iterator[Place]:
    """The place, if it is written as one of the values is or in a case that may be meant for one."""
    first, last = words.origin(start, end)
    written = words.given[first:last]
    same = values.get(written)
    if value.is_everyday:
        if not stands_as_name(words.given, first) and not _is_capitalised(written):
            return
    elif same is None and value.is_exact:
        return
    yield start, end, same or value


def _is_everyday(key: str) -> bool:
    """Whether a value is made of nothing but common words."""
    first = WORD.search(key)
    if first is None or first[0] not in COMMON:
        return False
    parts = words_of(key)
    letters = sum(len(word) for word, _ in parts)
    return letters + len(parts) - 1 >= len(key) and all(word in COMMON for word, _ in parts)


def _is_capitalised(written: str) -> bool:
    """Two common words, both capitalised, are hardly a sentence."""
    parts = written.split()
    return len(parts) > 1 and all(part[0].isupper() for part in parts)


def _anywhere(text: str, keys: Mapping[str, Value], deadline: Deadline) -> Iterator[tuple[int, str]]:
    """Every place of every key. Many keys are looked up by their first characters, so that it stays linear."""
    if len(keys) <= _FEW:
        for key in keys:
            deadline.left()
            at = text.find(key)
            while at >= 0:
                yield at, key
                # A long value in a text that repeats itself would be found at every place, within itself.
                at = text.find(key, at + (len(key) if len(key) > LONG_CHARS else 1))
        return
    size = min(SURE_CHARS, *map(len, keys))
    lengths: dict[str, set[int]] = {}
    for key in keys:
        lengths.setdefault(key[:size], set()).add(len(key))
    for chunk in range(0, len(text), _CHARS_PER_CHECK):
        deadline.left()
        for at in range(chunk, min(len(text), chunk + _CHARS_PER_CHECK)):
            if (head := text[at : at + size]) in lengths:
                for length in lengths[head]:
                    if (key := text[at : at + length]) in keys:
                        yield at, key
