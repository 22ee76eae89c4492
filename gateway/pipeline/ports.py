"""What the core needs of the world, as protocols. Adapters implement them; build.py and app.py hand them over."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from gateway.pipeline.exchange import Deadline
    from gateway.pipeline.span import Span
    from gateway.pipeline.timing import UpstreamTimes

Clock = Callable[[], float]
"""Seconds that only grow."""


class Detector(Protocol):
    """Finds personal data. It raises on any failure: a text it could not read is not a text without findings."""

    def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
        """For each text its spans, in any order, possibly overlapping, offsets in code points."""
        ...


class Sealer(Protocol):
    """Seals values of one tenant for one purpose, so that only the owner of the keys can read them again."""

    def seal(self, plain: bytes, aad: bytes) -> bytes:
        """The same bytes for the same `plain` and `aad`; `aad` says where they belong."""
        ...


SealerOf = Callable[[str], Sealer]
"""The sealer of a tenant."""


class Source(StrEnum):
    """Where an answer came from. `bypass`: the cache was not asked."""

    HIT = "hit"
    MISS = "miss"
    BYPASS = "bypass"


@dataclass(frozen=True, slots=True)
class Call:
    """One request to an upstream: redacted body, where it goes, whose it is, how long it may take."""

    upstream: str
    endpoint: str
    body: Mapping[str, Any]
    tenant: str
    timeout_s: float
    subject: str = ""
    uncached: bool = False
    """The client wants an answer that is neither taken from a cache nor kept in one."""
    traceparent: str = ""
    """Which trace the upstream goes on with (W3C Trace Context); empty for none."""
    times: UpstreamTimes | None = None
    """Where it is noted when the upstream was asked."""

    @property
    def streamed(self) -> bool:
        """Whether the answer is wanted as events."""
        return self.body.get("stream") is True


class Upstream(Protocol):
    """Serves a model. Raises GatewayError subclasses of its own words only."""

    async def complete(self, call: Call) -> dict[str, Any]:
        """The whole answer as a JSON object, which the caller must not change."""
        ...

    def stream(self, call: Call) -> AsyncGenerator[dict[str, Any]]:
        """The answer's events as JSON objects, which the caller must not change.

        Ends after the upstream's own end mark; raises if that is missing.
        """
        ...


class Reply(Protocol):
    """The answer to one call. Read it once, as a whole or in events; nothing that is read may be changed."""

    @property
    def source(self) -> Source:
        """Where it comes from: known when the first of it has been read."""
        ...

    @property
    def age_s(self) -> int: ...

    async def whole(self) -> dict[str, Any]:
        """Raises what an Upstream raises."""
        ...

    def events(self) -> AsyncGenerator[dict[str, Any]]:
        """Raises what an Upstream raises."""
        ...

    async def settle(self, *, good: bool) -> None:
        """Say whether the answer passed all filters, to its end. What does not, or of which nobody says so, is not
        given to anybody else."""
        ...


class Answers(Protocol):
    """Answers calls, from a model or from what was kept of it."""

    def ask(self, call: Call) -> AbstractAsyncContextManager[Reply]:
        """The reply, for as long as the block lasts."""
        ...
