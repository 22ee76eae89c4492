"""Which kind of token a request bears, and who checks it: ours, or one of an identity provider."""

from __future__ import annotations

from typing import Protocol

from gateway.access.addresses import Address
from gateway.access.principal import Principal

_OURS = b"pgw_"
_DOTS = 2


class OpaqueTokens(Protocol):
    """An Authenticator."""

    async def admit(self, authorization: bytes | None, address: Address | None = None) -> Principal: ...


class WebTokens(Protocol):
    """A JwtVerifier."""

    async def principal(self, token: str) -> Principal: ...


class Bearer:
    """`pgw_…` is ours; three parts with dots between are a JWT if an OIDC file is given; nothing else is a token."""

    def __init__(self, opaque: OpaqueTokens, web: WebTokens | None) -> None:
        self._opaque = opaque
        self._web = web

    async def principal(self, authorization: bytes | None, address: Address | None = None) -> Principal:
        """Of an Authorization header, from an address. Waits only for the keys of an issuer and for the store.

        Raises MissingKey, Unauthenticated, ExpiredKey, Forbidden or NotReady.
        """
        if self._web is not None and authorization:
            scheme, _, rest = authorization.partition(b" ")
            token = rest.strip(b" ")
            if scheme.lower() == b"bearer" and token.count(b".") == _DOTS and not token.startswith(_OURS):
                return await self._web.principal(token.decode("latin-1"))
        return await self._opaque.admit(authorization, address)
