"""Who makes a request, and what they may use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.errors import Forbidden, ModelNotAllowed


class Scope(StrEnum):
    """What a token may be used for."""

    CHAT = "chat"
    COMPLETIONS = "completions"
    ADMIN_CACHE = "admin:cache"


DOCUMENTS = r"docs:[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
"""How a scope looks that lets protected documents be quoted."""
ASKING = (Scope.CHAT, Scope.COMPLETIONS)
"""What a token may do if nothing else is said: ask models, and administer nothing."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The bearer of a valid token."""

    token_id: str
    tenant: str
    subject: str
    scopes: frozenset[str]
    """Scopes, and `docs:…` for protected documents that may be quoted to the bearer."""
    models: frozenset[str]
    """Public model names, or `*` for all."""

    def require_scope(self, scope: Scope) -> None:
        """Raises Forbidden."""
        if scope not in self.scopes:
            raise Forbidden(f"This token lacks the scope {scope}; ask for one that has it.")

    def may_use(self, model: str) -> bool:
        """Whether a public model name is one of the token's."""
        return "*" in self.models or model in self.models

    def require(self, model: str) -> None:
        """Raises ModelNotAllowed."""
        if not self.may_use(model):
            raise ModelNotAllowed("This token may not use this model; ask for one that may, or see /v1/models.")
