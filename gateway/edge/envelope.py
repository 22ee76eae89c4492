"""The error envelope and the plain JSON answers, as ASGI messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

import orjson

from gateway.errors import GatewayError

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
HeaderList = Sequence[tuple[bytes, bytes]]

SECURITY_HEADERS: HeaderList = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)


def error_object(error: GatewayError) -> dict[str, Any]:
    return {"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}}


def error_headers(error: GatewayError) -> list[tuple[bytes, bytes]]:
    headers = list(error.headers)
    if error.retry_after_s is not None:
        headers.append((b"retry-after", str(error.retry_after_s).encode()))
    if error.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    return headers


async def send_json(send: Send, status: int, document: Any, headers: HeaderList = ()) -> None:
    """One whole JSON answer."""
    body = orjson.dumps(document)
    fixed = ((b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": [*fixed, *SECURITY_HEADERS, *headers]})
    await send({"type": "http.response.body", "body": body})


async def send_error(send: Send, error: GatewayError, headers: HeaderList = ()) -> None:
    await send_json(send, error.status, error_object(error), [*headers, *error_headers(error)])
