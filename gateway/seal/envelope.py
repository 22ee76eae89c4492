"""Sealing of everything that is stored: AES-256-GCM, a fresh key and nonce for each entry, one form of bytes.

    version  1 byte    1
    number   4 bytes   of the key, big endian: 7 for the key `k7`, 0 for the master key
    salt    32 bytes   random, fresh for each entry
    sealed             AES-256-GCM of the frame, its tag of 16 bytes at the end

Key (32 bytes) and nonce (12 bytes) of an entry are HKDF-Expand of the place's key over `gateway entry 1` and the salt.
So no pair of them is used twice, however many entries there are: GCM's limit of 2^32 random nonces under one key never
comes near. Version, number and salt are associated data, before the caller's own.

The frame is the length of the plain bytes (4 bytes, big endian), the bytes, and zeros up to a power of two, at least
4096: all short answers look alike from outside. The zeros are checked, so that nothing can be hidden among them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import ClassVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.seal.derive import KEY_BYTES, expanded
from gateway.seal.errors import SealError

_VERSION = b"\x01"
_INFO = b"gateway entry 1"
_NUMBER_BYTES = 4
_SALT_BYTES = 32
_HEADER_BYTES = 1 + _NUMBER_BYTES + _SALT_BYTES
_NONCE_BYTES = 12
_LENGTH_BYTES = 4


class EntrySealer:
    """Seals for one place with one key, and opens what any of its keys sealed for that place."""

    __slots__ = ("_keys", "_prefix")
    smallest: ClassVar[int] = 4096
    """Bytes of the smallest frame."""

    def __init__(self, keys: Mapping[int, bytes], number: int) -> None:
        """`keys`: by number, 32 bytes each, derived for the place. `number`: of the one that seals."""
        self._keys = {number.to_bytes(_NUMBER_BYTES, "big"): key for number, key in keys.items()}
        self._prefix = _VERSION + number.to_bytes(_NUMBER_BYTES, "big")

    def seal(self, plain: bytes, aad: bytes) -> bytes:
        """An envelope. `aad` says where it belongs. Raises OverflowError beyond 1 GiB."""
        header = self._prefix + os.urandom(_SALT_BYTES)
        cipher, nonce = _cipher(self._keys[header[1:5]], header)
        size = self._size(len(plain))
        frame = len(plain).to_bytes(_LENGTH_BYTES, "big") + plain
        return header + cipher.encrypt(nonce, frame.ljust(size, b"\0"), header + aad)

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        """Raises SealError, always the same, whatever is wrong."""
        plain = self._opened(sealed, aad)
        # Not within the `except`, so that no cause hangs on it.
        if plain is None:
            raise SealError
        return plain

    def _opened(self, sealed: bytes, aad: bytes) -> bytes | None:
        header = sealed[:_HEADER_BYTES]
        key = self._keys.get(header[1:5])
        if key is None or header[:1] != _VERSION or len(header) != _HEADER_BYTES:
            return None
        cipher, nonce = _cipher(key, header)
        try:
            frame = cipher.decrypt(nonce, sealed[_HEADER_BYTES:], header + aad)
        except (InvalidTag, ValueError, OverflowError):
            return None
        return self._unframed(frame)

    def _unframed(self, frame: bytes) -> bytes | None:
        length = int.from_bytes(frame[:_LENGTH_BYTES], "big")
        end = _LENGTH_BYTES + length
        size = len(frame)
        if size != self._size(length) or frame[end:] != bytes(size - end):
            return None
        return frame[_LENGTH_BYTES:end]

    def _size(self, length: int) -> int:
        """Of the frame for so many plain bytes."""
        return max(self.smallest, 1 << (length + _LENGTH_BYTES - 1).bit_length())

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class RecordSealer(EntrySealer):
    """For the gateway's own small records, of which a file holds one per line."""

    __slots__ = ()
    smallest: ClassVar[int] = 256


def _cipher(key: bytes, header: bytes) -> tuple[AESGCM, bytes]:
    made = expanded(key, _INFO + header[-_SALT_BYTES:], KEY_BYTES + _NONCE_BYTES)
    return AESGCM(made[:KEY_BYTES]), made[KEY_BYTES:]
