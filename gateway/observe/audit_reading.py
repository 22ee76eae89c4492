"""The lines of audit logs, one at a time, however large the files are. `.gz` files are read as what is in them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

MOST_LINE_BYTES = 2**20
"""A line of the gateway has a tenth of that at most."""


def raw_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Line numbers from 1 and lines, the last perhaps without its newline. What is longer than a line can be comes in
    pieces. Raises OSError, also if a compressed file is damaged."""
    number, goes_on = 0, False
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        while True:
            try:
                raw = file.readline(MOST_LINE_BYTES)
            except (EOFError, zlib.error):
                raise OSError(0, "the compressed file is damaged") from None
            if not raw:
                return
            number += not goes_on
            goes_on = not raw.endswith(b"\n")
            yield number, raw


def last_events(path: Path, most_bytes: int) -> Iterator[dict[str, Any] | None]:
    """The same of the end of a file that is being written: of no more than so many bytes, and of whole lines only."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if size > most_bytes:
            file.seek(size - most_bytes)
            file.readline(MOST_LINE_BYTES)
        while (raw := file.readline(MOST_LINE_BYTES)).endswith(b"\n") and file.tell() <= size:
            yield _event(raw)


def events_in(path: Path) -> Iterator[dict[str, Any] | None]:
    """What the lines of a file say; None for a line that cannot be read. Nothing is verified. Raises OSError."""
    for _, raw in raw_lines(path):
        yield _event(raw)


def _event(raw: bytes) -> dict[str, Any] | None:
    try:
        event = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return event if isinstance(event, dict) else None
