"""The one cipher and the one way to derive keys.

AES-256-SIV (RFC 5297): deterministic authenticated encryption. The same text under the same key and the same
associated data gives the same bytes, so a value that is sealed again in the next turn of a conversation leaves the
earlier turns as they were; there is no nonce that could be used twice, and 16 bytes are all that a text grows by.
What it gives away is that two sealed texts are equal. Whoever must hide that too binds something unique as `aad`.

HKDF-SHA256 (RFC 5869) makes a key of its own for every purpose and tenant, so that none opens what another sealed.
"""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_SIV_KEY_BYTES = 64
_FORM = b"gateway seal 1"


class SealError(Exception):
    """Something could not be opened: another key, another place, or changed bytes. Nobody is told which."""

    def __init__(self) -> None:
        super().__init__("this was not sealed by these keys for this place, or it was changed")


def derived(key: bytes, purpose: str, tenant: str, length: int) -> bytes:
    """A key of its own for a purpose and a tenant, from a random key.

    HKDF without salt; the info is a list of byte strings, each preceded by its length, so that
    no two lists are alike.
    """
    parts = (_FORM, purpose.encode(), tenant.encode())
    info = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(key)


class Sealer:
    """Seals for one purpose and one tenant with one key, and opens what any key of the keyset sealed for them."""

    __slots__ = ("_ciphers",)

    def __init__(self, keys: Iterable[tuple[str, bytes]], purpose: str, tenant: str) -> None:
        """`keys`: ids and bytes, the one that seals first."""
        self._ciphers = [
            (
                AESSIV(derived(key, purpose, tenant, _SIV_KEY_BYTES)),
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
        return "<Sealer>"
