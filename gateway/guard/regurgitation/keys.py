"""The keys of an index, all derived from one key of the keyset.

Seeds have the same key in all files of a keyset's key, so that files can be merged. Letters, names and the header's
seal have keys of each file's own: its salt is made of its content, so that no two contents share a key stream.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from gateway.seal.derive import derived
from gateway.seal.text import TextSealer

PURPOSE = "regurgitation index"
SALT_BYTES = 16
DIGEST_BYTES = 16
_ENGINE_KEY_BYTES = 16


class KeySource(Protocol):
    """Where keys are, such as a Keyring."""

    def key_for(self, purpose: str, key_id: str | None = None) -> tuple[str, bytes]:
        """A key's id and 32 bytes. None: the key that seals. Raises ConfigurationError."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class IndexKey:
    """One key for indexes. It can be pickled for worker processes."""

    id: str
    secret: bytes

    @classmethod
    def of(cls, keys: KeySource, key_id: str | None = None) -> IndexKey:
        """The key that seals, or the one named. Raises ConfigurationError."""
        return cls(*keys.key_for(PURPOSE, key_id))

    @property
    def seeds(self) -> bytes:
        """16 bytes, the same for all files of this key."""
        return derived(self.secret, (PURPOSE, "seeds"), _ENGINE_KEY_BYTES)

    def letters(self, salt: bytes) -> bytes:
        """16 bytes for the check codes of one file."""
        return derived(self.secret, (PURPOSE, "letters"), _ENGINE_KEY_BYTES, salt)

    def names(self, salt: bytes) -> TextSealer:
        """Seals the names of one file's documents, and the same names to the same bytes."""
        return TextSealer([(self.id, self.secret)], f"{PURPOSE} names", "", salt)

    def sign(self, content: bytes, salt: bytes) -> bytes:
        """16 bytes that nobody else can make."""
        key = derived(self.secret, (PURPOSE, "header"), salt=salt)
        return hashlib.blake2b(content, digest_size=DIGEST_BYTES, key=key).digest()

    def check_value(self, salt: bytes) -> bytes:
        """16 bytes that tell this key from another of the same id."""
        return derived(self.secret, (PURPOSE, "check"), DIGEST_BYTES, salt)

    def salt(self, content: Iterable[bytes]) -> bytes:
        """A file's salt, made of its content: the same content has the same, another has another."""
        key = derived(self.secret, (PURPOSE, "salt"))
        hashed = hashlib.blake2b(digest_size=SALT_BYTES, key=key)
        for piece in content:
            hashed.update(len(piece).to_bytes(8, "little") + piece)
        return hashed.digest()

    def __repr__(self) -> str:
        return f"<IndexKey {self.id}>"
