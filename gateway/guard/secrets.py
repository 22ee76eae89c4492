"""What is said of secrets beyond what the detector finds by their formats.

A private key or a long token cannot be waited for to its end: it is stopped at its beginning. A header without a key
behind it is a piece of documentation, and so is most of what only the words around it call a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.guard.windowed import WORD_ENDING, Ending

SECRET = "SECRET"  # noqa: S105 - the name of an entity type
GUESSED = "GUESSED_SECRET"
"""What only the words before it call a password or a key: `password: changeme` in an example, mostly."""

# RFC 7468 and the formats of OpenSSH and OpenPGP. Spaces and dashes are read loosely: what is almost a header is one
# to whoever pastes the key into a file.
_NAMED = r"(?:[A-Z0-9]{1,12}[ ]){0,4}PRIVATE[ ]KEY(?:[ ]BLOCK)?\s?-{2,8}"
_HEADER = rf"-{{2,8}}\s?BEGIN[ ]{_NAMED}"
_BREAK = r"(?:[\r\n\"',+]|\\[nr])"
_BODY = rf"(?:(?:[A-Za-z0-9+/=]{_BREAK}*){{16}}|[A-Z][A-Za-z\-]{{3,20}}:[ ])"
_KEY = re.compile(rf"{_HEADER}(?:{_BREAK}|[ \t>|])*(?:{_BODY}|(\Z))", re.IGNORECASE)
_IS_HEADER = re.compile(_HEADER, re.IGNORECASE)
# Ends are complete when something else follows: a stream may be cut within them.
_KEY_END = Ending(re.compile(rf"-{{2,8}}\s?END[ ]{_NAMED}(?=[^-])", re.IGNORECASE), 96)
_PUTTY = re.compile(r"PuTTY-User-Key-File-[23]:()")
_PUTTY_END = Ending(re.compile(r"Private-MAC: [0-9a-f]{40,64}(?=[^0-9a-f])"), 80)
# A JSON object in base64 that begins like the header of a JSON web token (RFC 7519) and has no end yet.
_TOKEN = re.compile(r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_\-]{100,}()\Z")
_KINDS = (("--", _KEY, _KEY_END), ("PuTTY", _PUTTY, _PUTTY_END), ("eyJ", _TOKEN, WORD_ENDING))
"""Each with a piece of text without which there is none."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The beginning of a secret, and what ends it. `is_open`: what follows has to tell whether it is one."""

    start: int
    end: int
    ending: Ending
    is_open: bool


def openings(text: str) -> Iterator[Opening]:
    """The beginnings of long secrets in a text."""
    for sign, pattern, ending in _KINDS:
        if sign in text:
            for match in pattern.finditer(text):
                is_open = ending is _KEY_END and match[1] is not None
                yield Opening(match.start(), match.end(), ending, is_open)


def is_documentation(value: str) -> bool:
    """Whether a value is the header of a key and has no key behind it."""
    return _IS_HEADER.match(value) is not None and _KEY.match(value) is None
