"""Whether a value can be what its field announces. A field alone is no proof: cells are empty, keys are reused."""

from __future__ import annotations

import re
from types import MappingProxyType

from gateway.redact.precision.vocabulary import GENERIC
from gateway.redact.structure.found import LIKELY, SURE, Found
from gateway.redact.structure.name_shapes import FULL_NAME, full_match, is_everyday, name_in

_EMPTY = frozenset(
    """null none nil nan n/a na undefined unknown tbd todo test true false yes no - -- --- ? . … string str int integer
    text varchar number bool boolean object any optional required redacted hidden anonymous xxx **** *****""".split()
)
GENERIC_USERS = frozenset(
    """root ubuntu runner user username users admin administrator app node www-data www public shared vagrant ec2-user
    debian centos fedora pi git jenkins gitlab-runner docker circleci travis travisci default guest test tester nobody
    postgres mysql nginx apache mail daemon bin sys system service svc deploy deployer build builder ci dev developer
    you your yourname your_name your-name your-user youruser me myuser myname name user1 example foo bar jovyan airflow
    hadoop spark oracle sa sshd coder codespace vscode kali linuxbrew alluser all home desktop sudo su su: invalid
    and or the for is was has with that who to from not can may will should input id null none string agent group
    password passwd token on off true false
    inputs data space mode defined supplied provided interface interfaces experience agents account accounts command
    commands feedback request requests code land level profile profiles setting settings preference preferences
    permission permissions program programs process processes names ids interaction manual guide""".split()
)
_EMAIL = re.compile(r"[^\s@<>\"',;:()|&?/=]{1,64}@[^\s@<>\"',;:()|&?/=]+\.[^\W\d_]{2,24}(?![\w@])")
_PHONE = re.compile(r"(?:\+|00)?[(]?\d[\d ()./\u00a0\u2011–-]{4,22}\d(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?!\w)")
_DATE = re.compile(
    r"\d{4}[-./]\d{1,2}[-./]\d{1,2}(?:T00:00:00(?:\.0+)?Z?)?|\d{1,2}[-./ ]{1,2}\d{1,2}[-./ ]{1,2}(?:\d{4}|\d{2})|\d{8}"
    r"|\d{1,2}(?:st|nd|rd|th|\.)?(?: de)? [^\W\d_]{3,12}\.?,?(?: de)? \d{4}|[^\W\d_]{3,12}\.? \d{1,2}(?:st|nd|rd|"
    r"th)?,? \d{4}"
)
_SSN = re.compile(r"\d{3}[- ]?\d{2}[- ]?\d{4}(?!\w)|[*xX]{3}-[*xX]{2}-\d{4}(?!\w)")
_IDENTITY = re.compile(r"(?=(?:[^\d\n]{0,12}\d){4})[A-Z0-9][A-Z0-9./ -]{2,28}[A-Z0-9](?![\w@])", re.I)
_ONE_WORD_IDENTITY = re.compile(r"(?=(?:[^\d\n]{0,12}\d){4})[A-Z0-9][A-Z0-9./-]{2,28}[A-Z0-9](?![\w@])", re.I)
_IBAN = re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]){10,32}(?![\w])", re.I)
_CARD = re.compile(r"\d(?:[ -]?\d){11,18}(?!\w)")
_IPV4 = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])", re.I)
_SECRET = re.compile(r"[^\s\"'`,;&<>{}()\[\]|]{6,400}")
_USER = re.compile(r"[^\W_][\w.+-]{1,39}(?![\w@])")
_PLACE = re.compile(r"[^\W_][^\n;|<>{}\"\t=\[\]]{1,90}")
_SHAPES = MappingProxyType(
    {
        "EMAIL_ADDRESS": _EMAIL,
        "PHONE_NUMBER": _PHONE,
        "DATE_OF_BIRTH": _DATE,
        "US_SSN": _SSN,
        "ID_NUMBER": _IDENTITY,
        "IBAN_CODE": _IBAN,
        "CREDIT_CARD": _CARD,
        "IP_ADDRESS": _IPV4,
        "SECRET": _SECRET,
        "USERNAME": _USER,
        "LOCATION": _PLACE,
    }
)
_MIN_PHONE_DIGITS = 6
_NEXT_FIELD = re.compile(r",?\s+[\w.\-]{1,24}\s?[:=]|\.(?:\s|$)|\s+(?:and|und|et|y|e|en|i)\s+[\w.\-]{1,24}\s?:")
_DECORATION = " \t\"'`*_,."
_IS_CODE = re.compile(r"[({$<]|\w\.\w+\(|^(?:os|process|self|this|env|settings|config)\.")


