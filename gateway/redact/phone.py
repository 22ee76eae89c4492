"""Phone numbers: Presidio's recognizer, with the work left out that cannot find anything.

Stock Presidio lets the matcher of `phonenumbers` read the whole text once for each of eight regions, in Python; that
is half of all its time. The findings here are the same (a test compares them):
it is read only where at least four digits stand close to each other, and for candidates of digits and separators alone
dialling.py says what the library's parser would, from the same tables.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import phonenumbers
import regex
from phonenumbers import PhoneNumberMatcher
from phonenumbers.phonenumbermatcher import (
    _LEAD_PATTERN,
    _MATCHING_BRACKETS,
    _PATTERN,
    _PUB_PAGES,
)
from phonenumbers.phonenumberutil import _SECOND_NUMBER_START_PATTERN
from presidio_analyzer import RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts
from presidio_analyzer.predefined_recognizers import PhoneRecognizer

from gateway.redact.dialling import Region, holds_abroad, metadata, region

Place = tuple[int, int]

_LENIENCY = 1
# By default the library gives up after 65,535 candidates that are no numbers: what comes then would be sent.
_MAX_TRIES = sys.maxsize
# Everything that can stand in or right beside a phone number: digits, their separators, and words of extensions.
_NEIGHBOURHOOD = 48
_DIGITS = regex.compile(r"\p{Nd}(?:[^\p{Nd}\n]{0,7}\p{Nd}){3,}")
# Outside of these a candidate may carry an extension, whose digits are not part of the number.
_PLAIN = re.compile(r"[\d\s().+\-/\[\]\u2010-\u2015\u2212\u30fc\uff0d-\uff0f\u3000\u200b\u2060\uff08\uff09\uff0b]*")
_PLUS = re.compile(r"[+\uff0b]")
_BEGINS_WITH_PLUS = re.compile(r"[(\[\uff08\uff3b]?[+\uff0b]+")
# How many digits a number can have in any region: others are none.
_FEWEST_DIGITS, _MOST_DIGITS = 4, 17 + 3 + 5
# The library refuses to parse longer ones.
_LONGEST = 250
# What mostly stands beside numbers, and is neither a Latin letter nor a sign of a currency.
_LETS_NUMBERS_BE = frozenset(" \n\t.,;:()[]{}<>\"'!?/|*_-+=#&~0123456789")
# E.164; with more digits there is more than one number.
_MOST_INTERNATIONAL = 15
# How many words a number has at most, and how one begins that is told from numbers of other things.
_MOST_WORDS, _OPENINGS = 6, "+0("
_NOT_SPACE = re.compile(r"\S+")
_NOT_DIGITS = re.compile(r"\D+")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text that the library would parse. `digits`: its digits, or None where they are not all it has.

    `abroad`: whether it begins with a plus, so that it does not matter where it is dialled.
    """

    text: str
    offset: int
    digits: str | None
    abroad: bool


def _dialling(code: str) -> tuple[object, ...]:
    home = metadata(code)
    prefixes = (home.international_prefix, home.national_prefix_for_parsing, home.national_prefix_transform_rule)
    return (home.country_code, *prefixes)


class _Window(PhoneNumberMatcher):
    """A piece of text, and what the library would try to parse in it, in its order: the same for every region."""

    def __init__(self, text: str, others: Sequence[Place]) -> None:
        """`others`: where numbers of other kinds are, with checksums that are right."""
        super().__init__(text, None, leniency=_LENIENCY, max_tries=_MAX_TRIES)
        self._others = others
        self._parts: dict[tuple[str, int], list[Part]] = {}
        self._tried: dict[tuple[str, int], Part] = {}
        self._stops_at_first = False
        self._candidates: dict[int, tuple[int, str] | None] = {}
        self.abroad: dict[Part, bool] = {}
        """What numbers with a plus have turned out to be: the same in all regions."""

    def candidate(self, index: int) -> tuple[int, str] | None:
        """Where the next candidate from `index` on begins, and its text."""
        if index not in self._candidates:
            self._candidates[index] = self._next(index)
        return self._candidates[index]

    def _next(self, index: int) -> tuple[int, str] | None:
        while (match := _PATTERN.search(self.text, index)) is not None:
            offset = match.start()
            candidate: str = self._trim_after_first_match(_SECOND_NUMBER_START_PATTERN, match[0])
            index = offset + len(candidate)
            if not (_is_too_long(candidate) and self._is_other(offset, index)):
                return offset, candidate
        return None

    def _is_other(self, start: int, end: int) -> bool:
        """Whether it lies in a number of another kind. Of one that is as long as a phone number, both may be true."""
        return any(first <= start and end <= last for first, last in self._others)

    def whole(self, candidate: str, offset: int) -> Part | None:
        """The candidate as one number, if it may be one. Most are told by that, without their pieces."""
        self._tried = {}
        self._stops_at_first = True
        super()._extract_match(candidate, offset)
        self._stops_at_first = False
        part = next(iter(self._tried.values()), None)
        return part if part is not None and self._may_be_number(part) else None

    def parts(self, candidate: str, offset: int) -> list[Part]:
        """The candidate and the pieces of it that may be numbers."""
        key = (candidate, offset)
        if key not in self._parts:
            self._tried = {}
            super()._extract_match(candidate, offset)
            self._parts[key] = [part for part in self._tried.values() if self._may_be_number(part)]
        return self._parts[key]

    def _parse_and_verify(self, candidate: str, offset: int) -> Any:
        """Called by the library for each piece: noted, and never a number, so that it goes on to the next, or one, so
        that it stops."""
        self._tried.setdefault((candidate, offset), _part(candidate, offset))
        return self._stops_at_first or None

    def _may_be_number(self, part: Part) -> bool:
        """What the library asks of a piece before it parses it, with the same result in all regions."""
        if part.digits is not None and not _FEWEST_DIGITS <= len(part.digits) <= _MOST_DIGITS:
            return False
        if not _MATCHING_BRACKETS.fullmatch(part.text) or _PUB_PAGES.search(part.text):
            return False
        end = part.offset + len(part.text)
        before = "" if _LEAD_PATTERN.match(part.text) else self.text[max(0, part.offset - 1) : part.offset]
        return not any(self._touches(character) for character in before + self.text[end : end + 1])

    def _touches(self, character: str) -> bool:
        if character in _LETS_NUMBERS_BE:
            return False
        return bool(self._is_invalid_punctuation_symbol(character) or self._is_latin_letter(character))


