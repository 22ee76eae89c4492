"""How much may be read of one document, and how long that may take."""

from __future__ import annotations

from dataclasses import dataclass

_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one document: sizes in bytes and characters, times in seconds."""

    file_bytes: int = 256 * _MIB
    """Of one file as it is stored; of a file of JSON lines that is not compressed only one line has to fit."""
    unpacked_bytes: int = 256 * _MIB
    """Of all that is unpacked of one file."""
    text_chars: int = 64 * _MIB
    pages: int = 20_000
    seconds: float = 120.0
    worker_bytes: int = 4096 * _MIB
    """The address space of one process that reads."""


LIMITS = Limits()
