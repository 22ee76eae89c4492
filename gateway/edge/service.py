"""What every endpoint is made of, put together in app.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from gateway.access.limiter import Limiter
from gateway.access.limits import LimitRules
from gateway.access.principal import Principal, Scope
from gateway.cache.contents import CacheContents
from gateway.edge.answers import Head
from gateway.edge.body import Headers
from gateway.observe.events import Flow, Observer
from gateway.observe.traceparent import Tracer
from gateway.pipeline.ports import Answers, Clock
from gateway.pipeline.stage import Chain, Outlets
from gateway.policy.schema import Policy
from gateway.settings import Settings
from gateway.upstream.client import Target

Result = TypeVar("Result")


class Offload(Protocol):
    """Runs work in a thread."""

    def __call__(self, work: Callable[[], Result], /) -> Awaitable[Result]: ...


class Recording(Protocol):
    """Where it is written down who did what."""

    def check(self) -> None:
        """Raises Unavailable if nothing can be written: then nothing is done."""
        ...


@dataclass(frozen=True, slots=True)
class ActivePolicy:
    """A policy, and what is made of it."""

    policy: Policy
    digest: str
    chain: Chain
    answers: Answers
    limit_rules: Callable[[str, str], LimitRules | None]
    """From a tenant and a model to the limits of their requests."""
    targets: Mapping[str, Target]
    """Its upstreams."""
    served: Mapping[str, str]
    """By public name, what tells a model from all others: where it is served, and its name there."""
    inline_chars: int
    """Prompts of up to so many characters are treated where they are, longer ones through `offload`."""


class PolicyOf(Protocol):
    """Which policy holds for whom."""

    @property
    def default(self) -> ActivePolicy: ...

    def of(self, principal: Principal) -> ActivePolicy:
        """Raises Forbidden."""
        ...

    def limits_of(self, principal: Principal, active: ActivePolicy, model: str) -> LimitRules | None:
        """Of a request under the bearer's policy; None if there are none."""
        ...


@dataclass(frozen=True, slots=True)
class Service:
    """What every endpoint needs, put together in app.py."""

    settings: Settings
    policies: PolicyOf
    contents: CacheContents
    authenticate: Callable[[Mapping[str, Any], Headers], Awaitable[Principal]]
    """Whose request an ASGI scope with these headers is. Raises Unauthenticated and its like, Forbidden or NotReady."""
    limiter: Limiter
    counts_together: bool
    """Whether what one worker counts the others know."""
    recording: Recording
    observer: Observer
    offload: Offload
    clock: Clock
    tracer: Tracer | None = None
    """None if there are no traces."""
    flow: Flow = field(default_factory=Flow)


class Writer(Protocol):
    """Writes the answer of one exchange, whole or chunk by chunk; an AnswerWriter is one."""

    usage: dict[str, Any] | None

    @property
    def unfinished(self) -> Collection[int]:
        """Choices that have begun and have not said why they end."""
        ...

    @property
    def wants_another(self) -> bool:
        """Whether a filter would rather have another answer than stop this one."""
        ...

    @property
    def blocked_choices(self) -> Collection[int]:
        """Choices that a filter stopped; what came before has left."""
        ...

    @property
    def rules(self) -> Collection[str]:
        """The rules that stopped them."""
        ...

    def whole(self, answer: dict[str, Any], /) -> dict[str, Any]:
        """Raises UpstreamFailed if this is no answer, StageFailed if a filter broke."""
        ...

    def chunk(self, event: dict[str, Any], /) -> dict[str, Any] | None:
        """The event for the client, or None if nothing of it may leave yet. Raises the same."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of model request: its path under the upstream's base URL, who may make it, its answers, its rules."""

    path: str
    scope: Scope
    id_prefix: str
    """Of its answers' ids."""
    check: Callable[[Mapping[str, Any], Policy], None]
    writer: Callable[[Outlets, Head, Mapping[str, Any]], Writer]
    """From what filters an answer, what is said about it, and the request."""
    is_cached: bool = True
    also: tuple[Scope, ...] = ()
    """More scopes that are needed."""
