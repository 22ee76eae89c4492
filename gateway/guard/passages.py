"""Passages that must not leave: the filters of memorised documents, canaries and the system prompt do the same with
different readers. A reader holds what may become a passage; here is what happens when it is one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gateway.guard.edits import Wordless
from gateway.guard.regurgitation.watch import Filter
from gateway.pipeline.channel import Channel, Field
from gateway.pipeline.stage import Stopped, StreamFilter


class Reader(Protocol):
    """Lets text go that is no passage, and nothing more once there is one."""

    @property
    def hold_chars(self) -> int: ...

    @property
    def hit(self) -> object | None: ...

    def push(self, text: str) -> str: ...

    def flush(self) -> str: ...

    def carry(self) -> bytes: ...


class Stopping:
    """Ends the answer before the first passage. `carried` is told at the end what the next text needs to know."""

    def __init__(
        self,
        reader: Reader,
        rule: str,
        note: Callable[[], None],
        *,
        again: bool = False,
        carried: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self._reader = reader
        self._rule = rule
        self._note = note
        self._again = again
        self._carried = carried
        self.hold_chars = reader.hold_chars

    def push(self, text: str) -> str:
        return self._checked(self._reader.push(text))

    def flush(self) -> str:
        rest = self._checked(self._reader.flush())
        self._carried(self._reader.carry())
        return rest

    def _checked(self, let_go: str) -> str:
        if self._reader.hit is None:
            return let_go
        self._note()
        self._carried(self._reader.carry())
        raise Stopped(self._rule, let_go, again=self._again)


class Cutting:
    """Passes on what a reader makes that puts a mark in the place of each passage."""

    def __init__(
        self, reader: Filter, note: Callable[[], None], carried: Callable[[bytes], None] = lambda _: None
    ) -> None:
        self._reader = reader
        self._note = note
        self._carried = carried
        self.hold_chars = reader.hold_chars

    def push(self, text: str) -> str:
        return self._reader.push(text)

    def flush(self) -> str:
        rest = self._reader.flush()
        for _ in self._reader.passages():
            self._note()
        self._carried(self._reader.carry())
        return rest


class Watching:
    """Passes everything on at once, and tells of the first passage."""

    hold_chars = 0

    def __init__(
        self, reader: Reader, note: Callable[[], None], carried: Callable[[bytes], None] = lambda _: None
    ) -> None:
        self._reader = reader
        self._note = note
        self._carried = carried
        self._told = False

    def push(self, text: str) -> str:
        self._reader.push(text)
        self._tell()
        return text

    def flush(self) -> str:
        self._reader.flush()
        self._tell()
        self._carried(self._reader.carry())
        return ""

    def _tell(self) -> None:
        if self._reader.hit is not None and not self._told:
            self._told = True
            self._note()


def tokens(channel: Channel) -> StreamFilter | None:
    """For log probabilities, whose tokens would leave before their text is known: they leave without words."""
    return Wordless() if channel.field is Field.LOGPROBS else None
