"""Rows that SQL inserts: the column list says what the values are. Conditions and SET are pairs like any other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.redact.structure.fields import NAME_MAYBE, ROLE, field_of
from gateway.redact.structure.found import Found
from gateway.redact.structure.name_shapes import full_match
from gateway.redact.structure.shapes import whole

_INSERT = re.compile(
    r"\b(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+[\w.\"`\[\]]{1,80}\s{0,4}\(([^()]{1,2000})\)\s{0,8}VALUES?\s{0,8}",
    re.I,
)
_TUPLE = re.compile(r"\s{0,8},?\s{0,8}\(")
_ITEM = re.compile(r"\s*(?:N?'((?:[^']|'')*)'|\"([^\"]*)\"|((?:[^,()'\"]|\([^()]*\))*))\s*([,)])?")
_PEOPLES = frozenset({"PERSON", "EMAIL_ADDRESS", "PHONE_NUMBER", "DATE_OF_BIRTH", "US_SSN", "IBAN_CODE", "ID_NUMBER"})


def find_sql(text: str) -> Iterator[Found]:
    if "(" not in text or "'" not in text:
        return
    for insert in _INSERT.finditer(text):
        kinds = [field_of(name.strip(' \n\t"`[]')) for name in insert[1].split(",")]
        is_people = any(kind in _PEOPLES for kind in kinds)
        at = insert.end()
        while begin := _TUPLE.match(text, at):
            at = begin.end()
            for kind in kinds:
                item = _ITEM.match(text, at)
                if item is None:
                    return
                at = item.end()
                yield from _item(text, item, kind, is_people)
                if item[4] != ",":
                    break


def _item(text: str, item: re.Match[str], kind: str | None, is_people: bool) -> Iterator[Found]:
    group = 1 if item[1] is not None else 2 if item[2] is not None else 3
    if kind in (NAME_MAYBE, ROLE):
        kind = "PERSON" if (is_people and kind == NAME_MAYBE) or full_match(item[group]) else None
    if kind is None:
        return
    if group == 1 and "''" in item[1]:
        meant = item[1].replace("''", "'")
        if whole(meant, 0, len(meant), kind) is not None:
            yield Found(*item.span(1), kind)
    elif (value := whole(text, *item.span(group), kind)) is not None:
        yield value
