"""What is kept of an answer, and its form in the store.

    8 bytes: when its time is over, in milliseconds since 1970 | an envelope of seal/ around zstd(JSON)

Compressed alone: with no dictionary in common, the length of an entry says nothing about another one. The associated
data of the envelope says what the entry is for and when its time is over, so that none can be put in the place of
another, and a store that forgets to forget gives nothing stale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
import zstandard

from gateway.seal.errors import SealError

_EXPIRY_BYTES = 8
_MAX_PLAIN_BYTES = 16 * 2**20
_MAX_VALUE_BYTES = 2**20
_SKEW_S = 2.0
"""So far the clocks of two hosts that share a store may be apart."""


class Unkeepable(Exception):
    """An answer is larger than what is kept, or it cannot be written down."""


class Envelope(Protocol):
    """Seals for one purpose of one person."""

    def seal(self, plain: bytes, aad: bytes) -> bytes: ...

    def open(self, sealed: bytes, aad: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """The redacted answer as the model server gave it: events, or one whole answer."""

    events: Sequence[dict[str, Any]]
    streamed: bool
    made_s: float
    """Seconds since 1970."""

    def seal(self, envelope: Envelope, place: Sequence[str], ttl_s: float) -> bytes:
        """The entry for the store; `place` says what it is for. Raises Unkeepable."""
        expiry = int((self.made_s + ttl_s) * 1000).to_bytes(_EXPIRY_BYTES, "big")
        try:
            plain = orjson.dumps({"made": self.made_s, "streamed": self.streamed, "events": list(self.events)})
        except orjson.JSONEncodeError:  # what is read may be nested more deeply than what is written
            raise Unkeepable from None
        if len(plain) > _MAX_PLAIN_BYTES:
            raise Unkeepable
        value = expiry + envelope.seal(zstandard.compress(plain), _aad(place, expiry))
        if len(value) > _MAX_VALUE_BYTES:
            raise Unkeepable
        return value

    @classmethod
    def open(cls, value: bytes, envelope: Envelope, place: Sequence[str], now_s: float) -> Entry | None:
        """The entry, or None if its time is over or has not begun. Raises SealError if it is not for this place."""
        if len(value) > _MAX_VALUE_BYTES:
            raise SealError
        expiry, sealed = value[:_EXPIRY_BYTES], value[_EXPIRY_BYTES:]
        packed = envelope.open(sealed, _aad(place, expiry))
        try:
            kept = orjson.loads(_unpacked(packed))
            entry = cls(kept["events"], kept["streamed"], kept["made"])
        except (zstandard.ZstdError, orjson.JSONDecodeError, KeyError, TypeError):
            raise SealError from None
        return entry if is_fresh(entry.made_s, int.from_bytes(expiry, "big") / 1000, now_s) else None


def is_fresh(made_s: float, until_s: float, now_s: float) -> bool:
    """Whether it is time for an entry. A clock that was set back would make it live longer than it may."""
    return made_s - _SKEW_S <= now_s < until_s


def _unpacked(packed: bytes) -> bytes:
    # The library's own limit is none for what says itself how long it is.
    if zstandard.frame_content_size(packed) > _MAX_PLAIN_BYTES:
        raise zstandard.ZstdError
    return zstandard.ZstdDecompressor().decompress(packed, max_output_size=_MAX_PLAIN_BYTES)


def _aad(place: Sequence[str], expiry: bytes) -> bytes:
    parts = [*(part.encode() for part in place), expiry]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
