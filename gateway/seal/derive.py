"""The one way in which keys are made of keys: HKDF-SHA256 (RFC 5869). Each purpose, tenant and subject has a key of its
own, so that none opens what another sealed, and one that leaks tells nothing of the others."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

KEY_BYTES = 32
_FORM = b"gateway seal 1"
_HASH = SHA256()


def derived(key: bytes, place: tuple[str, ...], length: int = KEY_BYTES, salt: bytes = b"") -> bytes:
    """A key of its own for a place (a purpose, or a purpose, a tenant and a subject), from a random key.

    The info is a list of byte strings, each preceded by its length, so that no two lists are alike. A random `salt`
    is as needed as the key is: HKDF's first step is an HMAC under it, so without it the result cannot be had again.
    """
    parts = (_FORM, *(part.encode() for part in place))
    info = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return HKDF(algorithm=_HASH, length=length, salt=salt or None, info=info).derive(key)


def expanded(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF's second step alone, for a key that came out of `derived`: a few microseconds cheaper per entry."""
    return HKDFExpand(_HASH, length, info).derive(key)
