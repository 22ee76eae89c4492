"""Stand-ins for numbers: the same shape, and valid where a check digit says so.

Where ranges are set aside for films, manuals and tests, the numbers are of these: telephone numbers of the regulators
of North America (555-01xx), the United Kingdom, Germany, France and Australia; the card numbers that payment providers
publish for tests begin as ours do; IBANs have a bank code of zeros, social security numbers an area never given out.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Mapping

import phonenumbers

from gateway.redact.surrogate.draw import Draw

_ATTEMPTS = 24
_NANP = "1"
# Area codes that are in use: which one says nothing, since the number behind it is nobody's.
_AREAS = tuple("202 206 212 213 216 303 305 312 404 412 415 503 512 602 615 617 702 713 808 907".split())
_FICTITIOUS: Mapping[str, tuple[str, ...]] = {
    "44": ("2079460", "1134960", "1144960", "1154960", "1164960", "1174960", "1214960", "7700900", "1314960"),
    "49": ("3023125", "6990009", "4066969", "2214710", "8999998", "15228817", "17139200", "17600004069"),
    "33": ("19900", "26191", "35301", "46571", "53649", "63998"),
    "61": ("255501", "355501", "755501", "855501", "491570"),
}
_CARD_STARTS = {"4": "424242", "5": "555555", "3": "378282", "6": "601111", "2": "222300"}
_IBAN = re.compile(r"[A-Za-z]{2}\d{2}[A-Za-z0-9]{11,30}")
_LEAST_DIGITS = 3
_LEAST_CHARS = 5
_LEAST_CHECKED = 8


def shaped(shape: str, characters: str) -> str:
    """`characters` in the places of the letters and digits of `shape`."""
    left = iter(characters)
    return "".join(next(left) if c.isalnum() else c for c in shape)


def core(value: str) -> str:
    return "".join(c for c in value if c.isalnum())


def phones(value: str, draw: Draw) -> Iterator[tuple[str, str]]:
    """Telephone numbers of the same shape and country, and the digits of each without the country's code."""
    digits = core(value)
    if not digits.isascii() or not digits.isdigit() or len(digits) < 6:
        return
    country, national = _parsed(value, digits)
    trunk = "0" if national.startswith("0") else ""
    national = national[len(trunk) :]
    for attempt in range(_ATTEMPTS):
        made = _national(country, national, draw, attempt)
        yield shaped(value, digits[: len(digits) - len(national) - len(trunk)] + trunk + made), made


def _parsed(value: str, digits: str) -> tuple[str, str]:
    """The country's code, if it is told, and the digits of the number in its country."""
    if value.lstrip("(").startswith("+"):
        try:
            code = str(phonenumbers.parse(value.lstrip("(")).country_code)
        except phonenumbers.NumberParseException:
            code = digits[:2]
        return code, digits[len(code) :]
    if len(digits) == 10 and digits[0] in "23456789":
        return _NANP, digits
    if len(digits) == 11 and digits[0] == _NANP:
        return _NANP, digits[1:]
    return "", digits


def _national(country: str, national: str, draw: Draw, attempt: int) -> str:
    random = "".join(map(str, draw.below("phone", national, attempt, [10] * max(len(national), 1))))
    if country == _NANP and len(national) == 10:
        area, line = draw.below("area", national, attempt, [len(_AREAS), 100])
        return f"{_AREAS[area]}55501{line:02}"
    starts = [start for start in _FICTITIOUS.get(country, ()) if len(national) - len(start) in (2, 3, 4)]
    if starts:
        start = starts[draw.number("range", national, attempt) % len(starts)]
        return start + random[: len(national) - len(start)]
    return national[:1] + random[: len(national) - 1]


