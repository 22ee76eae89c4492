"""Who makes a request, and what they may use."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import ModelNotAllowed


@dataclass(frozen=True, slots=True)
class Principal:
    """The bearer of a valid token."""

    token_id: str
    tenant: str
    subject: str
    models: frozenset[str]
    """Public model names, or `*` for all."""

    def may_use(self, model: str) -> bool:
        return "*" in self.models or model in self.models

    def require(self, model: str) -> None:
        """Raises ModelNotAllowed."""
        if not self.may_use(model):
            raise ModelNotAllowed("This token may not use this model; ask for one that may, or see /v1/models.")
