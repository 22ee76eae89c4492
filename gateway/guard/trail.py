"""Where the texts of one answer have got to in what must not leave: a passage may begin in one of them and go on in
another, be it a choice, a thought, a tool call or the next turn.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from gateway.guard.regurgitation import joined

_READERS = 16
"""So many that have got somewhere are remembered: more than one text can take up the ends of."""


class Trail:
    """Shared by the readers of one answer. `told` hears where they have got to, whenever that changes."""

    __slots__ = ("_before", "_ends", "_told", "version")

    def __init__(self, before: bytes = b"", told: Callable[[bytes], None] = lambda _: None) -> None:
        """`before`: where earlier answers have got to."""
        self._before = before
        self._told = told
        # Of readers that have got somewhere, the latest last.
        self._ends: OrderedDict[object, bytes] = OrderedDict()
        self.version = 0

    def others(self, reader: object) -> bytes:
        """Where all but one have got to."""
        carried = self._before
        for other, end in self._ends.items():
            if other is not reader:
                carried = joined(carried, end)
        return carried

    def go_on(self, reader: object, end: bytes) -> None:
        """A reader has got somewhere; `end` is empty if its text is nothing that is looked for."""
        if self._ends.get(reader, b"") == end:
            return
        self.version += 1
        self._ends.pop(reader, None)
        if not end:
            return
        self._ends[reader] = end
        if len(self._ends) > _READERS:
            self._ends.popitem(last=False)
        self._told(end)
