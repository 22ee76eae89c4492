r"""Texts written with backslashes: JSON documents, pasted code, regular expressions.

A text that is a JSON document is read with its escapes undone (`\n` before a number would be a letter otherwise);
in other texts `\u0040`, `\x40`, `\100` and a backslash before any other character are undone in a view of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from gateway.redact.views.octets import characters
from gateway.redact.views.view import Edit, View

ESCAPE = (
    r"\\(?:u([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?"
    r"|u\{([0-9a-fA-F]{1,6})\}|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([^x]|x(?![0-9a-fA-F]{2})))"
    r"|((?:\\x[0-9a-fA-F]{2})+)"
)
_ESCAPE = re.compile(ESCAPE, re.DOTALL)
_NAMED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
IN_ESCAPES = "escapes"
"""The source of a span that only the text without its escapes shows."""
_LAST = 0x10FFFF


def is_document(text: str) -> bool:
    """Whether a text is a JSON object or array with escapes in it."""
    if "\\" not in text or not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def document(text: str) -> View:
    """The text of a segment that is a JSON document, without its escapes."""
    view, at = View(), 0
    for edit in escapes(text):
        if at < edit.start:
            view.show(text[at : edit.start], at, edit.start)
        view.show(edit.text, edit.start, edit.end, edit.kind)
        at = edit.end
    view.is_document = True
    return view.show(text[at:], at, len(text))


def without_escapes(text: str) -> str:
    """A piece of a JSON document as the JSON means it."""
    return _ESCAPE.sub(lambda escape: "".join(edit.text for edit in meant(escape)), text)


def escapes(text: str) -> Iterator[Edit]:
    for escape in _ESCAPE.finditer(text):
        yield from meant(escape)


def meant(escape: re.Match[str], group: int = 0) -> Iterator[Edit]:
    """What one match of ESCAPE means; `group`: how many groups stand before its own in the expression at hand."""
    high, low, braced, long, octal, other, octets = escape.groups()[group : group + 7]
    start, end = escape.span()
    if octets:
        pairs = bytes.fromhex(octets.replace("\\x", ""))
        yield from (Edit(start + 4 * a, start + 4 * b, c, IN_ESCAPES) for a, b, c in characters(pairs))
        return
    if other:
        text = _NAMED.get(other, other)
    elif low and "d800" <= high.lower() < "dc00":
        text = chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    elif octal:
        text = chr(int(octal, 8))
    else:
        text = _characters(high or braced or long) + (_characters(low) if low else "")
    yield Edit(start, end, text, IN_ESCAPES)


def _characters(digits: str) -> str:
    """Half of a surrogate pair is no character: a value with one could be given back in no answer."""
    number = int(digits, 16)
    return "\ufffd" if number > _LAST or 0xD800 <= number < 0xE000 else chr(number)
