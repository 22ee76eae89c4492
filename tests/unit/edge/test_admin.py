"""What is written down of an administrator's act is what became of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import AsyncMock

import pytest

from gateway.access.principal import Principal, Scope
from gateway.edge.admin import CacheAdmin
from gateway.observe.events import ExchangeEvent

BOSS = Principal("abcdefgh", "acme", "boss", frozenset([Scope.ADMIN_CACHE]), frozenset(["*"]))

_POLICY = SimpleNamespace(digest="digest")
POLICIES = SimpleNamespace(default=_POLICY, of=lambda _: _POLICY)


class Broken:
    """Contents of which nothing can be known, for a reason that nobody thought of."""

    def __getattr__(self, name: str) -> Any:
        raise ZeroDivisionError


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_act_that_breaks_is_not_told_as_done(method: str) -> None:
    told: list[ExchangeEvent] = []
    service: Any = SimpleNamespace(
        authenticate=AsyncMock(return_value=BOSS),
        recording=SimpleNamespace(check=lambda: None),
        observer=SimpleNamespace(exchange_done=told.append),
        contents=Broken(),
        policies=POLICIES,
        clock=lambda: 0.0,
    )
    scope = {"method": method, "headers": [], "query_string": b""}
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await CacheAdmin(service)(scope, cast(Any, None), send)
    assert sent[0]["status"] == 503
    # What the client can quote is what is written down.
    assert dict(sent[0]["headers"])[b"x-request-id"].decode() == told[0].request_id
    assert [(event.status, event.tenant) for event in told] == [(503, "acme")]
