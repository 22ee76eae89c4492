"""What the tests of `gateway doctor` share: a model server that has models and wants a key, and ways to ask results."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from gateway.doctor.result import Level, Result
from tests.support.upstream import ScriptedUpstream


@dataclass
class Models(ScriptedUpstream):
    """Lists `offered`, to those who have `key` if there is one."""

    offered: Any = field(default_factory=list)
    key: str | None = None
    status: int = 200
    version: Any = "0.11.2"
    date: str | None = None

    async def _models(self, request: web.Request) -> web.StreamResponse:
        if self.key is not None and request.headers.get("authorization") != f"Bearer {self.key}":
            # As careless as a server can be: it quotes what it was sent.
            return web.json_response({"error": dict(request.headers)}, status=401)
        headers = {"date": self.date} if self.date else {}
        return web.json_response({"object": "list", "data": self.offered}, status=self.status, headers=headers)

    async def _say_version(self, request: web.Request) -> web.StreamResponse:
        assert "authorization" not in request.headers
        return web.json_response({"version": self.version})

    def app(self) -> web.Application:
        app = super().app()
        app.router.add_get("/version", self._say_version)
        return app


def said(results: Iterable[Result], level: Level) -> str:
    """All that is said at a level, one result a line."""
    return "\n".join(f"{one.what}: {one.problem} -> {one.remedy}" for one in results if one.level is level)


def problems(results: Iterable[Result]) -> str:
    return said(results, Level.PROBLEM)


def warnings(results: Iterable[Result]) -> str:
    return said(results, Level.WARNING)


def is_well(results: Iterable[Result]) -> bool:
    return all(one.level is Level.OK and not one.problem and not one.remedy for one in results)
