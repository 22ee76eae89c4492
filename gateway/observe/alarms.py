"""What went wrong without failing a request: counted each time, and said in the log once in a while."""

from __future__ import annotations

import logging
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter

_QUIET_S = 60.0
_LOG = logging.getLogger("gateway")


class Alarms:
    """Kinds of one part of the gateway. They are names of ours, so that there are only so many."""

    def __init__(self, part: str, registry: CollectorRegistry, clock: Callable[[], float]) -> None:
        self._part = part
        self._clock = clock
        self._count = Counter(
            f"gateway_{part}_mishaps", f"What went wrong in the {part}, by kind", ("kind",), registry=registry
        )
        self._said_s: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def report(self, kind: str) -> None:
        """Count it. The first of a kind gets a line in the log, and so does one a minute."""
        self._count.labels(kind).inc()
        self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
        now = self._clock()
        if now - self._said_s.get(kind, float("-inf")) >= _QUIET_S:
            self._said_s[kind] = now
            fields = {"part": self._part, "kind": kind, "times": self._unsaid.pop(kind)}
            _LOG.warning(f"something went wrong in the {self._part}", extra=fields)
