"""Turns an upstream's vectors into the client's: numbers, one vector for each input, and nothing else.

No filter reads them, since there is no text in them. What was embedded is what the model sees: texts with placeholders.
"""

from __future__ import annotations

import base64
import math
from array import array
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from gateway.edge.answers import Head, usage_of
from gateway.errors import UpstreamFailed

_MOST_NUMBERS = 65_536


class EmbeddingsWriter:
    """Writes the answer to one request for embeddings, which is never streamed."""

    wants_another = False
    blocked_choices: Collection[int] = ()
    rules: Collection[str] = ()
    unfinished: Collection[int] = ()

    def __init__(self, head: Head, body: Mapping[str, Any]) -> None:
        """`body`: the request, which has passed its checks."""
        asked = body["input"]
        self._inputs = len(asked) if isinstance(asked, list) else 1
        self._written = _base64 if body.get("encoding_format") == "base64" else _numbers
        self._head = head
        self.usage: dict[str, Any] | None = None

    def whole(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Raises UpstreamFailed if this is no answer to the request."""
        data = answer.get("data")
        if not isinstance(data, list) or len(data) != self._inputs:
            raise UpstreamFailed("The model server's answer has not one vector for each input.")
        if isinstance(answer.get("usage"), dict):
            self.usage = usage_of(answer["usage"])
        return {
            "object": "list",
            "data": [self._vector(index, raw) for index, raw in enumerate(data)],
            "model": self._head.model,
            "usage": self.usage or {"prompt_tokens": 0, "total_tokens": 0},
        }

    def chunk(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """Raises UpstreamFailed."""
        raise UpstreamFailed("The model server's answer is a stream.")

    def _vector(self, index: int, raw: Any) -> dict[str, Any]:
        if not isinstance(raw, dict) or raw.get("index") != index:
            raise UpstreamFailed("The model server's vectors are not those of the inputs, in their order.")
        return {"object": "embedding", "index": index, "embedding": self._written(raw.get("embedding"))}


def _numbers(raw: Any) -> list[float]:
    if isinstance(raw, list) and len(raw) <= _MOST_NUMBERS and all(type(number) in (float, int) for number in raw):
        return raw
    raise UpstreamFailed("The model server's answer has a vector that is not one of numbers.")


def _base64(raw: Any) -> str:
    """32-bit floats, as the client asked for them."""
    if isinstance(raw, str) and len(raw) <= 6 * _MOST_NUMBERS:
        with suppress(ValueError):
            if all(map(math.isfinite, array("f", base64.b64decode(raw, validate=True)))):
                return raw
    raise UpstreamFailed("The model server's answer has a vector that is not one of numbers in base64.")
