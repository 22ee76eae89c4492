"""Stand-ins for dates: moved by the same number of weeks throughout an exchange, and written as they were.

Whole weeks, so that days of the week and spans of time stay right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

MONTHS: Mapping[str, tuple[str, ...]] = {
    "en": tuple("January February March April May June July August September October November December".split()),
    "en short": tuple("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()),
    "de": tuple("Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split()),
    "fr": tuple("janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()),
    "es": tuple("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split()),
    "it": tuple(
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre".split()
    ),
    "pt": tuple("janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro".split()),
    "nl": tuple("januari februari maart april mei juni juli augustus september oktober november december".split()),
    "pl": tuple(
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia".split()
    ),
}
_NUMERIC = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{2,4})")
_DAY_FIRST = re.compile(r"(\d{1,2})(st|nd|rd|th|\.|º)?((?: of| de)? )([^\W\d_]+)(\.?,? (?:de )?)(\d{4})", re.IGNORECASE)
_MONTH_FIRST = re.compile(r"([^\W\d_]+)(\.? )(\d{1,2})(st|nd|rd|th)?(,? )(\d{4})", re.IGNORECASE)
_PIVOT = 69
_WEEK = 7


def moved(text: str, weeks: int) -> tuple[str, list[tuple[str, str]]] | None:
    """The date of `text` moved, written in the same way, and pairs of other ways to write both.

    None if the text is not one whole date.
    """
    for read in (_numeric, _day_first, _month_first):
        for given, write in read(text):
            try:
                other = given + timedelta(days=_WEEK * weeks)
            except OverflowError:
                return None
            if write(given) == text:
                ways = list(zip(_ways(other), _ways(given), strict=True))
                return write(other), ways
    return None


def _ways(day: date) -> Iterator[str]:
    """Forms in which a model likes to write a date, all of them without doubt about what is the month."""
    yield day.isoformat()
    for names in ("en", "en short", "de"):
        month = MONTHS[names][day.month - 1]
        if names != "de":
            yield f"{month} {day.day}, {day.year}"
        yield f"{day.day}{'.' if names == 'de' else ''} {month} {day.year}"


class _Numeric:
    """How a date of numbers is written."""

    def __init__(self, order: str, parts: tuple[str, ...], between: str) -> None:
        self._order = order
        self._between = between
        lengths = {what: len(part) for what, part in zip(order, parts, strict=True)}
        self._short = lengths["y"] == 2
        # Two digits each may be so by chance; a single one shows that they are not filled up.
        self._width = 2 if lengths["d"] == lengths["m"] == 2 else 1

    def __call__(self, day: date) -> str:
        year = f"{day.year % 100:02}" if self._short else f"{day.year:04}"
        written = {"y": year, "m": f"{day.month:0{self._width}}", "d": f"{day.day:0{self._width}}"}
        return self._between.join(written[what] for what in self._order)


def _numeric(text: str) -> Iterator[tuple[date, _Numeric]]:
    match = _NUMERIC.fullmatch(text)
    if match is None:
        return
    parts = (match[1], match[3], match[4])
    orders = ("ymd",) if len(match[1]) == 4 else ("dmy", "mdy") if match[2] == "." else ("mdy", "dmy")
    for order in orders:
        year_text = parts[order.index("y")]
        if len(year_text) not in (2, 4):
            continue
        numbers = dict(zip(order, map(int, parts), strict=True))
        if len(year_text) == 2:
            numbers["y"] += 1900 if numbers["y"] >= _PIVOT else 2000
        if (day := _date(numbers["y"], numbers["m"], numbers["d"])) is not None:
            yield day, _Numeric(order, parts, match[2])


def _day_first(text: str) -> Iterator[tuple[date, _Worded]]:
    match = _DAY_FIRST.fullmatch(text)
    if match is not None:
        suffix = match[2] or ""
        for names, month in _months(match[4], german=suffix == "."):
            if (day := _date(int(match[6]), month, int(match[1]))) is not None:
                yield day, _Worded(names, match[4], suffix, ("", match[3], match[5]), day_first=True, zero=match[1])


def _month_first(text: str) -> Iterator[tuple[date, _Worded]]:
    match = _MONTH_FIRST.fullmatch(text)
    if match is not None:
        for names, month in _months(match[1]):
            if (day := _date(int(match[6]), month, int(match[3]))) is not None:
                joints = ("", match[2], match[5])
                yield day, _Worded(names, match[1], match[4] or "", joints, day_first=False, zero=match[3])


class _Worded:
    """How a date with the name of its month is written."""

    def __init__(
        self, names: str, written: str, suffix: str, joints: tuple[str, str, str], *, day_first: bool, zero: str
    ) -> None:
        self._names = names
        self._case = str.upper if written.isupper() else str.lower if written.islower() else str.capitalize
        self._suffix = suffix
        self._joints = joints
        self._day_first = day_first
        self._width = 2 if zero.startswith("0") else 0

    def __call__(self, day: date) -> str:
        month = self._case(MONTHS[self._names][day.month - 1])
        number = (f"{day.day:02}" if self._width else str(day.day)) + self._ordinal(day.day)
        first, second = (number, month) if self._day_first else (month, number)
        return f"{first}{self._joints[1]}{second}{self._joints[2]}{day.year:04}"

    def _ordinal(self, day: int) -> str:
        if self._suffix.lower() not in ("st", "nd", "rd", "th"):
            return self._suffix
        ending = "th" if 10 <= day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
        return ending.upper() if self._suffix.isupper() else ending


def _months(word: str, *, german: bool = False) -> Iterator[tuple[str, int]]:
    """Lists in which a word is the name of a month, and of which; first those that write it so."""
    found = [
        (names, number, month)
        for names, months in MONTHS.items()
        for number, month in enumerate(months, 1)
        if month.lower() == word.lower()
    ]
    for names, number, _ in sorted(found, key=lambda one: (german and one[0] != "de", one[2] != word)):
        yield names, number


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
