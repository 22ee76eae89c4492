"""POST /admin/reveal: opens what the action `encrypt` has sealed for the tenant of the token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.access.principal import Principal, Scope
from gateway.edge.act import Act, Answer
from gateway.edge.body import Receive, headers_of, parse_object, read_body
from gateway.edge.service import Service
from gateway.errors import InvalidValue, NotFound

Opened = Callable[[str, str], tuple[str, int]]
"""From a tenant and a text to the text with its values as they were, and how many stay sealed."""
_BODY_BYTES = 1 << 20
_DEPTH = 4


class Reveal(Act):
    """The body is `{"text": "…"}`. `opened` is None where keys end with the server, so that nothing was sealed."""

    scope = Scope.REVEAL
    path = "/admin/reveal"
    methods = ("POST",)

    def __init__(self, service: Service, opened: Opened | None) -> None:
        super().__init__(service)
        self._opened = opened

    async def answer(self, principal: Principal, scope: Mapping[str, Any], receive: Receive) -> Answer:
        opened = self._opened
        if opened is None:
            raise NotFound("This gateway has no keyset, so nothing that it wrote can be opened.")
        raw = await read_body(receive, headers_of(scope), _BODY_BYTES, self._service.settings.body_timeout)
        body = parse_object(raw, _DEPTH)
        text = body.get("text")
        if set(body) != {"text"} or not isinstance(text, str):
            raise InvalidValue("The body is an object with the field text.", param="text")
        plain, left = await self._service.offload(lambda: opened(principal.tenant, text))
        return 200, {"object": "revealed", "text": plain, "sealed": left}
