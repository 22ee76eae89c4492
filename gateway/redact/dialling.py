"""Whether digits are a phone number, as the parser of `phonenumbers` would say, from its tables but without parsing.

The library parses a number again and again for each region, in Python: that is most of the time that it takes. What is
decided here are the plain cases, in the steps of its `parse`, `is_valid_number` and of its matcher's leniency VALID. In
all others the answer is None, and the library is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata
from phonenumbers.phonenumberutil import (
    _formatting_rule_has_first_group_only,
    _maybe_strip_national_prefix_carrier_code,
)

_KINDS = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
    "fixed_line",
    "mobile",
)
_NON_GEOGRAPHIC = "001"
_NEVER = re.compile(r"(?!)")
_LONGEST_NATIONAL = 17
_SHORTEST_NATIONAL = 2


@dataclass(frozen=True, slots=True)
class _Format:
    """How numbers of some shape are written, and whether one must begin with the national prefix."""

    begins: re.Pattern[str]
    whole: re.Pattern[str]
    wants_prefix: bool


@dataclass(frozen=True, slots=True)
class _Numbers:
    """The valid numbers of one region. `leading`: the digits by which it is told from others of its country code."""

    leading: re.Pattern[str] | None
    valid: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Region:
    """Where a number is dialled from."""

    code: str
    country: str
    home: Any
    abroad: re.Pattern[str]
    prefix: re.Pattern[str]
    general: re.Pattern[str]
    is_main: bool
    lengths: frozenset[int]
    local_lengths: frozenset[int]
    formats: Sequence[_Format]
    numbers: Sequence[_Numbers]
    any_valid: re.Pattern[str]
    shortest: int
    """How many digits the shortest valid number has."""

    def holds(self, digits: str) -> bool | None:
        """Whether digits are a valid number when dialled here; None: ask the library."""
        abroad = self.abroad.match(digits)
        if abroad and not digits.startswith("0", abroad.end()):
            return holds_abroad(digits[abroad.end() :])
        if len(digits) < self.shortest:
            return False
        if digits.startswith(self.country):
            rest = self._stripped(digits[len(self.country) :])
            if self._has_country(digits, rest):
                main = self if self.is_main else region(COUNTRY_CODE_TO_REGION_CODE[int(self.country)][0])
                return main.is_valid(main.national(rest))
        national = self.national(digits)
        if not self.is_valid(national):
            return False
        return not self._wants_prefix(national) or self._has_prefix(digits)

    def national(self, digits: str) -> str:
        """The digits without what is dialled before them within the country."""
        stripped = self._stripped(digits)
        # What the library calls possible or too long; in all other cases it leaves the digits as they are.
        size = len(stripped)
        is_possible = size in self.lengths or size > max(self.lengths)
        return stripped if is_possible and size not in self.local_lengths else digits

    def _stripped(self, digits: str) -> str:
        if self.prefix.match(digits) is None:
            return digits
        return str(_maybe_strip_national_prefix_carrier_code(digits, self.home)[1])

    def _has_country(self, digits: str, rest: str) -> bool:
        """Whether digits that begin with the country code, and go on with `rest`, are taken to have it."""
        if self.general.fullmatch(digits) is None and self.general.fullmatch(rest):
            return True
        return len(digits) > max(self.lengths) and len(digits) not in self.local_lengths

    def is_valid(self, national: str) -> bool:
        """Whether the number is one of those of its country code, whatever the region."""
        if len(national) > _LONGEST_NATIONAL or self.any_valid.fullmatch(national) is None:
            return False
        if len(self.numbers) == 1:
            return True
        for numbers in self.numbers:
            if numbers.leading is not None:
                if numbers.leading.match(national):
                    return numbers.valid.fullmatch(national) is not None
            elif numbers.valid.fullmatch(national):
                return True
        return False

    def _wants_prefix(self, national: str) -> bool:
        for written in self.formats:
            if written.begins.match(national) and written.whole.fullmatch(national):
                return written.wants_prefix
        return False

    def _has_prefix(self, digits: str) -> bool:
        return bool(self.prefix.match(digits) and _maybe_strip_national_prefix_carrier_code(digits, self.home)[2])


def metadata(code: str) -> Any:
    """Raises ValueError for a region that the library does not know."""
    found = PhoneMetadata.metadata_for_region(code)
    if found is None:
        raise ValueError(f"phonenumbers knows no region {code}")
    return found


@lru_cache(maxsize=300)
def region(code: str) -> Region:
    """A region of the library's, by its ISO code."""
    home = metadata(code)
    shared = COUNTRY_CODE_TO_REGION_CODE[home.country_code]
    numbers = [_numbers(metadata(name)) for name in shared]
    # Numbers are written as in the main region of the country code.
    formats = tuple(_format(written) for written in metadata(shared[0]).number_format)
    return Region(
        code=code,
        country=str(home.country_code),
        home=home,
        abroad=re.compile(home.international_prefix or r"(?!)"),
        prefix=re.compile(home.national_prefix_for_parsing or r"(?!)"),
        general=re.compile(home.general_desc.national_number_pattern or r"(?!)"),
        is_main=shared[0] == code,
        lengths=frozenset(home.general_desc.possible_length),
        local_lengths=frozenset(home.general_desc.possible_length_local_only),
        formats=formats,
        numbers=tuple(numbers),
        any_valid=re.compile("|".join(f"(?:{one.valid.pattern})" for one in numbers)),
        shortest=min(length for name in shared for length in _lengths(metadata(name))),
    )


def holds_abroad(digits: str) -> bool | None:
    """Whether digits after a plus are a valid number; None: ask the library."""
    if len(digits) <= _SHORTEST_NATIONAL:
        return False
    if digits.startswith("0"):
        return None
    for size in (1, 2, 3):
        codes = COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:size] or 0))
        if codes is not None:
            if codes[0] == _NON_GEOGRAPHIC:
                return None
            if len(digits) < size + _SHORTEST_NATIONAL:
                return False
            main = region(codes[0])
            return main.is_valid(main.national(digits[size:]))
    return None


def _format(written: Any) -> _Format:
    rule = written.national_prefix_formatting_rule
    leading = written.leading_digits_pattern
    wants = bool(rule) and not written.national_prefix_optional_when_formatting
    return _Format(
        re.compile(leading[-1] if leading else ""),
        re.compile(written.pattern),
        wants and not _formatting_rule_has_first_group_only(rule),
    )


def _numbers(place: Any) -> _Numbers:
    kinds = [fitting for kind in _KINDS if (fitting := _fitting(getattr(place, kind))) is not None]
    general = _fitting(place.general_desc)
    if general is None or not kinds:
        return _Numbers(None, _NEVER)
    leading = re.compile(place.leading_digits) if place.leading_digits is not None else None
    return _Numbers(leading, re.compile(rf"(?={general}\Z)(?:{'|'.join(kinds)})"))


def _lengths(place: Any) -> list[int]:
    kinds = [described for kind in _KINDS if (described := getattr(place, kind)) is not None]
    return [length for kind in kinds for length in (kind.possible_length or (0,)) if length >= 0]


def _fitting(kind: Any) -> str | None:
    """A pattern of the numbers of a kind, with their lengths; None if there are none."""
    if kind is None or not kind.national_number_pattern:
        return None
    lengths = "|".join(rf"\d{{{length}}}" for length in kind.possible_length)
    fitting = rf"(?=(?:{lengths})\Z)" if lengths else ""
    return f"{fitting}(?:{kind.national_number_pattern})"
