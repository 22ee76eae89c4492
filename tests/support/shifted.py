"""`python -m tests.support.shifted FILE serve …`: the gateway with a wall clock that a test sets.

The file holds how many seconds the clock is off; without it the clock is right. The monotonic clock is left alone, as
it is when an operator sets the time of a machine.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from gateway.cli.main import run


def _shift(file: Path) -> None:
    right = time.time

    def shifted() -> float:
        return right() + (float(file.read_text()) if file.exists() else 0.0)

    time.time = shifted


if __name__ == "__main__":
    _shift(Path(sys.argv[1]))
    sys.exit(run(sys.argv[2:]))
