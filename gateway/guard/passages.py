"""Passages that must not leave: the filters of memorised documents, canaries and the system prompt do the same with
different readers. A reader holds what may become a passage; here is what happens when it is one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gateway.guard.edits import Wordless
from gateway.guard.regurgitation.watch import Filter
from gateway.guard.trail import Trail
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

    def carry(self) -> bytes:
        """Where the text has got to, for the readers of other texts."""
        ...

    def follow(self, carried: bytes) -> None:
        """Where other texts have got to by now."""
        ...


class Followed:
    """A reader that knows where the other texts of an answer are, and tells them where it is."""

    def __init__(self, reader: Reader, trail: Trail) -> None:
        self._reader = reader
        self._trail = trail
        self._known = -1
        self.hold_chars = reader.hold_chars

    @property
    def hit(self) -> object | None:
        return self._reader.hit

    def push(self, text: str) -> str:
        trail = self._trail
        if trail.version != self._known:
            self._reader.follow(trail.others(self))
            self._known = trail.version
        let_go = self._reader.push(text)
        self._tell()
        return let_go

    def flush(self) -> str:
        let_go = self._reader.flush()
        self._tell()
        return let_go

    def _tell(self) -> None:
        trail, before = self._trail, self._trail.version
        trail.go_on(self, self._reader.carry())
        # What it tells itself is nothing new to it.
        self._known += trail.version - before


class Stopping:
    """Ends the answer before the first passage."""

    def __init__(self, reader: Followed, rule: str, note: Callable[[], None], *, again: bool = False) -> None:
        self._reader = reader
        self._rule = rule
        self._note = note
        self._again = again
        self.hold_chars = reader.hold_chars

    def push(self, text: str) -> str:
        return self._checked(self._reader.push(text))

    def flush(self) -> str:
        return self._checked(self._reader.flush())

    def _checked(self, let_go: str) -> str:
        if self._reader.hit is None:
            return let_go
        self._note()
        raise Stopped(self._rule, let_go, again=self._again)


class Cutting:
    """Passes on what a filter makes that puts a mark in the place of each passage."""

    def __init__(self, marking: Filter, trail: Trail, note: Callable[[], None]) -> None:
        self._marking = marking
        self._reader = Followed(marking, trail)
        self._note = note
        self.hold_chars = marking.hold_chars

    def push(self, text: str) -> str:
        return self._reader.push(text)

    def flush(self) -> str:
        rest = self._reader.flush()
        for _ in self._marking.passages():
            self._note()
        return rest


class Watching:
    """Passes everything on at once, and tells of the first passage."""

    hold_chars = 0

    def __init__(self, reader: Followed, note: Callable[[], None]) -> None:
        self._reader = reader
        self._note = note
        self._told = False

    def push(self, text: str) -> str:
        self._reader.push(text)
        self._tell()
        return text

    def flush(self) -> str:
        self._reader.flush()
        self._tell()
        return ""

    def _tell(self) -> None:
        if self._reader.hit is not None and not self._told:
            self._told = True
            self._note()


def tokens(channel: Channel) -> StreamFilter | None:
    """For log probabilities, whose tokens would leave before their text is known: they leave without words."""
    return Wordless() if channel.field is Field.LOGPROBS else None
