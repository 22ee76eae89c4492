"""Notations that write a text character by character: percent, HTML entities, backslashes, quoted-printable.

A value in them is found in a view of the whole text and lies exactly where its characters are written.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from gateway.redact.views.escapes import ESCAPE, meant
from gateway.redact.views.octets import characters
from gateway.redact.views.view import Edit

PERCENT, HTML, QUOTED = "encoded:percent", "encoded:html", "encoded:quoted-printable"
_HINTS = ("\\", "%", "&")
_WRITTEN = re.compile(
    r"((?:%[0-9a-fA-F]{2})+)|%u([0-9a-fA-F]{4})"
    # Numbers do without their semicolon, as in browsers; names do not, or `&copy=1` of an address would be one.
    rf"|(&(?:#(?:[0-9]{{1,12}}|[xX][0-9a-fA-F]{{1,12}});?|[a-zA-Z][a-zA-Z0-9]{{1,31}};))|{ESCAPE}",
    re.DOTALL,
)
_GROUPS_BEFORE_ESCAPE = 3
_FORM_HINT = re.compile(r"[=%][^\s&=+]*\+")
_FORM = re.compile(r"(?<=[\w%.@-])\+(?=[\w%(])")
_QUOTED_HINT = re.compile(r"=(?:[0-9A-F]{2}|[2-7][a-f]|[ \t]*\r?\n)")
_QUOTED = re.compile(r"((?:=(?:[0-9A-F]{2}|[2-7][a-f]))+)|=[ \t]{0,80}\r?\n")


def written(text: str) -> list[Edit]:
    """Percent-encoding, HTML entities and backslash escapes undone, all in one go: they may be mixed in one value."""
    if not any(hint in text for hint in _HINTS):
        return []
    return [edit for match in _WRITTEN.finditer(text) for edit in _meant(match)]


def _meant(match: re.Match[str]) -> Iterator[Edit]:
    start, end = match.span()
    if match[1]:
        octets = bytes.fromhex(match[1].replace("%", ""))
        yield from (Edit(start + 3 * a, start + 3 * b, c, PERCENT) for a, b, c in characters(octets))
    elif match[2]:
        yield Edit(start, end, chr(int(match[2], 16)), PERCENT)
    elif match[3]:
        if (text := html.unescape(match[3])) != match[3]:
            yield Edit(start, end, text, HTML)
    else:
        yield from meant(match, _GROUPS_BEFORE_ESCAPE)


def form(text: str) -> list[Edit]:
    """The plus signs of a form or a query as spaces. This is a view apart: `ada+tag@…` keeps its own."""
    if "+" not in text or not _FORM_HINT.search(text):
        return []
    return [Edit(match.start(), match.end(), " ", PERCENT) for match in _FORM.finditer(text)]


def quoted_printable(text: str) -> list[Edit]:
    """Bodies of mails: `=C3=A9`, `=40` and lines broken after a `=`. Source: RFC 2045, section 6.7."""
    if "=" not in text or not _QUOTED_HINT.search(text):
        return []
    edits = []
    for match in _QUOTED.finditer(text):
        if match[1]:
            start = match.start()
            octets = bytes.fromhex(match[1].replace("=", ""))
            edits += [Edit(start + 3 * a, start + 3 * b, c, QUOTED) for a, b, c in characters(octets)]
        else:
            edits.append(Edit(match.start(), match.end(), "", QUOTED))
    return edits
