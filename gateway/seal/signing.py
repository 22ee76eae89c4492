"""Signatures that anybody with the public key can check, and nobody without the keyset can make: Ed25519 (RFC 8032).

The private key is derived from a key of the keyset, so there is one more for each rotation and nothing more to keep.
The public keys are what others need. They are handed out as PEM (RFC 7468), which OpenSSL reads too.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Callable, Iterable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from gateway.seal.derive import KEY_BYTES

AUDIT_PURPOSE = "audit signing"
"""Of the keys for audit logs."""
SUBJECT_PURPOSE = "audit subjects"
"""Of the key that makes pseudonyms of subjects."""
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----[\s\S]*?-----END PUBLIC KEY-----")

KeyFor = Callable[[], tuple[str, bytes]]
"""The id and 32 bytes of the key that seals now: `partial(keyring.key_for, PURPOSE)`."""


class Signer:
    """Signs with one key. It never shows it."""

    __slots__ = ("_key", "public")

    def __init__(self, seed: bytes) -> None:
        """`seed`: 32 bytes, random or derived. Raises ValueError for another number of them."""
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = encoded(self._key.public_key().public_bytes_raw())
        """The public key in base64url, 43 characters: its name wherever something is signed."""

    def sign(self, context: bytes, content: bytes) -> str:
        """64 bytes as base64url. `context` says what is signed, so that it is never taken for something else."""
        return encoded(self._key.sign(_told(context, content)))

    def __repr__(self) -> str:
        return f"<Signer {self.public}>"


class Signers:
    """The signer of the key that seals now: another one after the keyset was rotated."""

    def __init__(self, key_for: KeyFor) -> None:
        self._key_for = key_for
        self._id = ""
        self._seed = b""
        self._signer: Signer | None = None

    @classmethod
    def ephemeral(cls) -> Signers:
        """Of a new key that ends with the process."""
        seed = secrets.token_bytes(KEY_BYTES)
        return cls(lambda: ("none", seed))

    def __call__(self) -> Signer:
        """Raises ConfigurationError, as `key_for` does."""
        key_id, seed = self._key_for()
        if self._signer is None or (key_id, seed) != (self._id, self._seed):
            self._id, self._seed, self._signer = key_id, seed, Signer(seed)
        return self._signer

    def __repr__(self) -> str:
        return "<Signers>"


def is_signed(public: str, context: bytes, content: bytes, signature: str) -> bool:
    """Whether it is the signature by that key; false too if one of them is no key or no signature at all."""
    try:
        Ed25519PublicKey.from_public_bytes(decoded(public)).verify(decoded(signature), _told(context, content))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def pem(public: str) -> str:
    """A public key for a file. Raises ValueError if it is none."""
    key = Ed25519PublicKey.from_public_bytes(decoded(public))
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def publics_of(text: bytes) -> list[str]:
    """The public keys in a file, whatever stands between them. Raises ValueError if one of them is no Ed25519 key."""
    found = []
    for block in _PEM.findall(text):
        try:
            key = load_pem_public_key(block)
        except UnsupportedAlgorithm:
            raise ValueError("not an Ed25519 key") from None
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("not an Ed25519 key")  # noqa: TRY004
        found.append(encoded(key.public_bytes_raw()))
    return found


def publics(seeds: Iterable[bytes]) -> list[str]:
    """The public keys of seeds."""
    return [Signer(seed).public for seed in seeds]


def encoded(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decoded(text: str) -> bytes:
    """Raises ValueError if it is not exactly what `encoded` makes: each value has one spelling only."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError("not base64url") from None
    if encoded(raw) != text:
        raise ValueError("not base64url")
    return raw


def _told(context: bytes, content: bytes) -> bytes:
    return len(context).to_bytes(4, "big") + context + content
