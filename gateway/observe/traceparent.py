"""W3C Trace Context (https://www.w3.org/TR/trace-context/): which trace an exchange belongs to.

A client may say of which trace its request is a part, and nothing else: two ids of a fixed form are taken from its
header or none, and `tracestate` and `baggage` not at all. Whether a trace is kept is decided here.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

# Version 00 and nothing behind it: what a later version adds is nobody's to pass on.
_FORM = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


@dataclass(frozen=True, slots=True)
class Trace:
    """The ids of one exchange, in hex. `parent_id`: of the client's span, if it said so."""

    trace_id: str
    span_id: str
    upstream_id: str
    """Of the span in which the upstream is asked."""
    is_sampled: bool
    parent_id: str = ""

    @property
    def to_upstream(self) -> str:
        """The header `traceparent` for the upstream."""
        return f"00-{self.trace_id}-{self.upstream_id}-{'01' if self.is_sampled else '00'}"


class Tracer:
    """Gives exchanges their ids. `ratio`: which part of them is kept."""

    def __init__(self, ratio: float, chance: Callable[[], float] = random.random) -> None:
        self._ratio = ratio
        self._chance = chance

    def begin(self) -> Trace:
        """A trace of our own. Its ids need not be secret, only different."""
        sampled = self._chance() < self._ratio
        bits = f"{random.getrandbits(128) or 1:032x}"
        spans = f"{random.getrandbits(128):032x}"
        return Trace(bits, _not_zero(spans[:16]), _not_zero(spans[16:]), sampled)

    @staticmethod
    def joined(trace: Trace, header: bytes | None) -> Trace:
        """The same exchange as part of the trace that its client names, if its header has the form. To be asked only
        when it is known whose request it is."""
        match = _FORM.fullmatch(header) if header is not None else None
        if match is None:
            return trace
        trace_id, parent_id = match[1].decode(), match[2].decode()
        if trace_id == _NO_TRACE or parent_id == _NO_SPAN:
            return trace
        return Trace(trace_id, trace.span_id, trace.upstream_id, trace.is_sampled, parent_id)


def _not_zero(span_id: str) -> str:
    return span_id if span_id != _NO_SPAN else "1".zfill(16)
