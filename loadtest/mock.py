"""`python -m loadtest.mock --port N --folder F`: stands in for vLLM. It searches each body for values, and quotes.

An answer quotes the placeholders of the request in their order, so that the gateway has something to restore. What a
body had that it should not have is a line in F/upstream-leaks.jsonl; F/upstream-bodies grows by one byte for each body
that was searched. Both survive the end of this process, however it comes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import aiohttp
import orjson
import uvloop
from aiohttp import web

from loadtest.prompts import counted
from loadtest.search import found, marked

LEAKS, BODIES = "upstream-leaks.jsonl", "upstream-bodies"
_PLACEHOLDER = re.compile(r"<[A-Z][A-Z_]*(?:_[1-9]\d*)?>")
_MOST_BYTES = 64 * 2**20
_PIECE_CHARS = (5, 3, 11, 2, 7)
_PACE_S = 0.004
_HEAD = {"id": "chatcmpl-mock", "created": 1750000000, "model": "mock"}
_FORWARDED = ("content-type",)


class Mock:
    """`swap`: each answer quotes what the request before it had. `forward`: a real server that answers instead."""

    def __init__(self, folder: Path, *, swap: bool = False, forward: str = "") -> None:
        self._leaks = (folder / LEAKS).open("ab", buffering=0)
        self._bodies = (folder / BODIES).open("ab", buffering=0)
        self._swap = swap
        self._forward = forward.rstrip("/")
        self._before: list[str] = []

    def app(self) -> web.Application:
        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_get("/v1/models", self._models)
        if self._forward:
            app.router.add_post("/v1/{path:.*}", self._pass_on)
        else:
            app.router.add_post("/v1/chat/completions", self._chat)
            app.router.add_post("/v1/embeddings", self._embeddings)
        return app

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": []})

    async def _searched(self, request: web.Request) -> bytes:
        """The body, after a look for what should not be in it, nor in the headers."""
        raw = await request.read()
        around = b"\n".join([str(request.rel_url).encode(), *(value for _, value in request.raw_headers)])
        for one in (*found(raw), *found(around)):
            _line(self._leaks, {"kind": one.kind, "value": one.value, "path": request.path})
        self._bodies.write(b".")
        return raw

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = orjson.loads(await self._searched(request))
        quotes = list(dict.fromkeys(quote for text in _said(body) for quote in _quotes(text)))
        if self._swap:
            quotes, self._before = self._before, quotes
        message, finish = _message(quotes, tools=bool(body.get("tools")))
        if body.get("stream"):
            return await _streamed(request, message, finish)
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return web.json_response({**_HEAD, "object": "chat.completion", "choices": [choice], "usage": _usage(message)})

    async def _embeddings(self, request: web.Request) -> web.Response:
        body = orjson.loads(await self._searched(request))
        inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
        data = [
            {"object": "embedding", "index": index, "embedding": [float(counted(said)), 0.5]}
            for index, said in enumerate(inputs)
        ]
        usage = {"prompt_tokens": len(inputs), "total_tokens": len(inputs)}
        return web.json_response({"object": "list", "data": data, "model": "mock", "usage": usage})

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        raw = await self._searched(request)
        url = f"{self._forward}/{request.match_info['path']}"
        headers = {name: request.headers[name] for name in _FORWARDED if name in request.headers}
        async with aiohttp.ClientSession() as session, session.post(url, data=raw, headers=headers) as answer:
            response = web.StreamResponse(
                status=answer.status, headers={"content-type": answer.headers["content-type"]}
            )
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response


def _said(body: dict[str, Any]) -> Iterator[str]:
    """What users said; the answers between are quotes already."""
    for message in body["messages"]:
        if message["role"] == "user" and isinstance(message["content"], str):
            yield message["content"]


def _quotes(text: str) -> list[str]:
    """Placeholders, and values where a gateway hides none, in their order."""
    quotes = [(match.start(), match[0]) for match in _PLACEHOLDER.finditer(text)]
    quotes += [(start, value.decode()) for start, value in marked(text.encode())] if text.isascii() else []
    return [quote for _, quote in sorted(quotes)]


def _message(quotes: list[str], *, tools: bool) -> tuple[dict[str, Any], str]:
    if tools:
        function = {"name": "note", "arguments": json.dumps({"known": quotes})}
        call = {"id": "call_mock", "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
    return {"role": "assistant", "content": f"This is what I know: {'; '.join(quotes)}. That is all."}, "stop"


def _usage(message: dict[str, Any]) -> dict[str, int]:
    said = len(message["content"] or "") // 4 + 1
    return {"prompt_tokens": 50, "completion_tokens": said, "total_tokens": 50 + said}


async def _streamed(request: web.Request, message: dict[str, Any], finish: str) -> web.StreamResponse:
    """In pieces of uneven length, so that placeholders are cut everywhere."""
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    await response.write(_event({"role": "assistant", "content": ""}))
    for delta in _deltas(message):
        await response.write(_event(delta))
        await asyncio.sleep(_PACE_S)
    end = {**_HEAD, "object": "chat.completion.chunk", "choices": [], "usage": _usage(message)}
    await response.write(_event({}, finish) + b"data: " + orjson.dumps(end) + b"\n\ndata: [DONE]\n\n")
    await response.write_eof()
    return response


def _deltas(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for call in message.get("tool_calls", ()):
        function = call["function"]
        yield {"tool_calls": [{**call, "index": 0, "function": {"name": function["name"], "arguments": ""}}]}
        for piece in _pieces(function["arguments"]):
            yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
    for piece in _pieces(message["content"] or ""):
        yield {"content": piece}


def _pieces(text: str) -> Iterator[str]:
    start = number = 0
    while start < len(text):
        length = _PIECE_CHARS[number % len(_PIECE_CHARS)]
        yield text[start : start + length]
        start, number = start + length, number + 1


def _event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + orjson.dumps({**_HEAD, "object": "chat.completion.chunk", "choices": [choice]}) + b"\n\n"


def _line(file: BinaryIO | Any, document: dict[str, Any]) -> None:
    file.write(orjson.dumps(document) + b"\n")


async def _serve(mock: Mock, port: int) -> None:
    # A client that is gone takes its answer with it, as at vLLM.
    runner = web.AppRunner(mock.app(), handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=512, reuse_address=True).start()
    print(f"ready http://127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m loadtest.mock")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--swap", action="store_true")
    parser.add_argument("--forward", default="")
    options = parser.parse_args()
    uvloop.run(_serve(Mock(options.folder, swap=options.swap, forward=options.forward), options.port))


if __name__ == "__main__":
    os.umask(0o077)
    main()
