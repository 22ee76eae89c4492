"""A scripted OpenAI-compatible server on loopback: it records what it gets and answers what a test tells it to.

It stands in for vLLM where a test needs an answer that no model gives at will (faults, exact texts, exact cuts).
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


def completion(content: str | None, **message: Any) -> dict[str, Any]:
    """A whole chat completion as vLLM writes it, extra keys included."""
    return {
        "id": "chatcmpl-upstream",
        "object": "chat.completion",
        "created": 1750000000,
        "model": "upstream-model",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, **message},
                "finish_reason": "stop",
                "stop_reason": None,
                "token_ids": [1, 2],
            }
        ],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
        "prompt_token_ids": [1, 2, 3],
        "system_fingerprint": "vllm-x",
    }


def chunks(pieces: Sequence[str], *, choice: int = 0, finish: str = "stop") -> list[dict[str, Any]]:
    """The events of a streamed chat completion."""

    def event(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        return {
            "id": "chatcmpl-upstream",
            "object": "chat.completion.chunk",
            "created": 1750000000,
            "model": "upstream-model",
            "choices": [{"index": choice, "delta": delta, "finish_reason": reason, "token_ids": None}],
        }

    return [
        event({"role": "assistant", "content": ""}),
        *(event({"content": piece}) for piece in pieces),
        event({}, finish),
    ]


@dataclass
class ScriptedUpstream:
    """`handler` decides each answer; `bodies` are the JSON bodies that came, `raw` the bytes, `paths` where to."""

    handler: Handler | None = None
    bodies: list[dict[str, Any]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    aborted: int = 0
    url: str = ""

    def reset(self) -> None:
        self.handler = None
        self.aborted = 0
        for record in (self.bodies, self.raw, self.paths):
            record.clear()

    def says(self, content: str) -> None:
        """Answer with this text, whole or streamed in pieces of three characters."""

        async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
            if body.get("stream"):
                return await stream(request, chunks([content[i : i + 3] for i in range(0, len(content), 3)]))
            return web.json_response(completion(content))

        self.handler = answer

    def echoes(self) -> None:
        """Answer with the last message (or the prompt) as the upstream got it."""

        async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
            said = body["messages"][-1]["content"] if "messages" in body else body["prompt"]
            text = said if isinstance(said, str) else json.dumps(said)
            if "messages" not in body:
                return web.json_response(text_completion(text))
            if body.get("stream"):
                return await stream(request, chunks([text[i : i + 3] for i in range(0, len(text), 3)]))
            return web.json_response(completion(text))

        self.handler = answer

    def streams(self, events: Sequence[dict[str, Any]]) -> None:
        async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
            return await stream(request, events)

        self.handler = answer

    def answers(self, document: Any, status: int = 200) -> None:
        async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
            return web.json_response(document, status=status)

        self.handler = answer

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = json.loads(raw)
        self.raw.append(raw)
        self.bodies.append(body)
        self.paths.append(request.path)
        if self.handler is None:
            self.echoes()
        assert self.handler is not None
        try:
            return await self.handler(request, body)
        except (asyncio.CancelledError, ConnectionResetError):
            self.aborted += 1
            raise

    async def _models(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"object": "list", "data": []})

    def app(self) -> web.Application:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/{path:.*}", self._serve)
        app.router.add_get("/v1/models", self._models)
        return app


def text_completion(text: str) -> dict[str, Any]:
    return {
        "id": "cmpl-upstream",
        "object": "text_completion",
        "created": 1750000000,
        "model": "upstream-model",
        "choices": [{"index": 0, "text": text, "finish_reason": "stop", "logprobs": None, "prompt_logprobs": None}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
    }


async def stream(request: web.Request, events: Sequence[dict[str, Any]], *, done: bool = True) -> web.StreamResponse:
    """Server-sent events, ended by the end mark unless a test wants it missing."""
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for event in events:
        await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
    if done:
        await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


class Background:
    """Runs a scripted upstream in a thread with an event loop of its own."""

    def __init__(self, upstream: ScriptedUpstream, tls: ssl.SSLContext | None = None) -> None:
        self._upstream = upstream
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> ScriptedUpstream:
        self._thread.start()
        assert self._started.wait(10)
        return self._upstream

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(self._upstream.app(), handler_cancellation=True, shutdown_timeout=1)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._tls)
        self._loop.run_until_complete(site.start())
        port = runner.addresses[0][1]
        self._upstream.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}/v1"
        self._started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
