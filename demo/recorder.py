"""A proxy between the gateway and the model, so that the demo can show what the model saw and said."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass

import aiohttp
from aiohttp import web


@dataclass(frozen=True, slots=True)
class Seen:
    """One request and its answer, as bytes."""

    path: str
    request: bytes
    answer: bytearray
    """Grows while the answer passes."""


class Recorder:
    """Passes everything on to `target` (a base URL ending in /v1), streams included, and remembers it."""

    def __init__(self, target: str) -> None:
        self.seen: list[Seen] = []
        self.url = ""
        self._target = target.removesuffix("/v1")
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._started.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._open())
        self._started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._close())

    async def _open(self) -> None:
        self._session = aiohttp.ClientSession(auto_decompress=False)
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    async def _close(self) -> None:
        await self._session.close()
        await self._runner.cleanup()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {"content-type": request.headers.get("content-type", "application/json")}
        url = self._target + request.path_qs
        async with self._session.request(request.method, url, data=body, headers=headers) as answered:
            response = web.StreamResponse(status=answered.status)
            response.content_type = answered.content_type
            # Noted before anything is passed on: whoever has read an answer to its end finds it here.
            seen = Seen(request.path, body, bytearray())
            self.seen.append(seen)
            await response.prepare(request)
            async for part in answered.content.iter_any():
                seen.answer.extend(part)
                await response.write(part)
            await response.write_eof()
        return response
