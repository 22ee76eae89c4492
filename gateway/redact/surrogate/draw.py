"""Chance that is the same each time: everything about a stand-in follows from a secret, the tenant and the value.

So the same conversation, sent again with one more turn, keeps its stand-ins, and no other tenant gets the same.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
_LABEL = b"surrogate"


class Draw:
    """Draws for one tenant. `kind` keeps the draws of one value apart from each other."""

    __slots__ = ("_key", "_tenant")

    def __init__(self, key: bytes, tenant: str) -> None:
        self._key = key
        self._tenant = tenant.encode()

    def number(self, kind: str, value: str, attempt: int = 0) -> int:
        """A number of 256 bits: HMAC-SHA256 over its arguments, each preceded by its length."""
        parts = (_LABEL, self._tenant, kind.encode(), value.encode("utf-8", "surrogatepass"), str(attempt).encode())
        message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return int.from_bytes(hmac.new(self._key, message, hashlib.sha256).digest(), "big")

    def order(self, kind: str, value: str, items: Sequence[Item]) -> Iterator[Item]:
        """All items once, from one that is drawn."""
        first = self.number(kind, value) % len(items) if items else 0
        for step in range(len(items)):
            yield items[(first + step) % len(items)]

    def below(self, kind: str, value: str, attempt: int, limits: Sequence[int]) -> list[int]:
        """One number for each limit, from 0 up to it and not it."""
        numbers: list[int] = []
        pool = 0
        for index, limit in enumerate(limits):
            if index % 32 == 0:
                pool = self.number(f"{kind}/{index // 32}", value, attempt)
            pool, drawn = divmod(pool, limit)
            numbers.append(drawn)
        return numbers

    def __repr__(self) -> str:
        return "<Draw>"
