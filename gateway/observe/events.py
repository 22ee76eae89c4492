"""What is known of an exchange when it is over, and who wants to know. Kinds and counts, never content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from gateway.observe.traceparent import Trace
from gateway.pipeline.exchange import Finding
from gateway.pipeline.timing import UpstreamTimes

Step = tuple[str, float, float]
"""A name of ours, and from when to when it went on, by the clock of exchanges."""


@dataclass(slots=True)
class Flow:
    """What is under way in this process."""

    exchanges: int = 0
    streams: int = 0


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
    steps: Sequence[Step] = ()
    """One after the other, as far as it came."""
    stages: Mapping[str, float] = field(default_factory=dict)
    """What each stage took for the prompt, in seconds."""
    filters: Mapping[str, float] = field(default_factory=dict)
    """What the filters of each stage took for the answer."""
    held: Mapping[str, int] = field(default_factory=dict)
    """The most characters that the filters of each stage held back."""
    first_token_s: float | None = None
    """From the request to the first of its answer that left; of a stream."""
    hold_s: float | None = None
    """The longest time in which text came from the model and none left; of a stream."""
    finish_reasons: Sequence[str] = ()
    limit: tuple[str, str] | None = None
    """The limit that was reached: whose it is, and of what."""
    failed: str = ""
    """What could not be checked: `request` or `answer`."""
    upstream: UpstreamTimes | None = None
    """None if nobody was asked."""
    trace: Trace | None = None


class Observer(Protocol):
    def exchange_done(self, event: ExchangeEvent) -> None: ...


class Observers:
    """Several observers as one."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = tuple(observers)

    def exchange_done(self, event: ExchangeEvent) -> None:
        for observer in self._observers:
            observer.exchange_done(event)