def cards(value: str, draw: Draw) -> Iterator[str]:
    """Card numbers of a test range of the same brand, with a valid check digit (ISO/IEC 7812, Luhn)."""
    digits = core(value)
    if not digits.isascii() or not digits.isdigit() or not 12 <= len(digits) <= 19:
        return
    start = _CARD_STARTS.get(digits[0], "424242")
    for attempt in range(_ATTEMPTS):
        free = draw.below("card", digits, attempt, [10] * (len(digits) - len(start) - 1))
        body = start + "".join(map(str, free))
        yield shaped(value, body + luhn(body))


def luhn(body: str) -> str:
    """The check digit that follows `body`."""
    total = sum(sum(divmod(int(d) * (2 if i % 2 == 0 else 1), 10)) for i, d in enumerate(reversed(body)))
    return str(-total % 10)


def ibans(value: str, draw: Draw) -> Iterator[str]:
    """IBANs of the same country with valid check digits (ISO 13616) and a bank code of zeros, which no bank has."""
    written = core(value)
    if not written.isascii() or not _IBAN.fullmatch(written):
        return
    country, account = written[:2].upper(), written[4:]
    for attempt in range(_ATTEMPTS):
        made = "0000" + _alike(account[4:], account, draw, "iban", attempt) if account[:4].isdigit() else None
        made = made or _alike(account, account, draw, "iban", attempt)
        yield shaped(value, written[:2] + iban_check(country, made.upper()) + made)


def iban_check(country: str, account: str) -> str:
    """The two check digits: 98 minus the number modulo 97, letters read as 10 to 35."""
    number = "".join(str(int(c, 36)) for c in f"{account}{country}00")
    return f"{98 - int(number) % 97:02}"


def social_security(value: str, draw: Draw) -> Iterator[str]:
    """US social security numbers with an area of 900 or more, which has never been given out."""
    digits = core(value)
    if not digits.isascii() or not digits.isdigit() or len(digits) != 9:
        return
    for attempt in range(_ATTEMPTS):
        area, group, serial = draw.below("ssn", digits, attempt, [100, 9, 9999])
        yield shaped(value, f"9{area:02}{group + 1:02}{serial + 1:04}")


def nhs(value: str, draw: Draw) -> Iterator[str]:
    """NHS numbers of the range for tests (999), with their check digit (modulo 11)."""
    digits = core(value)
    if not digits.isascii() or not digits.isdigit() or len(digits) != 10:
        return
    for attempt in range(_ATTEMPTS):
        body = "999" + "".join(map(str, draw.below("nhs", digits, attempt, [10] * 6)))
        check = 11 - sum(int(d) * (10 - i) for i, d in enumerate(body)) % 11
        if check != 10:
            yield shaped(value, body + str(check % 11))


def ids(value: str, draw: Draw) -> Iterator[str]:
    """Other numbers and codes: digits for digits and letters for letters, hexadecimal ones if it has no others.

    Digits that end in the check digit of Luhn (IMEI, many national numbers) do so again.
    """
    written = core(value)
    if not written.isascii() or len(written) < _LEAST_CHARS or sum(map(str.isdigit, written)) < _LEAST_DIGITS:
        return
    checked = len(written) >= _LEAST_CHECKED and written.isdigit() and luhn(written[:-1]) == written[-1]
    for attempt in range(_ATTEMPTS):
        made = _alike(written, written, draw, "id", attempt)
        yield shaped(value, made[:-1] + luhn(made[:-1]) if checked else made)


def _alike(text: str, value: str, draw: Draw, kind: str, attempt: int) -> str:
    letters = string.ascii_lowercase
    if len(value) >= 8 and set(text.lower()) <= set(string.hexdigits):
        letters = "abcdef"
    drawn = draw.below(kind, value, attempt, [10 if c.isdigit() else len(letters) for c in text])
    return "".join(_one(c, n, letters) for c, n in zip(text, drawn, strict=True))


def _one(character: str, drawn: int, letters: str) -> str:
    if character.isdigit():
        return str(drawn)
    return letters[drawn].upper() if character.isupper() else letters[drawn]


Maker = Callable[[str, Draw], Iterator[str]]
