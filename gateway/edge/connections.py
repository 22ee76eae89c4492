"""The connections of one process, so many at most: a new one takes the place of the one that has waited longest.

Each takes a file descriptor, and whoever has none left can neither ask a model nor read a file. Who opens connections
and says nothing loses them to those that come later, the oldest first; nobody loses one while they are answered.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from typing import Final

from gateway.settings import ConfigurationError

FILES_OF_ITS_OWN: Final = 200
"""For Redis, files, pipes, and threads that start programs."""
FILES_AN_EXCHANGE: Final = 2
"""The client's and the upstream's."""
_MOST_FILES: Final = 2**20
_MOST: Final = 16_384
_FEWEST: Final = 16


LetGo = Callable[[], bool]
"""Ends a connection. Whether it has ended; if not, it is about to, and still takes its descriptor."""


class Connections:
    """Who is connected. Not for threads."""

    def __init__(self, most: int, report: Callable[[str], None]) -> None:
        """`report` is told what became of those that were too many: `let_go` or `refused`."""
        self._most = most
        self._report = report
        # In the order in which they began to wait, each with what lets go of it.
        self._waiting: dict[object, LetGo] = {}
        self._busy: set[object] = set()

    @property
    def count(self) -> int:
        return len(self._waiting) + len(self._busy)

    def waits(self, who: object, let_go: LetGo) -> None:
        """It is new, or has its answer: nothing is lost if it goes. One that waits already keeps its turn."""
        self._busy.discard(who)
        self._waiting[who] = let_go

    def works(self, who: object) -> None:
        """It is being answered."""
        self._waiting.pop(who, None)
        self._busy.add(who)

    def gone(self, who: object) -> None:
        self._waiting.pop(who, None)
        self._busy.discard(who)

    def make_room(self) -> bool:
        """For one more. False: all are being answered, so it can only be told to come again."""
        while self.count >= self._most and self._waiting:
            who = next(iter(self._waiting))
            if not self._waiting.pop(who)():
                self._busy.add(who)
            self._report("let_go")
        if self.count < self._most:
            return True
        self._report("refused")
        return False


def raise_file_limit() -> int:
    """Take all file descriptors that the system gives to a process, and say how many that are. Processes that are
    started from here on have as many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return _MOST_FILES if soft == resource.RLIM_INFINITY else soft


def connections_for(files: int, asked: int) -> int:
    """How many connections so many descriptors are enough for. `asked`: how many there should be; 0 for as many as can.

    Raises ConfigurationError if that is more.
    """
    possible = max(_FEWEST, (files - FILES_OF_ITS_OWN) // FILES_AN_EXCHANGE)
    if asked > possible:
        raise ConfigurationError(
            f"setting max_connections: {asked} of them take {FILES_OF_ITS_OWN + FILES_AN_EXCHANGE * asked} file "
            f"descriptors, and there are {files}; raise `ulimit -n`, or ask for at most {possible}"
        )
    return asked or min(possible, _MOST)
