"""POST /admin/policy/check: what is wrong with a policy that is not in force. Nothing of it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.access.principal import Principal, Scope
from gateway.edge.act import Act, Answer, Field, one_at_a_time
from gateway.edge.body import Receive
from gateway.edge.child import ChildFailed, run
from gateway.edge.connection import while_connected
from gateway.edge.service import Service

_POLICY = Field("policy", 64 << 10, ", the YAML of a policy")
_LIMIT_S = 30.0
_MOST_BYTES = 1 << 20


class PolicyCheck(Act):
    """For whoever has the scope admin:policy. The body is `{"policy": "the YAML"}`."""

    scope = Scope.ADMIN_POLICY
    path = "/admin/policy/check"
    methods = ("POST",)

    def __init__(self, service: Service, command: tuple[str, ...]) -> None:
        """`command`: reads a policy and writes a JSON list of problems, as `gateway policy check --sent` does."""
        super().__init__(service)
        self._command = command
        # It takes seconds of a core, and patterns can be written that take more: one at a time.
        self._one = asyncio.Lock()

    async def answer(self, principal: Principal, scope: Mapping[str, Any], receive: Receive) -> Answer:
        text = await self._sent_text(scope, receive, _POLICY)
        async with one_at_a_time(self._one, "Another policy is being checked"):
            problems = await while_connected(receive, self._problems(text))
        return 200, {"object": "policy.check", "ok": not problems, "problems": problems}

    async def _problems(self, text: str) -> list[str]:
        try:
            written = await run(self._command, text, limit_s=_LIMIT_S, most_bytes=_MOST_BYTES)
        except ChildFailed:
            return ["policy.yaml:1:1: takes more time or memory to read than a policy may; write it more simply"]
        return [str(problem) for problem in orjson.loads(written)]