def _part(text: str, offset: int) -> Part:
    abroad = _BEGINS_WITH_PLUS.match(text)
    rest = text[abroad.end() :] if abroad else text
    if not _PLAIN.fullmatch(rest) or _PLUS.search(rest) or len(text) > _LONGEST:
        return Part(text, offset, None, bool(_PLUS.match(text)))
    digits = _NOT_DIGITS.sub("", rest)
    normal = digits if digits.isascii() else phonenumbers.normalize_digits_only(digits)
    return Part(text, offset, normal, bool(abroad))


class _Reading:
    """Reads a window as dialled from one region."""

    def __init__(self, window: _Window, at: Region, check: Callable[[], object]) -> None:
        """`check` raises when the time is over."""
        self._window = window
        self.at = at
        self._known: dict[int, int] = {}
        self._check = check

    def places(self, index: int, found: dict[int, int]) -> Iterator[Place]:
        """What the library's matcher would find from `index` on. `found`: ends by starts, in other regions."""
        self._known = found
        while (found_next := self._window.candidate(index)) is not None:
            self._check()
            offset, candidate = found_next
            place = self._place(candidate, offset)
            index = offset + len(candidate)
            if place is not None:
                yield place
                index = place[1]

    def _place(self, candidate: str, offset: int) -> Place | None:
        # Whatever else is found in a candidate that is a number as a whole lies inside of that number.
        if self._known.get(offset, -1) >= offset + len(candidate):
            return None
        for part in self._window.parts(candidate, offset):
            if self.is_number(part):
                return part.offset, part.offset + len(part.text)
        return None

    def is_number(self, part: Part) -> bool:
        if not part.abroad:
            verdict = self.at.holds(part.digits) if part.digits is not None else None
            return self._parsed(part) if verdict is None else verdict
        known = self._window.abroad
        if part not in known:
            verdict = holds_abroad(part.digits) if part.digits is not None else None
            known[part] = self._parsed(part) if verdict is None else verdict
        return known[part]

    def _parsed(self, part: Part) -> bool:
        """Asks the library."""
        matcher = PhoneNumberMatcher(self._window.text, self.at.code, leniency=_LENIENCY, max_tries=_MAX_TRIES)
        return matcher._parse_and_verify(part.text, part.offset) is not None


class _Together:
    """Reads a window in all regions at once, as long as each would go on from the same place: where no candidate is a
    number or has one in it, and where one is a number as a whole."""

    def __init__(self, window: _Window, readings: Sequence[_Reading], check: Callable[[], object]) -> None:
        self._window = window
        self._readings = readings
        self._check = check
        self.places: list[Place] = []

    def read(self) -> int | None:
        """From where the regions have to be read one by one; None if everything is read."""
        index = 0
        while (found := self._window.candidate(index)) is not None:
            self._check()
            offset, candidate = found
            index = offset + len(candidate)
            if not self._agrees(candidate, offset):
                return offset
        return None

    def _agrees(self, candidate: str, offset: int) -> bool:
        if candidate.isdecimal() and len(candidate) < _FEWEST_DIGITS:
            return True
        whole = self._window.whole(candidate, offset)
        first = next((n for n, reading in enumerate(self._readings) if whole and reading.is_number(whole)), None)
        # The regions before the first in which it is a number look for one in its pieces; all others know of it.
        others = self._readings[:first]
        # What has no separator has no pieces.
        if others and not candidate.isdecimal():
            pieces = [part for part in self._window.parts(candidate, offset) if part != whole]
            if any(reading.is_number(part) for part in pieces for reading in others):
                return False
        if first is not None:
            self.places.append((offset, offset + len(candidate)))
        return True


