"""Phone numbers: Presidio's recognizer, with the work left out that cannot find anything.

Stock Presidio lets the matcher of `phonenumbers` read the whole text once for each of eight regions, in Python; that
is half of all its time. The findings here are the same (a test compares them):
the matcher runs only where at least five digits stand close to each other, and of each candidate only
what may be valid in a region is parsed for it. "May be valid" asks whether any end of the digits fits a pattern of the
region's numbers, since parsing takes away prefixes from the front and nothing else.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
import regex
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberMatcher
from presidio_analyzer import RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts
from presidio_analyzer.predefined_recognizers import PhoneRecognizer

Match = phonenumbers.PhoneNumberMatch
Place = tuple[int, int]

_LENIENCY = 1
# By default the library gives up after 65,535 candidates that are no numbers: what comes then would be sent.
_MAX_TRIES = sys.maxsize
# Everything that can stand in or right beside a phone number: digits, their separators, and words of extensions.
_NEIGHBOURHOOD = 48
_DIGITS = regex.compile(r"\p{Nd}(?:[^\p{Nd}\n]{0,7}\p{Nd}){4,}")
# Outside of these a candidate may carry an extension, whose digits are not part of the number.
_PLAIN = re.compile(r"[\d\s().+\-/\[\]\u2010-\u2015\u2212\u30fc\uff0d-\uff0f\u3000\u200b\u2060\uff08\uff09\uff0b]*")
_PLUS = re.compile(r"[+\uff0b]")
_NOT_DIGITS = re.compile(r"\D+")
_NUMBER_KINDS = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "pager",
    "uan",
    "voicemail",
)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text that the library would parse. `digits`: its digits, or None where they are not all it has."""

    text: str
    offset: int
    digits: str | None


@dataclass(frozen=True, slots=True)
class Region:
    """What decides whether digits may be a number, dialled from this region."""

    code: str
    ends_as_number: re.Pattern[str]
    begins_abroad: re.Pattern[str]

    def may_hold(self, part: Part) -> bool:
        """Whether parsing the part for this region could give a number."""
        digits = part.digits
        return digits is None or bool(self.ends_as_number.search(digits) or self.begins_abroad.match(digits))


def _dialling(code: str) -> tuple[object, ...]:
    home = PhoneMetadata.metadata_for_region(code)
    if home is None:
        raise ValueError(f"phonenumbers knows no region {code}")
    prefixes = (home.international_prefix, home.national_prefix_for_parsing, home.national_prefix_transform_rule)
    return (home.country_code, *prefixes)


@lru_cache(maxsize=300)
def region(code: str) -> Region:
    """From the metadata of all regions that share the country calling code: they are valid for each other."""
    home = PhoneMetadata.metadata_for_region(code)
    if home is None:
        raise ValueError(f"phonenumbers knows no region {code}")
    patterns: set[str] = set()
    for name in COUNTRY_CODE_TO_REGION_CODE[home.country_code or 0]:
        metadata = PhoneMetadata.metadata_for_region(name)
        for kind in _NUMBER_KINDS:
            pattern = getattr(getattr(metadata, kind), "national_number_pattern", None)
            if pattern:
                patterns.add(pattern)
    ends = re.compile(f"(?:{'|'.join(sorted(patterns))})$")
    return Region(code, ends, re.compile(home.international_prefix or r"(?!)"))


class _Window(PhoneNumberMatcher):
    """A piece of text, and what the library would try to parse in it, in its order: the same for every region."""

    def __init__(self, text: str) -> None:
        super().__init__(text, None, leniency=_LENIENCY, max_tries=_MAX_TRIES)
        self._parts: dict[tuple[str, int], list[Part]] = {}
        self._tried: dict[tuple[str, int], Part] = {}
        self.abroad: dict[Part, Match | None] = {}
        """What numbers with a plus have turned out to be: the same in all regions."""

    def parts(self, candidate: str, offset: int) -> list[Part]:
        """The candidate and the pieces of it that may be numbers."""
        key = (candidate, offset)
        if key not in self._parts:
            self._tried = {}
            super()._extract_match(candidate, offset)
            self._parts[key] = list(self._tried.values())
        return self._parts[key]

    def _parse_and_verify(self, candidate: str, offset: int) -> None:
        """Called by the library for each piece: noted, and never a number, so that it goes on to the next."""
        self._tried.setdefault((candidate, offset), _part(candidate, offset))


def _part(text: str, offset: int) -> Part:
    if _PLUS.search(text) or not _PLAIN.fullmatch(text):
        return Part(text, offset, None)
    digits = _NOT_DIGITS.sub("", text)
    return Part(text, offset, digits if digits.isascii() else phonenumbers.normalize_digits_only(digits))


class _Matcher(PhoneNumberMatcher):
    """The library's matcher for one region, which skips what cannot be a number there or has been found already."""

    def __init__(self, window: _Window, at: Region, found: dict[int, int], check: Callable[[], object]) -> None:
        """`found`: ends by starts, in other regions. `check` raises when the time is over."""
        super().__init__(window.text, at.code, leniency=_LENIENCY, max_tries=_MAX_TRIES)
        self._window = window
        self._at = at
        self._known = found
        self._check = check

    def _extract_match(self, candidate: str, offset: int) -> Match | None:
        self._check()
        # Whatever else is found in a candidate that is a number as a whole lies inside of that number.
        if self._known.get(offset, -1) >= offset + len(candidate):
            return None
        for part in self._window.parts(candidate, offset):
            if self._at.may_hold(part) and (match := self._parsed(part)) is not None:
                return match
        return None

    def _parsed(self, part: Part) -> Match | None:
        if not _PLUS.match(part.text):
            return self._parse_and_verify(part.text, part.offset)
        if part not in self._window.abroad:
            self._window.abroad[part] = self._parse_and_verify(part.text, part.offset)
        return self._window.abroad[part]


class WindowedPhoneRecognizer(PhoneRecognizer):
    """Finds what Presidio's PhoneRecognizer finds, in a fraction of its time."""

    def __init__(self, supported_language: str) -> None:
        super().__init__(supported_language=supported_language, name="PhoneRecognizer")
        # Where numbers are dialled alike (as in the US and Canada), they are the same numbers.
        self._regions = list({_dialling(code): region(code) for code in reversed(self.supported_regions)}.values())

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        return self.analyze_within(text, _no_limit)

    def analyze_within(self, text: str, check: Callable[[], object]) -> list[RecognizerResult]:
        """The same; `check` is called again and again, and raises when the time is over."""
        results: list[RecognizerResult] = []
        for start, end in _windows(text):
            window = _Window(text[start:end])
            places: set[Place] = set()
            for at in self._regions:
                found = dict(sorted(places))
                places |= {(match.start, match.end) for match in _Matcher(window, at, found, check)}
            results += [self._result(start + a, start + b) for a, b in _outermost(places)]
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
