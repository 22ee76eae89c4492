"""Plays a case of tests/golden/cases against a gateway and puts down what went over the wire.

A case is a folder:

    request.json            what the client sends; `prompt` goes to /v1/completions, `messages` to /v1/chat/completions
    upstream_answer.json    what vLLM answers, as it writes it; or, for a stream, its very bytes in
    upstream_answer.sse
    upstream_request.json   what vLLM must get
    answer.json             what the client must get, or
    answer.sse

What differs from run to run is replaced by a word in angle brackets that no placeholder looks like.
"""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from tests.support.gateway import GatewayProcess
from tests.support.upstream import ScriptedUpstream

CASES = Path(__file__).parent / "cases"
PRIVATE = ("Ada Lovelace", "Conan O'Brien", "ada@example.org", "E-123456", "+1 212 555 0123", "12125550123")
"""All personal data in the requests of all cases that a placeholder stands for."""

_ID = re.compile(r"\b(chatcmpl|cmpl)-[0-9a-f]{32}\b")


@dataclass(frozen=True)
class Wire:
    """One exchange as it was seen on both sides, volatile parts replaced; texts ready to be written to files."""

    upstream_request: str
    answer: str
    raw_upstream_request: bytes
    content_type: str


def names() -> list[str]:
    return sorted(path.name for path in CASES.iterdir() if path.is_dir())


def answer_file(name: str) -> Path:
    """Where the expected answer stands: its kind is that of the upstream's."""
    return CASES / name / ("answer.sse" if _is_stream(name) else "answer.json")


def play(name: str, gateway: GatewayProcess, upstream: ScriptedUpstream, *, piece_bytes: int = 0) -> Wire:
    """Send the request of a case through the gateway. `piece_bytes`: the upstream writes its stream in such pieces."""
    request = (CASES / name / "request.json").read_bytes()
    upstream.handler = _script(name, piece_bytes)
    status, content_type, body = _post(gateway, _path(json.loads(request)), request)
    assert status == 200, body
    return Wire(
        upstream_request=pretty({**upstream.bodies[-1], "cache_salt": "<salt>"}),
        answer=_normal(body) if _is_stream(name) else pretty(json.loads(_normal(body))),
        raw_upstream_request=upstream.raw[-1],
        content_type=content_type,
    )


def pretty(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _is_stream(name: str) -> bool:
    return (CASES / name / "upstream_answer.sse").exists()


def _path(request: dict[str, Any]) -> str:
    return "/v1/completions" if "prompt" in request else "/v1/chat/completions"


def _normal(answer: str) -> str:
    return _ID.sub(r"\1-<id>", answer)


def _post(gateway: GatewayProcess, path: str, body: bytes) -> tuple[int, str, str]:
    address = urlsplit(gateway.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    try:
        connection.request("POST", path, body, {**gateway.headers, "content-type": "application/json"})
        response = connection.getresponse()
        return response.status, response.headers["content-type"], response.read().decode()
    finally:
        connection.close()


def _script(name: str, piece_bytes: int) -> Any:
    """The upstream's part: exactly the bytes of the file."""
    if not _is_stream(name):
        document = (CASES / name / "upstream_answer.json").read_bytes()

        async def whole(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
            return web.Response(body=document, content_type="application/json")

        return whole
    events = (CASES / name / "upstream_answer.sse").read_bytes()
    size = piece_bytes or len(events)

    async def streamed(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        for start in range(0, len(events), size):
            await response.write(events[start : start + size])
        await response.write_eof()
        return response

    return streamed
