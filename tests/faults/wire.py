"""Requests as no well-behaved client would send them, and what must be true of every answer to them."""

from __future__ import annotations

import http.client
import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import ANY
from urllib.parse import urlsplit

from tests.support.gateway import GatewayProcess

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
CANARY = "xq7canary"
"""A word that tests put where it must not come back from."""
TIMEOUT_S = 30

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    413: "invalid_request_error",
    502: "upstream_error",
    503: "service_unavailable",
    504: "upstream_error",
}
_REQUEST_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[str]:
        """The payloads of a stream, in order."""
        blocks = self.body.decode().split("\n\n")
        assert blocks[-1] == "", "a stream ends with a whole event"
        assert all(block.startswith("data: ") for block in blocks[:-1])
        return [block.removeprefix("data: ") for block in blocks[:-1]]

    @property
    def streamed_text(self) -> str:
        """The content of the first choice, as far as it came."""
        documents = [json.loads(event) for event in self.events if event != "[DONE]"]
        choices = [choice for document in documents for choice in document.get("choices", ())]
        return "".join(choice["delta"].get("content") or "" for choice in choices if choice["index"] == 0)


def chat(content: Any = "hello", **fields: Any) -> dict[str, Any]:
    """A valid request, but for what the test changes in it."""
    return {"model": "llama", "messages": [{"role": "user", "content": content}], **fields}


def ask(
    gateway: GatewayProcess,
    body: bytes | str | dict[str, Any] = b"",
    *,
    path: str = CHAT,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request on a connection of its own. `headers` replace those with the token."""
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode() if isinstance(body, dict) else body
    address = urlsplit(gateway.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT_S)
    try:
        sent = gateway.headers if headers is None else dict(headers)
        connection.request(method, path, raw, {"content-type": "application/json", **sent})
        response = connection.getresponse()
        return Answer(response.status, dict(response.headers.items()), response.read())
    finally:
        connection.close()


@contextmanager
def connected(gateway: GatewayProcess, *, receive_bytes: int | None = None) -> Iterator[socket.socket]:
    """A bare connection. `receive_bytes`: how much the kernel takes in without anybody reading it."""
    address = urlsplit(gateway.url)
    with socket.socket() as opened:
        if receive_bytes is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        opened.settimeout(TIMEOUT_S)
        opened.connect((address.hostname, address.port))
        yield opened


def head(gateway: GatewayProcess, *lines: str, path: str = CHAT) -> bytes:
    """The headers of a POST with the token in them."""
    fixed = [f"POST {path} HTTP/1.1", "host: gateway", f"authorization: Bearer {gateway.token}"]
    return "\r\n".join([*fixed, *lines, "", ""]).encode()


def request_bytes(gateway: GatewayProcess, body: dict[str, Any]) -> bytes:
    raw = json.dumps(body).encode()
    return head(gateway, f"content-length: {len(raw)}") + raw


def read_answer(connection: socket.socket) -> Answer:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return Answer(response.status, dict(response.headers.items()), response.read())


def read_to_end(connection: socket.socket) -> bytes:
    """What still comes until the other side closes, be it rudely."""
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def assert_error(answer: Answer, status: int, code: str, *, param: Any = ANY) -> dict[str, Any]:
    """The envelope, whole and with nothing else in it. Returns what is in it."""
    assert (answer.status, _code(answer)) == (status, code), answer.body[:500]
    assert _REQUEST_ID.fullmatch(answer.headers["x-request-id"])
    assert answer.headers["content-type"] == "application/json"
    return assert_envelope(answer.document, status, code, param=param)


def assert_envelope(document: Any, status: int, code: str, *, param: Any = ANY) -> dict[str, Any]:
    assert set(document) == {"error"}
    error: dict[str, Any] = document["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["code"]) == (_TYPES[status], code)
    assert isinstance(error["message"], str)
    assert error["message"]
    assert error["param"] is None or isinstance(error["param"], str)
    assert CANARY not in json.dumps(error).lower()
    assert error["param"] == param
    return error


def _code(answer: Answer) -> Any:
    try:
        return answer.document["error"]["code"]
    except (ValueError, KeyError, TypeError):
        return None


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it becomes true within that time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
