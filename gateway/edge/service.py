"""What every endpoint is made of, put together in app.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from gateway.access.limiter import Limiter
from gateway.access.limits import LimitRules
from gateway.access.principal import Principal, Scope
from gateway.cache.contents import CacheContents
from gateway.edge.answers import Format
from gateway.edge.body import Headers
from gateway.observe.events import Observer
from gateway.pipeline.ports import Answers, Clock
from gateway.pipeline.stage import Chain
from gateway.policy.schema import Policy
from gateway.settings import Settings

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
    inline_chars: int
    """Prompts of up to so many characters are treated where they are, longer ones through `offload`."""


class PolicyOf(Protocol):
    """Which policy holds for whom."""

    @property
    def default(self) -> ActivePolicy: ...

    def of(self, principal: Principal) -> ActivePolicy:
        """Raises Forbidden."""
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
    recording: Recording
    observer: Observer
    offload: Offload
    clock: Clock


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of model request: its path under the upstream's base URL, who may make it, its answers, its rules."""

    path: str
    scope: Scope
    form: Format
    check: Callable[[Mapping[str, Any], Policy], None]
