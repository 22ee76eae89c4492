"""A client of the gateway on one kept connection. It reads answers whole or streamed, and never more than it has to."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

TIMEOUT_S = 60
_LOST = (OSError, http.client.HTTPException)


class Lost(Exception):
    """The connection broke."""


@dataclass(slots=True)
class Answer:
    """What came back. `said`: texts and arguments of tools, put together from the pieces of a stream."""

    status: int = 0
    code: str = ""
    """Of the error, also of one in the middle of a stream."""
    said: str = ""
    raw: bytes = b""
    document: Any = None
    whole: bool = False
    cache: str = ""

    @property
    def error(self) -> str:
        """In a word, with the status; empty if there is none."""
        if self.code:
            return f"{self.status} {self.code}"
        if self.status != 200:
            return str(self.status)
        return "" if self.whole else "broken off"


class Line:
    """A connection that is opened again when it broke."""

    def __init__(self, host: str, port: int, token: str) -> None:
        self._host, self._port, self._token = host, port, token
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, path: str, body: dict[str, Any]) -> Answer:
        """The answer to a request. Raises Lost if nothing of one came."""
        return self.send(path, json.dumps(body).encode(), stream=body.get("stream") is True)

    def send(self, path: str, raw: bytes, *, stream: bool = False, token: str | None = None) -> Answer:
        """The same for bytes, which need not be JSON. Raises Lost."""
        headers = {
            "content-type": "application/json",
            "authorization": f"Bearer {self._token if token is None else token}",
        }
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
            self._connection.request("POST", path, raw, headers)
            response = self._connection.getresponse()
        except _LOST as error:
            self.close()
            raise Lost(type(error).__name__) from None
        answer = Answer(response.status, cache=response.headers.get("x-cache", ""))
        streamed = stream and response.headers.get("content-type", "").startswith("text/event-stream")
        try:
            self._streamed(response, answer) if streamed else self._whole(response, answer)
        except (*_LOST, ValueError):
            # Also half an event.
            self.close()
        if response.will_close:
            self.close()
        return answer

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _whole(self, response: http.client.HTTPResponse, answer: Answer) -> None:
        answer.raw = response.read()
        answer.whole = True
        try:
            answer.document = json.loads(answer.raw)
        except ValueError:
            answer.code = "no_json"
            return
        if isinstance(answer.document, dict):
            answer.code = _code(answer.document)
            answer.said = "".join(piece for choice in answer.document.get("choices", ()) for piece in _texts(choice))

    def _streamed(self, response: http.client.HTTPResponse, answer: Answer) -> None:
        texts: dict[str, list[str]] = {"content": [], "arguments": []}
        for line in response:
            if not line.startswith(b"data: "):
                continue
            if line.startswith(b"data: [DONE]"):
                answer.whole = True
                response.read()
                break
            event = json.loads(line[6:])
            answer.code = answer.code or _code(event)
            for choice in event.get("choices", ()):
                for name, piece in _deltas(choice):
                    texts[name].append(piece)
            # Also what came before a break is looked at.
            answer.said = "".join(texts["content"]) + "".join(texts["arguments"])


def said_in(raw: bytes) -> str:
    """The text in what was read of a streamed answer, whether it came to its end or not."""
    said = []
    for line in raw.splitlines():
        with contextlib.suppress(ValueError):
            if line.startswith(b"data: {"):
                choices = json.loads(line[6:]).get("choices", ())
                said += [piece for choice in choices for _, piece in _deltas(choice)]
    return "".join(said)


def _code(document: dict[str, Any]) -> str:
    error = document.get("error")
    return str(error.get("code", "")) if isinstance(error, dict) else ""


def _texts(choice: dict[str, Any]) -> Iterator[str]:
    message = choice.get("message") or {}
    yield message.get("content") or ""
    for call in message.get("tool_calls") or ():
        yield call["function"]["arguments"]


def _deltas(choice: dict[str, Any]) -> Iterator[tuple[str, str]]:
    delta = choice.get("delta") or {}
    if delta.get("content"):
        yield "content", delta["content"]
    for call in delta.get("tool_calls") or ():
        if piece := (call.get("function") or {}).get("arguments"):
            yield "arguments", piece
