"""The clock: expiry of tokens, of JWTs and of entries, and the audit log rely on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from gateway.doctor.result import Result, bad, good, warn

_BUILT = 2026
"""The year of this release: a clock before it is wrong."""
_MOST_S = 5.0


def judge(now: datetime, ahead_s: Mapping[str, float]) -> Iterator[Result]:
    """`ahead_s`: how far the clocks of others are before ours."""
    remedy = "set the clock, and keep it right with NTP: `timedatectl`"
    if now.year < _BUILT:
        yield bad("clock", f"it says {now:%Y-%m-%d}, before this gateway was made", remedy)
        return
    far = {name: seconds for name, seconds in ahead_s.items() if abs(seconds) > _MOST_S}
    for name, seconds in far.items():
        side = "before" if seconds > 0 else "behind"
        yield warn("clock", f"that of {name} is {abs(seconds):.0f} s {side} this one", f"{remedy}, there or here")
    if not far:
        others = f", as {', '.join(ahead_s)} within {_MOST_S:g} s" if ahead_s else ""
        yield good(f"clock: {now:%Y-%m-%d %H:%M} UTC{others}")
