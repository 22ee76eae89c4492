"""POST /admin/reveal: opens what the action `encrypt` has sealed for the tenant of the token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.access.principal import Principal, Scope
from gateway.edge.act import Act, Answer, Field
from gateway.edge.body import Receive
from gateway.edge.service import Service
from gateway.errors import NotFound

Opened = Callable[[str, str], tuple[str, int]]
"""From a tenant and a text to the text with its values as they were, and how many stay sealed."""
_TEXT = Field("text", 1 << 20)


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
        text = await self._sent_text(scope, receive, _TEXT)
        plain, left = await self._service.offload(lambda: opened(principal.tenant, text))
        return 200, {"object": "revealed", "text": plain, "sealed": left}
