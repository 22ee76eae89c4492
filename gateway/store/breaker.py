"""A circuit breaker: a store that failed again and again is left alone for a moment, so that nobody waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.store.port import StoreUnavailable, Trouble

FAILURES = 3
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 5.0
# The server answered, and said that it takes no more: reads still work, so they are no reason to stop asking.
_ANSWERS = frozenset({Trouble.FULL, Trouble.READ_ONLY})


class Breaker:
    """Closed, open for a while after so many failures in a row, then half open: one attempt shows what comes next.

    `clock` gives seconds and never goes back. Not for threads.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._pause_s = FIRST_PAUSE_S
        self._until: float | None = None
        self._probing = False

    def check(self) -> None:
        """Raises StoreUnavailable(SUSPENDED) if an attempt would be refused now."""
        if self._until is not None and (self._probing or self._clock() < self._until):
            raise StoreUnavailable(Trouble.SUSPENDED)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Around one operation, which raises StoreUnavailable if it fails. One that is cancelled shows nothing."""
        self.check()
        probe = self._until is not None
        self._probing = probe
        try:
            yield
        except StoreUnavailable as error:
            if error.trouble in _ANSWERS:
                self._answered()
            else:
                self._failed(probe)
            raise
        else:
            self._answered()
        finally:
            if probe:
                self._probing = False

    def _answered(self) -> None:
        self._failures = 0
        self._pause_s = FIRST_PAUSE_S
        self._until = None

    def _failed(self, probe: bool) -> None:
        if probe:
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        elif self._until is not None:
            return  # it began before the pause did, and says nothing new
        else:
            self._failures += 1
            if self._failures < FAILURES:
                return
        self._until = self._clock() + self._pause_s