class _SideBySide:
    """Numbers within candidates that have more digits than any number."""

    def __init__(self, window: _Window, readings: Sequence[_Reading], check: Callable[[], object]) -> None:
        self._window = window
        self._readings = readings
        self._check = check

    def places(self) -> Iterator[Place]:
        index = 0
        while (found := self._window.candidate(index)) is not None:
            offset, candidate = found
            index = offset + len(candidate)
            if _is_too_long(candidate):
                yield from self._within(candidate, offset)

    def _within(self, candidate: str, offset: int) -> Iterator[Place]:
        words = [match.span() for match in _NOT_SPACE.finditer(candidate)]
        opening = [candidate[start] in _OPENINGS for start, _ in words]
        at = 0
        while at < len(words):
            self._check()
            start, after = words[at][0], at + 1
            for last in _ends(opening, at) if opening[at] else ():
                if self._is_number(candidate[start : words[last][1]], offset + start):
                    yield offset + start, offset + words[last][1]
                    after = last + 1
                    break
            at = after

    def _is_number(self, text: str, offset: int) -> bool:
        part = _part(text, offset)
        if part.digits is None or len(part.digits) > _MOST_INTERNATIONAL:
            return False
        if part.abroad:
            return self._readings[0].is_number(part)
        # Only what is certain: to ask the library for every end in every region would take too long.
        return any(reading.at.holds(part.digits) for reading in self._readings)


def _is_too_long(candidate: str) -> bool:
    """Whether it has more digits than any one number."""
    return len(candidate) > _MOST_INTERNATIONAL < len(_NOT_DIGITS.sub("", candidate))


def _ends(opening: Sequence[bool], at: int) -> list[int]:
    """The last words that a number from word `at` on may have: those before the next that opens one first, then the
    longest."""
    ends = range(at, min(len(opening), at + _MOST_WORDS))
    return sorted(ends, key=lambda last: (not (last + 1 == len(opening) or opening[last + 1]), -last))


class WindowedPhoneRecognizer(PhoneRecognizer):
    """Finds what Presidio's PhoneRecognizer finds, in a fraction of its time."""

    def __init__(self, supported_language: str, *, side_by_side: bool = False) -> None:
        """`side_by_side`: also tell numbers apart with nothing but a space between them, which the library takes for
        one that is too long."""
        super().__init__(supported_language=supported_language, name="PhoneRecognizer")
        self._side_by_side = side_by_side
        # Where numbers are dialled alike (as in the US and Canada), they are the same numbers.
        self._regions = list({_dialling(code): region(code) for code in reversed(self.supported_regions)}.values())

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        return [self._result(start, end) for start, end in self.places(text, _no_limit)]

    def places(self, text: str, check: Callable[[], object], others: Sequence[Place] = ()) -> list[Place]:
        """Where numbers are; `check` is called again and again, and raises when the time is over.

        `others`: numbers of other kinds that are known by their checksums, such as those of cards. A candidate within
        one that has more digits than a phone number is not searched for one.
        """
        results: list[Place] = []
        for start, end in _windows(text):
            window = _Window(text[start:end], [(a - start, b - start) for a, b in others])
            readings = [_Reading(window, at, check) for at in self._regions]
            together = _Together(window, readings, check)
            apart_from = together.read()
            places = set(together.places)
            if apart_from is not None:
                for reading in readings:
                    places |= set(reading.places(apart_from, dict(sorted(places))))
            if self._side_by_side:
                places |= set(_SideBySide(window, readings, check).places())
            results += [(start + a, start + b) for a, b in _outermost(places)]
        return results

    def _result(self, start: int, end: int) -> RecognizerResult:
        return RecognizerResult(entity_type=self.supported_entities[0], start=start, end=end, score=self.SCORE)


def _no_limit() -> None:
    """There is all the time in the world."""


def _outermost(places: Iterable[Place]) -> Iterator[Place]:
    """The places that lie in no other."""
    reached = -1
    for start, end in sorted(places, key=lambda place: (place[0], -place[1])):
        if end > reached:
            reached = end
            yield start, end


def _windows(text: str) -> list[tuple[int, int]]:
    windows: list[tuple[int, int]] = []
    for match in _DIGITS.finditer(text):
        start, end = max(0, match.start() - _NEIGHBOURHOOD), match.end() + _NEIGHBOURHOOD
        if windows and start <= windows[-1][1]:
            windows[-1] = (windows[-1][0], end)
        else:
            windows.append((start, end))
    return windows
