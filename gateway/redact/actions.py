"""What a found value is exchanged for, by action. Placeholders and surrogates are turned back in answers; a sealed
value only by `gateway reveal`; the others never."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable

from gateway.pipeline.ports import Sealer

_SEALED = re.compile(
    r"(?:<|&lt;|\\u003c)([A-Z][A-Z0-9_]{0,63}):enc:([A-Za-z0-9_-]{22,})(?:>|&gt;|\\u003e)", re.IGNORECASE
)


def masked(value: str) -> str:
    """A star for every character that is not a space: the length stays, nothing else."""
    return "".join(c if c.isspace() else "*" for c in value)


def removed(entity: str) -> str:
    """Only the kind is left, so that the model knows that something stood here."""
    return f"<{entity}>"


def hashed(key: bytes, tenant: str, entity: str, value: str) -> str:
    """`<PERSON#9f86d081884c7d65>`: the same value gives the same text within a tenant, and no other key does.

    HMAC-SHA256 over tenant, type and value, each preceded by its length so that they cannot run into each other.
    """
    parts = b"".join(len(part).to_bytes(8, "big") + part for part in (p.encode() for p in (tenant, entity, value)))
    return f"<{entity}#{hmac.new(key, parts, hashlib.sha256).hexdigest()[:16]}>"


def encrypted(sealer: Sealer, entity: str, value: str) -> str:
    """`<PERSON:enc:BASE64URL>`: the same text for the same value of a type, as long as the key stays the same.

    The type is bound to the sealed bytes: under another one they do not open.
    """
    sealed = base64.urlsafe_b64encode(sealer.seal(value.encode(), entity.encode())).decode().rstrip("=")
    return f"<{entity}:enc:{sealed}>"


def revealed(text: str, opened: Callable[[bytes, bytes], bytes | None]) -> tuple[str, int]:
    """A text with its sealed values as they were, and how many stay since `opened` (sealed, aad) gave None for them."""
    left = 0

    def value(match: re.Match[str]) -> str:
        nonlocal left
        plain = _opened(match[1].upper(), match[2], opened)
        if plain is None:
            left += 1
            return match[0]
        return plain

    return _SEALED.sub(value, text), left


def _opened(entity: str, code: str, opened: Callable[[bytes, bytes], bytes | None]) -> str | None:
    try:
        plain = opened(base64.urlsafe_b64decode(code + "=" * (-len(code) % 4)), entity.encode())
    except (ValueError, binascii.Error):
        return None
    return None if plain is None else plain.decode()
