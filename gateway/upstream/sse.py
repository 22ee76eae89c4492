"""Server-sent events out of a byte stream: bytes in, whole JSON objects out, whatever way the bytes are cut.

Only `data:` lines carry anything here; events that are not JSON, and streams that end in the middle, are errors.
Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

MAX_EVENT_BYTES = 8 * 2**20


class MalformedStream(ValueError):
    """The bytes are not the stream of an OpenAI-compatible server. Quotes nothing of them."""


class EventParser:
    """`feed` bytes as they come; `done` tells whether the end mark has been seen."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._data_bytes = 0
        self.done = False

    def feed(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > MAX_EVENT_BYTES:
            raise MalformedStream("an event is too long")
        for ended in lines:
            line = ended.rstrip(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].lstrip(b" "))
                self._data_bytes += len(line)
                if self._data_bytes > MAX_EVENT_BYTES:
                    raise MalformedStream("an event is too long")
            elif not line and self._data:
                event = b"\n".join(self._data)
                self._data.clear()
                self._data_bytes = 0
                if event == b"[DONE]":
                    self.done = True
                    return
                yield parse_object(event)


def parse_object(raw: bytes) -> dict[str, Any]:
    """A JSON object. Raises MalformedStream, without a word of what it was."""
    try:
        parsed = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise MalformedStream("not JSON") from None
    if not isinstance(parsed, dict):
        raise MalformedStream("not a JSON object")
    return parsed
