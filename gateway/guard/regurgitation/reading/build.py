"""A build from its sources to the parts of an index, which goes on where an earlier one was stopped."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from gateway.guard.regurgitation.reading.documents import Fault
from gateway.guard.regurgitation.reading.kinds import Kind
from gateway.guard.regurgitation.reading.parts import LOCK, Parts, Record, parts_folder
from gateway.guard.regurgitation.reading.sources import PIECE_BYTES, Found, Source, Unusable, groups
from gateway.guard.regurgitation.reading.workers import Task, records
from gateway.seal.files import locked
from gateway.settings import ConfigurationError

_STDIN = "stdin"
_LOCK_S = 0.5
_BLANK = b" \t\r\n"


class Watcher:
    """Is told how a build goes. This one does not care."""

    def read(self, size_bytes: int, record: Record) -> None:
        """A group of sources of so many bytes has been read."""

    def starts_over(self) -> None:
        """What an earlier build has left is done anew."""

    def fault(self, fault: Fault) -> None:
        """Something could not be read, or was read in a way that its owner should know of."""


@dataclass
class Reading:
    """What has been read: files of parts in the order of their sources, and counts."""

    parts: list[Path] = field(default_factory=list)
    documents: int = 0
    chars: int = 0
    losses: int = 0
    """Documents or files that could not be read, or not whole."""


@contextmanager
def read_into_parts(
    index: Path,
    make_task: Callable[[Path], Task],
    sources: Iterable[Found],
    jobs: int,
    watcher: Watcher,
    resume: bool = False,
) -> Iterator[Reading]:
    """All sources, read into a folder beside the index, which is removed when the block ends well.

    `make_task` gets the folder; `resume`: what is there already counts. Raises ConfigurationError if nothing could be
    read, or if the folder cannot be used, also by two builds at a time.
    """
    parts = Parts(parts_folder(index))
    _allow_open_files()
    try:
        parts.make()
        with locked(parts.folder / LOCK, _LOCK_S):
            if not resume and parts.clear():
                watcher.starts_over()
            reading = Reading()
            _read(make_task(parts.folder), sources, jobs, watcher, reading)
            if reading.documents:
                yield reading
            parts.remove()
        if not reading.documents:
            raise ConfigurationError("nothing could be read; nothing was written")
    except TimeoutError:
        raise ConfigurationError(f"{parts.folder}: another build of this index is under way; wait for it") from None
    except OSError as error:
        raise ConfigurationError(f"{error.filename or parts.folder}: cannot be written ({error.strerror})") from None


def _allow_open_files() -> None:
    """As many as may be: all parts are open when the index is written."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _read(task: Task, sources: Iterable[Found], jobs: int, watcher: Watcher, reading: Reading) -> None:
    def usable() -> Iterator[Source]:
        for source in sources:
            if isinstance(source, Source):
                yield source
            else:
                note(Fault(source.name, source.why, source.is_fault))

    def note(fault: Fault) -> None:
        reading.losses += fault.is_loss
        watcher.fault(fault)

    for group, record in records(task, groups(usable()), jobs):
        for fault in record.faults:
            note(fault)
        reading.parts += [task.folder / part for part in record.parts]
        reading.documents += record.documents
        reading.chars += record.chars
        watcher.read(sum((source.end or 0) - source.start for source in group), record)


def of_stream(stream: IO[bytes], limit: int) -> Iterator[Found]:
    """One text, or JSON lines if it begins with a brace. Nothing of it is written to a file on the way."""
    head = stream.read(PIECE_BYTES)
    if head.lstrip(_BLANK).startswith(b"{"):
        yield from _lines(head, stream, limit)
        return
    raw = head + stream.read(limit + 1 - len(head)) if len(head) == PIECE_BYTES else head
    if len(raw) > limit:
        yield Unusable(_STDIN, f"is over {limit // 2**20} MiB; send it in pieces, as JSON lines")
    elif raw:
        yield Source(_STDIN, None, Kind.TEXT, 0, len(raw), raw=raw)


def _lines(head: bytes, stream: IO[bytes], limit: int) -> Iterator[Found]:
    start, line, raw = 0, 1, head
    while raw:
        if not raw.endswith(b"\n"):
            raw += stream.readline(limit)
        yield Source(_STDIN, None, Kind.LINES, start, start + len(raw), line, raw)
        start, line = start + len(raw), line + raw.count(b"\n")
        raw = stream.read(PIECE_BYTES)


def standard_input() -> IO[bytes]:
    """As bytes."""
    return sys.stdin.buffer
