"""What the core needs of the world, as protocols. Adapters implement them; build.py and app.py hand them over."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from gateway.pipeline.exchange import Deadline
    from gateway.pipeline.span import Span

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


@dataclass(frozen=True, slots=True)
class Call:
    """One request to an upstream: redacted body, where it goes, whose it is, how long it may take."""

    upstream: str
    endpoint: str
    body: Mapping[str, Any]
    tenant: str
    timeout_s: float


class Upstream(Protocol):
    """Serves a model. Raises GatewayError subclasses of its own words only."""

    async def complete(self, call: Call) -> dict[str, Any]:
        """The whole answer as a JSON object."""
        ...

    def stream(self, call: Call) -> AsyncGenerator[dict[str, Any]]:
        """The answer's events as JSON objects. Ends after the upstream's own end mark; raises if that is missing."""
        ...
