"""What the check of an audit log remembers and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.observe.audit_lines import HeadMark, Line


class Level(StrEnum):
    """How bad it is."""

    FOUND = "found"
    """Somebody changed something, or something is lost."""
    OPEN = "open"
    """It cannot be said of all lines that they are what was written."""
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to say. `line` is 0 if it is of no line."""

    level: Level
    file: str
    line: int
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        return f"{place}{self.text}"


@dataclass(slots=True)
class Piece:
    """What a file has of a chain."""

    file: str
    line: int
    first: Line
    last: Line
    last_line: int
    signed: int = -1
    """The number of the last line that a signature holds."""
    tail: dict[int, str] = field(default_factory=dict)
    """Hashes of the last signed line and of those after it."""
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class Torn:
    """The beginning of a line, without its end."""

    file: str
    line: int
    chain: str
    seq: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Anchor:
    """What something outside a chain says of it."""

    mark: HeadMark
    source: str


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """How a chain came out, for those who read the result."""

    chain: str
    lines: int
    signed: int
    state: str
    """ended, being written, or no end mark."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found, and what was looked at."""

    remarks: tuple[Remark, ...]
    chains: tuple[ChainEnd, ...]
    lines: int
    keys: tuple[str, ...]
    """The public keys by which something is truly signed."""

    @property
    def exit_code(self) -> int:
        """0: all is as it was written; 1: it is not; 3: as far as can be said."""
        levels = {remark.level for remark in self.remarks}
        return 1 if Level.FOUND in levels else 3 if Level.OPEN in levels else 0
