"""POST /admin/policy/check: what is wrong with a policy that is not in force. Nothing of it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.access.principal import Principal, Scope
from gateway.edge.act import Act, Answer
from gateway.edge.body import Receive, headers_of, parse_object, read_body
from gateway.edge.service import Service
from gateway.errors import InvalidValue, Overloaded

Problems = Callable[[str], Awaitable[list[str]]]
_BODY_BYTES = 64 << 10
_DEPTH = 4


class PolicyCheck(Act):
    """For whoever has the scope admin:policy. The body is `{"policy": "the YAML"}`."""

    scope = Scope.ADMIN_POLICY
    path = "/admin/policy/check"
    methods = ("POST",)

    def __init__(self, service: Service, problems: Problems) -> None:
        super().__init__(service)
        self._problems = problems
        # To make a detector takes a second of a core, and patterns can be written that take more: one at a time.
        self._one = asyncio.Lock()

    async def answer(self, principal: Principal, scope: Mapping[str, Any], receive: Receive) -> Answer:
        raw = await read_body(receive, headers_of(scope), _BODY_BYTES, self._service.settings.body_timeout)
        body = parse_object(raw, _DEPTH)
        text = body.get("policy")
        if set(body) != {"policy"} or not isinstance(text, str):
            raise InvalidValue("The body is an object with the field policy, the YAML of a policy.", param="policy")
        if self._one.locked():
            raise Overloaded("Another policy is being checked; try again in a moment.")
        async with self._one:
            problems = await self._problems(text)
        return 200, {"object": "policy.check", "ok": not problems, "problems": problems}
