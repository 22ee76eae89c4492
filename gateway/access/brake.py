"""Slows down who tries one wrong token after another: from some number on, wrong tokens from that address get a 429.

It never keeps anybody out who has a good token: behind one address there may be a whole office, or a proxy that nobody
has named as trusted, and one of them must not be able to lock out the others. Nothing is given away by that: 256 random
bits cannot be guessed, braked or not. What the brake does is to tell a client to stop, to keep the noise out of the
log, and to show an attack for what it is.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address

from gateway.access.addresses import Address
from gateway.errors import RateLimited

FREE = 300
"""So many wrong tokens are answered as such, while no more than `FORGET_S` lies between two of them."""
FORGET_S = 60.0
FIRST_S = 1.0
LONGEST_S = 60.0
_SITE_BITS = 64  # of IPv6, what one subscriber has at least


@dataclass(slots=True)
class _Tries:
    wrong: int
    last: float
    until: float


class Brake:
    """Counts per IPv4 address, or network of 64 bits of IPv6; all whose address nobody knows are counted as one.

    With more than `remembered` addresses, the one heard of longest ago is forgotten. `clock` gives seconds.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        free: int = FREE,
        forget_s: float = FORGET_S,
        longest_s: float = LONGEST_S,
        remembered: int = 10_000,
    ) -> None:
        self._clock = clock
        self._free = free
        self._forget_s = forget_s
        self._longest_s = longest_s
        self._remembered = remembered
        self._tries: OrderedDict[int, _Tries] = OrderedDict()

    def failed(self, address: Address | None) -> None:
        """A wrong token came from there. Raises RateLimited if it is one too many: then it is to be answered so.

        The pause doubles with each wrong token after it, up to a bound; those within it change nothing.
        """
        now = self._clock()
        key = _key(address)
        tries = self._tries.get(key)
        if tries is None or now - tries.last > self._forget_s:
            tries = self._tries[key] = _Tries(0, now, now)
        self._tries.move_to_end(key)
        if len(self._tries) > self._remembered:
            self._tries.popitem(last=False)
        if now < tries.until:
            raise _slower(tries.until - now)
        tries.last = now
        tries.wrong += 1
        if tries.wrong >= self._free:
            doublings = min(tries.wrong - self._free, 32)
            tries.until = now + min(FIRST_S * 2**doublings, self._longest_s)

    def __len__(self) -> int:
        return len(self._tries)


def _key(address: Address | None) -> int:
    """A number: 0 for nobody knows whom, below 2**33 for IPv4, beyond for IPv6."""
    if address is None:
        return 0
    if isinstance(address, IPv6Address):
        return (1 << 65) | (int(address) >> _SITE_BITS)
    return (1 << 32) | int(address)


def _slower(wait_s: float) -> RateLimited:
    return RateLimited(
        "Too many wrong tokens have come from your address. Stop, check the token, and try again after Retry-After.",
        retry_after_s=max(1, math.ceil(wait_s)),
        limit=("address", "wrong tokens"),
    )
