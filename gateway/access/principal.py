"""Who makes a request, and what they may use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

from gateway.access.limits import Limits
from gateway.errors import Forbidden, ModelNotAllowed


class Scope(StrEnum):
    """What a token may be used for."""

    CHAT = "chat"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    MODELS = "models"
    """To list the models; whoever may ask them may list them too."""
    ADMIN_CACHE = "admin:cache"
    ADMIN_TOKENS = "admin:tokens"
    ADMIN_POLICY = "admin:policy"
    AUDIT_READ = "audit:read"
    REVEAL = "reveal"
    UI = "ui"
    """To look at one's own texts, and at counts of the tenant, on the page /ui."""
    UI_ALL = "ui:all"
    """To see there the counts of all tenants together."""


DOCUMENTS = r"docs:[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
"""How a scope looks that lets protected documents be quoted."""
ASKING = (Scope.CHAT, Scope.COMPLETIONS)
"""What a token may do if nothing else is said: ask models, and administer nothing."""
_LISTING = frozenset({Scope.MODELS, Scope.EMBEDDINGS, *ASKING})


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
    policy: str = ""
    """The name of the policy that holds for the bearer; empty for the one that holds for all."""
    limits: Limits | None = None
    """Of this very token, instead of those that its policy has for tokens."""
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Whence the token may be used; empty for anywhere. It was checked."""
    expires: datetime | None = None
    """When the token's time is over, if that is known."""

    @property
    def person(self) -> str:
        """Who bears it. Without a name each token is a person of its own."""
        return self.subject or f"token {self.token_id}"

    def has(self, scope: str) -> bool:
        """Whether the token is good for a scope, by name or because it follows from another."""
        return scope in self.scopes or (scope == Scope.MODELS and not _LISTING.isdisjoint(self.scopes))

    def require_scope(self, scope: Scope) -> None:
        """Raises Forbidden."""
        if not self.has(scope):
            raise Forbidden(f"This token lacks the scope {scope}; ask for one that has it.")

    def may_use(self, model: str) -> bool:
        """Whether a public model name is one of the token's."""
        return "*" in self.models or model in self.models

    def require(self, model: str) -> None:
        """Raises ModelNotAllowed."""
        if not self.may_use(model):
            raise ModelNotAllowed("This token may not use this model; ask for one that may, or see /v1/models.")
