"""Where the last answers to each person have got to, for a short time: a passage that is pulled out a few words at a
time goes on in the next answer.

Kept are positions in documents and no words, in the memory of this process; the last ones only, and for minutes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from gateway.guard.regurgitation import joined
from gateway.pipeline.ports import Clock

_PEOPLE = 10_000
_TTL_S = 600.0

Person = tuple[str, str]
"""Tenant and subject."""


class Turns:
    """Safe for threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[Person, tuple[float, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def last(self, person: Person) -> bytes:
        """Where the person's last answers have got to; empty if they were long ago."""
        with self._lock:
            until_s, carried = self._kept.get(person, (0.0, b""))
            return carried if self._clock() < until_s else b""

    def keep(self, person: Person, carried: bytes) -> None:
        """Other answers do not make it forget: a passage may go on after a question about the weather."""
        with self._lock:
            until_s, before = self._kept.pop(person, (0.0, b""))
            if self._clock() < until_s:
                carried = joined(before, carried)
            self._kept[person] = (self._clock() + _TTL_S, carried)
            while len(self._kept) > _PEOPLE:
                self._kept.popitem(last=False)
