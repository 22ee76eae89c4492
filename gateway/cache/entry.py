"""What is kept of an answer, and its form in the store.

    8 bytes: when its time is over, in seconds since 1970 | an envelope of seal/ around zstd(JSON)

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
_SKEW_S = 2.0
"""So far the clocks of two hosts that share a store may be apart."""


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
        """The entry for the store; `place` says what it is for."""
        expiry = int(self.made_s + ttl_s).to_bytes(_EXPIRY_BYTES, "big")
        plain = orjson.dumps({"made": self.made_s, "streamed": self.streamed, "events": list(self.events)})
        return expiry + envelope.seal(zstandard.compress(plain), _aad(place, expiry))

    @classmethod
    def open(cls, value: bytes, envelope: Envelope, place: Sequence[str], now_s: float) -> Entry | None:
        """The entry, or None if its time is over or has not begun. Raises SealError if it is not for this place."""
        expiry, sealed = value[:_EXPIRY_BYTES], value[_EXPIRY_BYTES:]
        packed = envelope.open(sealed, _aad(place, expiry))
        try:
            kept = orjson.loads(zstandard.ZstdDecompressor().decompress(packed, max_output_size=_MAX_PLAIN_BYTES))
            entry = cls(kept["events"], kept["streamed"], kept["made"])
        except (zstandard.ZstdError, orjson.JSONDecodeError, KeyError, TypeError):
            raise SealError from None
        # A clock that was set back would make an entry live longer than it may.
        fresh = entry.made_s - _SKEW_S <= now_s < int.from_bytes(expiry, "big")
        return entry if fresh else None


def _aad(place: Sequence[str], expiry: bytes) -> bytes:
    parts = [*(part.encode() for part in place), expiry]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
