"""What is known of an exchange when it is over, and who wants to know. Kinds and counts, never content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from gateway.pipeline.exchange import Finding


@dataclass(frozen=True, slots=True)
class ExchangeEvent:
    """One finished exchange. Durations are in seconds; `code` is empty for an answer without error."""

    request_id: str
    endpoint: str
    status: int
    code: str = ""
    token_id: str = ""
    tenant: str = ""
    model: str = ""
    policy_digest: str = ""
    findings: Sequence[Finding] = ()
    usage: dict[str, int] = field(default_factory=dict)
    streamed: bool = False
    cache: str = ""
    """hit, miss or bypass; empty if no answer was asked for."""
    seconds: float = 0.0
    analysis_seconds: float = 0.0
    subject: str = ""
    """The person, in plain: whoever writes it down puts a pseudonym in its place."""
    rules: Sequence[str] = ()
    """Names of the rules that stopped something."""
    kind: Literal["exchange", "admin"] = "exchange"


class Observer(Protocol):
    def exchange_done(self, event: ExchangeEvent) -> None: ...


class Observers:
    """Several observers as one."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    def exchange_done(self, event: ExchangeEvent) -> None:
        for observer in self._observers:
            observer.exchange_done(event)
