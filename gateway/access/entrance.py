"""The one way in: whatever kind of token it is, whether it was revoked, and what wrong ones get."""

from __future__ import annotations

from collections.abc import Callable, Container, Coroutine
from typing import Any, Protocol

from gateway.access.addresses import Address
from gateway.access.authenticate import WRONG
from gateway.access.brake import Brake
from gateway.access.principal import Principal
from gateway.errors import ExpiredKey, Forbidden, MissingKey, NotReady, Unauthenticated

JWT_IDS = "jwt-"
"""How the ids of JWTs begin."""
Tokens = Callable[[bytes | None, Address | None], Coroutine[Any, Any, Principal]]
"""Checks an Authorization header and whence it comes: `Authenticator.admit`, or something that knows JWTs too."""


class Revoked(Protocol):
    """Revocations."""

    def is_revoked(self, tenant: str, token_id: str) -> bool: ...


class Entrance:
    """Good tokens never wait for the brake; see there for why."""

    def __init__(
        self, tokens: Tokens, brake: Brake, revocations: Revoked | None = None, policies: Container[str] = ()
    ) -> None:
        """`policies`: names of those that can be held to. A token of another is refused, not let in under none."""
        self._tokens = tokens
        self._brake = brake
        self._revocations = revocations
        self._policies = policies

    async def principal(self, authorization: bytes | None, address: Address | None = None) -> Principal:
        """Raises MissingKey, Unauthenticated, ExpiredKey, Forbidden, NotReady, or RateLimited after too many wrong
        tokens from the same address. One that was good once counts as wrong when it is revoked, but not when it has
        expired; none at all does not."""
        try:
            principal = await self._tokens(authorization, address)
            if self._is_revoked(principal):
                raise Unauthenticated(WRONG).by(principal)
        except Unauthenticated as error:
            if not isinstance(error, MissingKey | ExpiredKey):
                self._brake.failed(address)
            raise
        if principal.policy and principal.policy not in self._policies:
            raise Forbidden("The policy of this token is not one of this gateway; ask its operator.").by(principal)
        return principal

    def _is_revoked(self, principal: Principal) -> bool:
        if self._revocations is None:
            return False
        try:
            return self._revocations.is_revoked(principal.tenant, principal.token_id)
        except NotReady:
            if principal.token_id.startswith(JWT_IDS):
                raise
            # Tokens of the file are revoked there; those of the store could not even be found without it.
            return False
