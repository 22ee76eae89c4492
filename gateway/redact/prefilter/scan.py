"""Where in a text which patterns can match: one pass of Hyperscan over it, whatever the number of patterns.

Hyperscan tells the end of all that a pattern could match, or of more. So a match lies within one of the windows made
here, and the characters behind a window's last end that a pattern looks at belong to the window: running the pattern
on the windows finds what running it on the text would. The proof rests on two things: matches that the library
finds one after the other lie in the same window if they could hinder each other, and what was found wrongly, because
the text seemed to end with the window, ends behind the last end that Hyperscan told. `matches` looks for the latter.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import regex

from gateway.redact.prefilter.database import Expression, compiles, database, is_available, scratch_for
from gateway.redact.prefilter.translate import Translated
from gateway.redact.prefilter.translations import Pattern, translations

Window = tuple[int, int]
"""Code points [start, last) of a text; a match starts at `start` or later and ends at `last` or earlier."""
# Where a match can be longer than this, the characters that it cannot have tell its start better.
_LONG = 64
_BYTES = 256


@dataclass(frozen=True, slots=True)
class _Scanned:
    """A pattern that Hyperscan looks for. `number`: its place among all. `outside`: for each byte whether no match has
    it; None where another bound is better."""

    number: int
    expression: Expression
    most: int | None
    beyond: int | None
    outside: bytes | None


class Hits:
    """What one text may hold."""

    def __init__(
        self, always: frozenset[int], told: Mapping[int, tuple[_Scanned, Sequence[int]]], shown: bytes
    ) -> None:
        """`told`: by pattern what Hyperscan looked for and where it ends."""
        self._always = always
        self._told = told
        self._shown = shown

    def numbers(self) -> list[int]:
        """The patterns that can match, in their order."""
        return sorted({*self._always, *self._told})

    def windows(self, number: int) -> Sequence[Window] | None:
        """Where a pattern can match; None for everywhere. Made when asked for, since not all patterns are run."""
        found = self._told.get(number)
        if found is None or found[0].beyond is None:
            return None
        return _windows(*found, self._shown)


class Prefilter:
    """Any number of threads may scan at the same time."""

    def __init__(self, patterns: Sequence[Pattern], folder: Path | None = None) -> None:
        """`folder`: where compiled databases are kept, if not in the user's cache."""
        translated = translations(patterns, folder) if is_available() else []
        scanned = [_scanned(number, each) for number, each in enumerate(translated) if each is not None]
        self._database = _compiled(scanned, folder)
        if self._database is None:
            scanned = [made for made in scanned if compiles(made.expression)]
            self._database = _compiled(scanned, folder)
        self._scanned = scanned if self._database is not None else []
        self._beyond = {made.number: made.beyond for made in self._scanned}
        self._always = frozenset(range(len(patterns))) - frozenset(self._beyond)
        # What a scan writes into, which no two threads may share.
        self._own = threading.local()

    @property
    def always(self) -> frozenset[int]:
        """The patterns that must be run on every text."""
        return self._always

    def scan(self, shown: bytes) -> Hits:
        """Where the patterns can match in a text. `shown`: the text in the bytes of the alphabet."""
        if self._database is None:
            return Hits(self._always, {}, shown)
        ends: dict[int, list[int]] = {}

        def tell(number: int, begin: int, end: int, flags: int, context: object) -> None:
            ends.setdefault(number, []).append(end)

        self._database.scan(shown, match_event_handler=tell, scratch=self._scratch())
        told = {self._scanned[index].number: (self._scanned[index], at) for index, at in ends.items()}
        return Hits(self._always, told, shown)

    def matches(
        self, number: int, compiled: regex.Pattern[str], text: str, hits: Hits, left: Callable[[], float]
    ) -> Iterator[regex.Match[str]]:
        """What `compiled.finditer(text)` gives, for the pattern of that number. `left`: seconds, or raises."""
        windows, beyond = hits.windows(number), self._beyond.get(number)
        if windows is None or beyond is None:
            yield from compiled.finditer(text, timeout=left())
            return
        found: list[regex.Match[str]] = []
        for start, last in windows:
            for match in compiled.finditer(text, start, last + beyond, timeout=left()):
                if match.end() > last:
                    yield from compiled.finditer(text, timeout=left())
                    return
                found.append(match)
        yield from found

    def _scratch(self) -> object:
        scratch: object = getattr(self._own, "scratch", None)
        if scratch is None:
            scratch = self._own.scratch = scratch_for(self._database)
        return scratch


@lru_cache(maxsize=8)
def prefilter_of(patterns: tuple[Pattern, ...]) -> Prefilter:
    """One for all who look for the same patterns: to translate hundreds takes seconds, and a database megabytes."""
    return Prefilter(patterns)


def _compiled(scanned: Sequence[_Scanned], folder: Path | None) -> Any:
    return database([made.expression for made in scanned], folder) if scanned else None


def _scanned(number: int, translated: Translated) -> _Scanned:
    most = translated.most
    expression = Expression(translated.source, translated.caseless)
    outside = None if most is not None and most <= _LONG else _outside(translated)
    return _Scanned(number, expression, most, translated.beyond, outside)


def _outside(translated: Translated) -> bytes:
    return bytes(byte not in translated.within for byte in range(_BYTES))


def _windows(scanned: _Scanned, told: Sequence[int], shown: bytes) -> Sequence[Window]:
    """Windows that hold all matches that end where Hyperscan told, apart by more than what a pattern looks at."""
    beyond = scanned.beyond or 0
    windows: list[Window] = []
    for window in _starts(scanned, told, shown):
        merged = window
        while windows and merged[0] <= windows[-1][1] + beyond:
            before = windows.pop()
            merged = min(merged[0], before[0]), max(merged[1], before[1])
        windows.append(merged)
    return windows


def _starts(scanned: _Scanned, told: Sequence[int], shown: bytes) -> Iterator[Window]:
    """For each end that was told where its matches begin at the earliest. An end may be one character too late.

    Hyperscan could tell both, but can crash over that (5.4.12 does, over `a+b` in four thousand letters).
    """
    marked = shown.translate(scanned.outside) if scanned.outside is not None else b""
    most = scanned.most
    run, read = 0, 0
    for end in told:
        start = 0 if most is None else max(0, end - most - 1)
        if marked:
            stop = marked.rfind(1, read, end - 1)
            run, read = (stop + 1 if stop >= 0 else run), max(read, end - 1)
            start = max(start, run)
        yield start, end
