"""Sealing of values within a text, for the action `encrypt`: AES-256-SIV (RFC 5297).

It is deterministic: the same value under the same key and the same associated data gives the same bytes. So a value
that is sealed again in the next turn of a conversation leaves the earlier turns as they were; there is no nonce that
could be used twice, and 16 bytes are all that a value grows by. What it gives away is that two values are equal, and
how long they are. That is a price for values within a text only: what is stored is sealed by `gateway.seal.envelope`.
"""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from gateway.seal.derive import derived
from gateway.seal.errors import SealError

_SIV_KEY_BYTES = 64


class TextSealer:
    """Seals for one purpose and one tenant with one key, and opens what any key of the keyset sealed for them."""

    __slots__ = ("_ciphers",)

    def __init__(self, keys: Iterable[tuple[str, bytes]], purpose: str, tenant: str, salt: bytes) -> None:
        """`keys`: ids and bytes, the one that seals first. `salt`: the tenant's."""
        self._ciphers = [
            (
                AESSIV(derived(key, (purpose, tenant, ""), _SIV_KEY_BYTES, salt)),
                [purpose.encode(), tenant.encode(), key_id.encode()],
            )
            for key_id, key in keys
        ]

    def seal(self, plain: bytes, aad: bytes) -> bytes:
        """16 bytes more than `plain`. `aad` says where it belongs; it must be the same again to open it."""
        cipher, place = self._ciphers[0]
        return cipher.encrypt(plain, [*place, aad])

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        """Raises SealError."""
        for cipher, place in self._ciphers:
            try:
                return cipher.decrypt(sealed, [*place, aad])
            except (InvalidTag, ValueError):
                continue
        raise SealError

    def __repr__(self) -> str:
        return "<TextSealer>"
