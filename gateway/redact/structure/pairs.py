"""Fields and their values: JSON, YAML, TOML, .env, literals of languages, query strings, markup, `Name: value` lines.

All of them write a field's name, a sign, and the value. A field called just `name` is a person's if the fields around
it are a person's, or if the value is written like a full name and nothing around it speaks of things.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import unquote_plus

from gateway.redact.pieces import matches
from gateway.redact.structure.fields import NAME_MAYBE, PEOPLE, ROLE, kind_of, words_of
from gateway.redact.structure.found import Found
from gateway.redact.structure.shapes import full_name, leading, whole

_SIGN = re.compile(r"[:=：](?![:=/~>])>?")
# A field's name as it is read backwards from the sign.
_KEY_BACKWARDS = re.compile(r"[ \t]{0,3}[\])\"'`*]{0,3}([^\n,{(;&?\"'|<>\[\]=:\t#*`!$]{1,40})(.?)", re.S)
_VALUE = re.compile(r"\*{0,2}[ \t]*(?:[>|]-?[ \t]*)?(\r?\n[ \t]*(?:\r?\n)?)?(?:(?:LIKE|like)[ ])?(?:[bfru]?(\"|'|`))?")
_ELEMENT = re.compile(r"<([A-Za-z_][\w:.-]{0,40})(?:[ ][^<>]{0,200})?>([^<>]{2,200})</")
_QUOTED_CHARS = 200
_LINE_CHARS = 120
_END = re.compile(r"[\n\r]")
_QUERY_VALUE = re.compile(r"[^&\s#\"'<>]{2,200}")
_NEAR_PAIRS = 5
_NEAR_CHARS = 300
_PERSONAL = frozenset({"PERSON", "EMAIL_ADDRESS", "PHONE_NUMBER", "DATE_OF_BIRTH", "US_SSN", "IBAN_CODE", "ID_NUMBER"})
THINGS = frozenset(
    """version price stock sku image kind apiversion license dependencies port path type description category url
    repository scripts main namespace labels spec replicas containers uses run steps qty quantity unit weight brand
    color
    size model currency value default required schema table column format src href command args function parameters
    ports volumes services runs cores memory population area capital latitude longitude lat lon lng rating genre
    isbn released framework language engines private module entrypoint homepage keywords tags""".split()
)
"""Fields of products, packages and settings."""


class _Pair(NamedTuple):
    """A field and where its value begins; `end` is set where the layout says where it ends."""

    words: Sequence[str]
    at: int
    kind: str | None
    start: int
    end: int
    opens: bool
    is_query: bool


def find_pairs(text: str) -> Iterator[Found]:
    if ":" not in text and "=" not in text and "</" not in text and "：" not in text:
        return
    pairs = [pair for sign in matches(_SIGN, text) if (pair := _pair(text, sign)) is not None]
    if "</" in text:
        pairs += [_element(match) for match in _ELEMENT.finditer(text)]
        pairs.sort(key=lambda pair: pair.at)
    found = [_value(text, pair) for pair in pairs]
    for index, pair in enumerate(pairs):
        value = found[index]
        if value is None and pair.kind in (NAME_MAYBE, ROLE):
            value = _name(text, pairs, found, index)
        if value is not None:
            yield value


def _pair(text: str, sign: re.Match[str]) -> _Pair | None:
    backwards = text[max(0, sign.start() - 48) : sign.start()][::-1]
    key = _KEY_BACKWARDS.match(backwards)
    if key is None:
        return None
    name = key[1][::-1].strip(" \t-.@")
    if not name or not name[-1].isalnum():
        return None
    after = _VALUE.match(text, sign.end())
    start = after.end() if after else sign.end()
    end = -1
    if after and after[2]:
        end = text.find(after[2], start, start + _QUOTED_CHARS)
        if end < 0:
            return None
    words = words_of(name)
    kind = kind_of(words)
    if after and after[1] and not _may_be_below(kind):
        start = end = sign.end()
    opens = text[start : start + 1] in ("{", "[") or (after is not None and after[1] is not None)
    is_query = sign[0] == "=" and key[2] in ("?", "&") and key[2] != ""
    return _Pair(words, sign.start() - key.end(1), kind, start, end, opens, is_query)


def _may_be_below(kind: str | None) -> bool:
    """Whether the value of a field may be looked for in the next line: forms do that, `def name():` does not."""
    return kind in ("PHONE_NUMBER", "EMAIL_ADDRESS", "LOCATION", "DATE_OF_BIRTH", "US_SSN", "IBAN_CODE")


def _element(match: re.Match[str]) -> _Pair:
    words = words_of(match[1].rpartition(":")[2])
    return _Pair(words, match.start(), kind_of(words), *match.span(2), False, False)


def _value(text: str, pair: _Pair) -> Found | None:
    kind = pair.kind
    if kind is None or kind in (NAME_MAYBE, ROLE):
        return None
    if pair.is_query:
        return _query_value(text, pair.start, kind)
    if pair.end >= 0:
        return whole(text, pair.start, pair.end, kind)
    line = _END.search(text, pair.start, pair.start + _LINE_CHARS)
    end = line.start() if line else min(len(text), pair.start + _LINE_CHARS)
    value = leading(text, pair.start, kind, end)
    if value is None and kind == "PERSON" and text[pair.start - 2 : pair.start] == ": " and "\n" in text:
        # A line of YAML or of a form holds nothing but the name, so that its case says nothing.
        return whole(text, pair.start, end, kind) if text[pair.start : end].islower() else None
    return value


def _query_value(text: str, start: int, kind: str) -> Found | None:
    match = _QUERY_VALUE.match(text, start)
    if match is None:
        return None
    meant = unquote_plus(match[0])
    value = whole(meant, 0, len(meant), kind)
    return Found(start, match.end(), value.entity, value.score) if value else None


def _name(text: str, pairs: Sequence[_Pair], found: Sequence[Found | None], index: int) -> Found | None:
    """The value of a field that is a person's name if its surroundings or its writing say so."""
    pair = pairs[index]
    near = [
        i
        for i in range(max(0, index - _NEAR_PAIRS), min(len(pairs), index + _NEAR_PAIRS + 1))
        if i != index and abs(pairs[i].at - pair.at) <= _NEAR_CHARS
    ]
    values = [value for i in near if (value := found[i]) is not None]
    is_persons = pair.kind == NAME_MAYBE and (
        any(value.entity in _PERSONAL for value in values) or _is_below_person(pairs, index)
    )
    words = {word for i in near for word in pairs[i].words}
    if not is_persons and not words.isdisjoint(THINGS):
        return None
    as_person = pair._replace(kind="PERSON")
    value = _value(text, as_person)
    if value is None or is_persons:
        return value
    return full_name(text, value.start, value.end)


def _is_below_person(pairs: Sequence[_Pair], index: int) -> bool:
    """Whether the object in which a field stands is called a person, as far as the fields before it tell."""
    for before in range(index - 1, max(-1, index - _NEAR_PAIRS), -1):
        if pairs[before].opens:
            return any(word in PEOPLE for word in pairs[before].words)
    return False
