"""What there is to read: files of folders in one order, in pieces that one process reads at a time.

The pieces and their grouping depend on names and sizes only, never on the number of processes: the same folder gives
the same index. A file that is added or changed moves no other group but its own, so that an interrupted or repeated
build finds the work on all others done.
"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gateway.guard.regurgitation.reading.kinds import Kind, kind_of

STDIN = "-"
PIECE_BYTES = 8 * 2**20
_GROUP_FILES = 4096
_COSTLY = {Kind.PDF: 20, Kind.DOCX: 8, Kind.HTML: 4}
"""How much more there is to do per byte than for plain text, for groups of like duration."""
_ENDS_GROUP = 32
"""One name in so many ends a group, so that groups find their old borders again after a file that is new."""
_READ_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Source:
    """A file, or whole lines of a file of JSON lines. `raw`: the content itself, for what is in no file."""

    name: str
    """As it is shown, and the base of its documents' ids. Any character of a file's name may be in it."""
    path: Path | None
    kind: Kind
    start: int = 0
    end: int | None = None
    first_line: int = 1
    raw: bytes | None = field(default=None, repr=False)

    @property
    def cost(self) -> int:
        """In bytes of plain text."""
        return _COSTLY.get(self.kind, 1) * ((self.end or 0) - self.start)


@dataclass(frozen=True, slots=True)
class Unusable:
    """A path that is not read, and why; `is_fault` is false for what has no text anyway."""

    name: str
    why: str
    is_fault: bool = True


Found = Source | Unusable


def found(paths: Iterable[Path]) -> Iterator[Found]:
    """All sources below the paths, in the order given and by name within folders. Hidden files are left out, and so are
    links that lead out of the folder. A path that is no folder is read whatever it is called."""
    seen: set[tuple[int, int]] = set()
    for path in paths:
        if not path.is_dir():
            yield from _of_file(path, seen)
            continue
        root = os.path.realpath(path)
        for inner in _walk(path, root):
            yield from _of_file(inner, seen) if isinstance(inner, Path) else (inner,)


def _walk(folder: Path, root: str) -> Iterator[Path | Unusable]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield Unusable(shown(folder), f"cannot be read ({error.strerror})")
        return
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith("."):
            continue
        if entry.is_symlink():
            # A link to a folder is a folder that is met elsewhere, or one outside.
            target = os.path.realpath(path)
            if not os.path.isdir(target) and os.path.commonpath((root, target)) == root:
                yield path
            else:
                yield Unusable(shown(path), "is a link out of the folder or to a folder; name its target", False)
        elif entry.is_dir():
            yield from _walk(path, root)
        else:
            yield path


def _of_file(path: Path, seen: set[tuple[int, int]]) -> Iterator[Found]:
    """The sources of one file. A file that is met twice, as by a link, is read once."""
    name = shown(path)
    try:
        status = os.stat(path)
    except OSError as error:
        yield Unusable(name, f"cannot be read ({error.strerror})")
        return
    kind, packed = kind_of(path.name)
    if not stat.S_ISREG(status.st_mode):
        yield Unusable(name, "is not an ordinary file")
    elif kind is Kind.PICTURE:
        yield Unusable(name, "has no text by its name", False)
    elif (status.st_dev, status.st_ino) not in seen:
        seen.add((status.st_dev, status.st_ino))
        if kind is Kind.LINES and not packed:
            yield from _pieces(path, name)
        else:
            yield Source(name, path, kind, 0, status.st_size)


def _pieces(path: Path, name: str) -> Iterator[Found]:
    """A file of JSON lines in pieces that end with a line."""
    start, line = 0, 1
    try:
        with path.open("rb") as file:
            while True:
                end, lines = start, 0
                while block := file.read(_READ_BYTES):
                    end, lines = end + len(block), lines + block.count(b"\n")
                    if end - start >= PIECE_BYTES:
                        rest = file.readline()
                        end, lines = end + len(rest), lines + rest.endswith(b"\n")
                        break
                if end == start:
                    return
                yield Source(name, path, Kind.LINES, start, end, line)
                start, line = end, line + lines
    except OSError as error:
        yield Unusable(name, f"cannot be read ({error.strerror})")


def groups(sources: Iterable[Source]) -> Iterator[tuple[Source, ...]]:
    """Sources that are read together, in order."""
    group: list[Source] = []
    cost = 0
    for source in sources:
        group.append(source)
        cost += source.cost
        is_large = cost >= PIECE_BYTES
        is_border = cost >= PIECE_BYTES // 2 and zlib.crc32(source.name.encode()) % _ENDS_GROUP == 0
        if is_large or is_border or len(group) >= _GROUP_FILES:
            yield tuple(group)
            group, cost = [], 0
    if group:
        yield tuple(group)


def shown(path: Path) -> str:
    """A path as text: bytes that are no UTF-8 are spelled out. Forward slashes on every system."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")
