"""The memory of each worker of the gateway, looked at once a second."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

_EVERY_S = 1.0
_PAGES = 4096
_FEWEST = 15
Points = Sequence[tuple[float, float]]
Series = dict[int, list[tuple[float, float]]]
"""By process id: seconds since the start of the run, and MiB that the process has in memory then."""


class MemoryWatch:
    """A thread that looks until the block ends. A worker that replaces one that died has a series of its own."""

    def __init__(self, pids: Callable[[], list[int]]) -> None:
        self._pids = pids
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._began = 0.0
        self.series: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)

    def __enter__(self) -> MemoryWatch:
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(5)

    def _look(self) -> None:
        while not self._over.wait(_EVERY_S):
            for pid in self._pids():
                with contextlib.suppress(OSError):
                    pages = int(Path(f"/proc/{pid}/statm").read_text("utf-8").split()[1])
                    self.series[pid].append((time.monotonic() - self._began, pages * _PAGES / 2**20))


def growth(points: Points) -> float:
    """MiB a minute over the second half of a series, by least squares; 0 if that is too short to tell."""
    half = points[len(points) // 2 :]
    if len(half) < _FEWEST:
        return 0.0
    mean_s = sum(at for at, _ in half) / len(half)
    mean_mib = sum(mib for _, mib in half) / len(half)
    spread = sum((at - mean_s) ** 2 for at, _ in half)
    return 60 * sum((at - mean_s) * (mib - mean_mib) for at, mib in half) / spread
