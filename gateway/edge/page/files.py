"""The files of the page. Anybody may have them: there is nothing in them but the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from gateway.access.urls import has_token, token_in_url
from gateway.edge.body import Receive
from gateway.edge.envelope import SECURITY_HEADERS, HeaderList, Send, send_error
from gateway.policy.schema import Policy

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".svg": b"image/svg+xml",
    ".html": b"text/html",
    ".css": b"text/css",
    ".js": b"text/javascript",
    ".json": b"application/json",
}
_CONTENT_SECURITY_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; "
    b"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS: HeaderList = (
    *SECURITY_HEADERS,
    (b"content-security-policy", _CONTENT_SECURITY_POLICY),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), display-capture=(), geolocation=(), microphone=(), usb=()"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)


class PageFile:
    """An ASGI endpoint that gives one file, from memory."""

    methods = ("GET",)

    def __init__(self, path: str, body: bytes, media_type: bytes) -> None:
        self.path = path
        self._body = body
        self._headers = [
            (b"content-type", media_type + b"; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            *_HEADERS,
        ]

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if has_token(scope):
            await send_error(send, token_in_url())
            return
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body})


def page_files() -> Iterator[PageFile]:
    """`/ui` itself, what it is made of, and the JSON Schema of policies."""
    for file in sorted(file for file in _FOLDER.iterdir() if file.suffix in _TYPES):
        path = "/ui" if file.name == "index.html" else f"/ui/{file.name}"
        yield PageFile(path, file.read_bytes(), _TYPES[file.suffix])
    yield PageFile("/ui/policy.schema.json", orjson.dumps(Policy.model_json_schema()), _TYPES[".json"])
