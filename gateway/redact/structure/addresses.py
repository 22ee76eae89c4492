"""Names beside addresses: headers of mails, commits and calendars, and cards with fields of their own (RFC 6350)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.redact.structure.found import LIKELY, Found
from gateway.redact.structure.name_shapes import FULL_NAME, is_personal, name_in
from gateway.redact.structure.shapes import GENERIC_USERS, whole

_ANGLED = re.compile(r"<(?:mailto:)?[^<>\s@]{1,64}@[^<>\s]{1,128}>")
_LOOK_CHARS = 64
# The display name, read backwards from the angle bracket.
_DISPLAY = re.compile(r"[ \t]{0,4}(?:\"([^\"\n<>]{2,60})\"|([^\n\"<>:;,()\[\]|=]{2,60}))")
_CARD_LINE = re.compile(r"^(?:item\d\.)?(FN|N|TEL|EMAIL|ADR|BDAY|NICKNAME)(?:;[^:\n]{0,100})?:([^\r\n]{2,200})", re.M)
_CARD_KINDS = {"FN": "PERSON", "TEL": "PHONE_NUMBER", "EMAIL": "EMAIL_ADDRESS", "BDAY": "DATE_OF_BIRTH"}
_COMPONENT = re.compile(r"[^;,\\]+")
_CALENDAR = re.compile(r"^(?:ATTENDEE|ORGANIZER)[^\n]{0,200}?;CN=\"?([^\";:\n]{2,60})", re.M)
_DIRECTORY = re.compile(r"\b(uid|cn|CN|UID)=([^,\n\"'&;<>]{2,60}),\s?(?:ou|dc|o|cn|OU|DC|O|CN)=")
_AUTHORIZATION = re.compile(
    r"\b(?:Proxy-)?Authorization[\"']?\s?[:=]\s?[\"']?(?:Bearer|Basic|Token|Digest)\s+([^\s\"',]{8,})", re.I
)
_COOKIE = re.compile(r"\b(?:Set-)?Cookie:\s?([^\r\n\"']{1,2000})", re.I)
_SESSION = re.compile(r"[\w.-]{0,24}(?:sess|sid|token|auth|jwt|csrf|login)[\w.-]{0,24}=([^;\s]{12,})", re.I)


def find_addresses(text: str) -> Iterator[Found]:
    if "@" in text and "<" in text:
        for match in _ANGLED.finditer(text):
            yield from _display(text, match.start())
    if ":" not in text and "=" not in text:
        return
    if "BEGIN:VCARD" in text:
        yield from _card(text)
    if "CN=" in text or "cn=" in text or "uid=" in text:
        yield from _entries(text)
    yield from _secrets(text)


def _display(text: str, end: int) -> Iterator[Found]:
    backwards = text[max(0, end - _LOOK_CHARS) : end][::-1]
    match = _DISPLAY.match(backwards)
    if match is None:
        return
    group = 1 if match[1] is not None else 2
    start, end = end - match.end(group), end - match.start(group)
    name = text[start:end].strip(" '\t*-")
    start = text.index(name, start) if name else start
    at = name_in(name)
    if at is None or not is_personal(name) or name.casefold() in GENERIC_USERS or not name[at[0]].isupper():
        return
    shaped = FULL_NAME.search(name, at[0]) if "," not in name else None
    if shaped is not None and group == 2:
        # Prose before the address is none of the name: "Ask Anna Berg <anna@…>" keeps its verb only by a capital.
        yield Found(start + shaped.start(), start + at[1], "PERSON")
    else:
        yield Found(start + at[0], start + at[1], "PERSON")


def _card(text: str) -> Iterator[Found]:
    for line in _CARD_LINE.finditer(text):
        key, (start, end) = line[1], line.span(2)
        if key in _CARD_KINDS:
            value = whole(text, start, end, _CARD_KINDS[key])
            if value is not None:
                yield value
        elif key == "N":
            for part in _COMPONENT.finditer(text, start, end):
                value = whole(text, *part.span(), "PERSON")
                if value is not None:
                    yield value
        elif key == "ADR" and line[2].strip(";"):
            lead = len(line[2]) - len(line[2].lstrip(";"))
            yield Found(start + lead, start + len(line[2].rstrip(";")), "LOCATION", LIKELY)


def _entries(text: str) -> Iterator[Found]:
    for match in _CALENDAR.finditer(text):
        value = whole(text, *match.span(1), "PERSON")
        if value is not None:
            yield value
    for match in _DIRECTORY.finditer(text):
        value = whole(text, *match.span(2), "PERSON" if match[1].lower() == "cn" else "USERNAME")
        if value is not None:
            yield value


def _secrets(text: str) -> Iterator[Found]:
    if "uthorization" in text or "AUTHORIZATION" in text:
        yield from (Found(*match.span(1), "SECRET") for match in _AUTHORIZATION.finditer(text))
    if "ookie:" in text:
        for line in _COOKIE.finditer(text):
            yield from (Found(*match.span(1), "SECRET") for match in _SESSION.finditer(text, *line.span(1)))
