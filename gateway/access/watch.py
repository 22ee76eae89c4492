"""Notices that a file has changed, by looking at it at most once a second."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

_LOOK_EVERY_S = 1.0


Stamp = tuple[int, int, int, int] | None
"""What changes with a file; None for one that is not there."""
_FORGOTTEN = (-1, -1, -1, -1)


class Watch:
    """Make it before the file is read, so that no change falls between."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._seen = stamp_of(path)
        self._look_at = clock() + _LOOK_EVERY_S

    def changed(self) -> bool:
        """Whether the file is another than when this was last asked."""
        now = self._clock()
        if now < self._look_at:
            return False
        self._look_at = now + _LOOK_EVERY_S
        stamp = stamp_of(self._path)
        if stamp == self._seen:
            return False
        self._seen = stamp
        return True

    def forget(self) -> None:
        """Take the file for changed at the next look."""
        self._seen = _FORGOTTEN


def stamp_of(path: Path) -> Stamp:
    """As the file is now."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    # The last one changes also with who may read the file.
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns
