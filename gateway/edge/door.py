"""Whose request it is: from an ASGI scope to a principal, or a refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.access.addresses import Network, client_address
from gateway.access.entrance import Entrance
from gateway.access.principal import Principal
from gateway.access.urls import has_token, token_in_url
from gateway.edge.body import Headers


class Door:
    """`trusted`: networks of the proxies in front, whose word about the client's address is taken."""

    def __init__(self, entrance: Entrance, trusted: Sequence[Network] = ()) -> None:
        self._entrance = entrance
        self._trusted = trusted

    async def __call__(self, scope: Mapping[str, Any], headers: Headers) -> Principal:
        """Raises Unauthenticated and its like, Forbidden, NotReady or RateLimited."""
        if has_token(scope):
            raise token_in_url()
        peer = scope.get("client")
        address = client_address(peer[0] if peer else None, headers.get(b"x-forwarded-for"), self._trusted)
        return await self._entrance.principal(headers.get(b"authorization"), address)