def whole(text: str, start: int, end: int, kind: str) -> Found | None:
    """The value between `start` and `end`, as in a cell or between quotes, if all of it can be of that kind."""
    start, end = _trimmed(text, start, end)
    value = text[start:end]
    if end - start < 2 or value.casefold() in _EMPTY:
        return None
    if kind == "PERSON":
        at = name_in(value)
        return Found(start + at[0], start + at[1], "PERSON") if at else None
    shape = _SHAPES.get(kind)
    if shape is None or shape.fullmatch(value) is None or not _is_plausible(value, kind, quoted=True):
        return None
    return Found(start, end, kind, SURE if kind != "LOCATION" else LIKELY)


def leading(text: str, start: int, kind: str, limit: int) -> Found | None:
    """The value that begins at `start` and ends before `limit`, as after `phone:`, if it can be of that kind."""
    if kind == "PERSON":
        match = FULL_NAME.match(text, start, limit)
        if match is None or (" " not in match[0] and is_everyday(match[0])):
            return None
        at = name_in(match[0])
        return Found(start + at[0], start + at[1], "PERSON") if at else None
    shape = _ONE_WORD_IDENTITY if kind == "ID_NUMBER" else _SHAPES.get(kind)
    match = shape.match(text, start, limit) if shape else None
    if match is None:
        return None
    end = match.end()
    if kind == "LOCATION":
        stop = _NEXT_FIELD.search(text, start, end)
        end = stop.start() if stop else end
    start, end = _trimmed(text, start, end)
    value = text[start:end]
    if kind == "USERNAME" and (value.casefold() in GENERIC or text[end : end + 1] in tuple(" (.=")):
        # "User: hello there" is a transcript, not an account.
        return None
    if value.casefold() in _EMPTY or not _is_plausible(value, kind, quoted=False):
        return None
    return Found(start, end, kind, SURE if kind != "LOCATION" else LIKELY)


def full_name(text: str, start: int, end: int) -> Found | None:
    """The value, if it is written like the full name of a person, of words that are nothing else."""
    start, end = _trimmed(text, start, end)
    value = text[start:end]
    return Found(start, end, "PERSON", LIKELY) if full_match(value) and not is_everyday(value.split()[0]) else None


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in " \t\n\r\"'`":
        start += 1
    while end > start and text[end - 1] in " \t\n\r\"'`,.":
        end -= 1
    return start, end


def _is_plausible(value: str, kind: str, *, quoted: bool) -> bool:
    digits = sum(c.isdigit() for c in value)
    if kind == "PHONE_NUMBER":
        return digits >= _MIN_PHONE_DIGITS
    if kind == "USERNAME":
        return value.casefold() not in GENERIC_USERS and not value.isdigit() and (quoted or not _IS_CODE.search(value))
    if kind == "SECRET":
        return _is_secret(value, digits, quoted)
    if kind == "LOCATION":
        return _is_place(value, digits)
    return True


def _is_secret(value: str, digits: int, quoted: bool) -> bool:
    if (
        _IS_CODE.search(value)
        or len(set(value)) < 4
        or value.casefold().startswith(("your", "my", "example", "change"))
    ):
        return False
    return quoted or (digits > 0 and digits < len(value))


def _is_place(value: str, digits: int) -> bool:
    """A place begins with a capital or has a number; code and sentences are none."""
    if "://" in value or "@" in value or "_" in value or "(" in value:
        return False
    if digits == len(value):
        return 4 <= digits <= 6
    return value[0].isupper() or (digits > 0 and value[0].isdigit() and " " in value)
