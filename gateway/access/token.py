"""Opaque tokens: `pgw_<id>_<secret><checksum>`.

The id (8 characters) finds the record, the secret (43 characters, 256 bits) proves it, the checksum (6 characters
of CRC-32 over all before it) lets scanners and clients tell a token from noise. Letters and digits only.
What is kept is the SHA-256 of the whole token: with 256 random bits nothing slower is needed.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from dataclasses import dataclass, field

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_CHARS = 8
_SECRET_CHARS = 43
_CHECKSUM_CHARS = 6
TOKEN_PATTERN = rf"pgw_([0-9A-Za-z]{{{_ID_CHARS}}})_([0-9A-Za-z]{{{_SECRET_CHARS}}})([0-9A-Za-z]{{{_CHECKSUM_CHARS}}})"
_TOKEN = re.compile(TOKEN_PATTERN)


@dataclass(frozen=True, slots=True)
class Token:
    """A well-formed token. Its text is never shown by repr."""

    id: str
    text: str = field(repr=False)

    @property
    def digest(self) -> str:
        """SHA-256, hexadecimal."""
        return hashlib.sha256(self.text.encode("ascii")).hexdigest()


def mint(token_id: str | None = None) -> Token:
    """A token that was never there, or a secret that was never there for an id of 8 letters and digits: it keeps its
    limits, its person in the cache and its place in logs. Raises ValueError."""
    if token_id is None:
        token_id = _random(_ID_CHARS)
    if len(token_id) != _ID_CHARS or not set(token_id) <= set(_ALPHABET):
        raise ValueError("an id of 8 letters and digits is needed")
    body = f"pgw_{token_id}_{_random(_SECRET_CHARS)}"
    return Token(token_id, body + _checksum(body))


def parse(text: str) -> Token | None:
    """The token, or None if the text is not one (form or checksum)."""
    match = _TOKEN.fullmatch(text)
    if match is None or _checksum(text[:-_CHECKSUM_CHARS]) != match[3]:
        return None
    return Token(match[1], text)


def _random(chars: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(chars))


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode("ascii"))
    digits = ""
    for _ in range(_CHECKSUM_CHARS):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
