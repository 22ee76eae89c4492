"""POST /ui/ask: a chat request like any other, whose answer also tells what became of it on the way.

It goes the way of all chat requests, with the same checks, limits, filters and records. What is told in addition is
what the model saw, what all filters have let go before values were put back, and which of them found something: so it
never shows what the bearer could not have got as an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.access.principal import Scope
from gateway.edge.answers import AnswerWriter, ChatFormat, Head
from gateway.edge.body import Receive
from gateway.edge.endpoint import Exchanges
from gateway.edge.envelope import Send
from gateway.edge.requests import check_chat
from gateway.edge.service import Kind, Service
from gateway.errors import InvalidValue
from gateway.guard import planted
from gateway.pipeline.channel import Field
from gateway.pipeline.stage import Outlets
from gateway.pipeline.trace import Tap
from gateway.policy.schema import Policy

_SHOWN = (Field.CONTENT, Field.REASONING, Field.REFUSAL)


class _InspectedWriter(AnswerWriter):
    """Adds the key `inspection` to a whole answer."""

    def __init__(self, outlets: Outlets, head: Head, body: Mapping[str, Any]) -> None:
        self._tap = Tap()
        self._tapped = outlets.tapped(self._tap)
        self._asked = body
        super().__init__(ChatFormat(), self._tapped, head)

    def whole(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Raises what an AnswerWriter raises."""
        written = super().whole(answer)
        return {**written, "inspection": self._inspection()}

    def _inspection(self) -> dict[str, Any]:
        return {
            "sees": self._asked["messages"],
            "before": [
                {"choice": channel.choice, "field": channel.field.value, "text": "".join(heard)}
                for channel, heard in self._tap.heard.items()
                if channel.field in _SHOWN
            ],
            "findings": [
                {
                    "stage": finding.stage,
                    # Which canary it was is for whoever planted it.
                    "kind": "canary" if finding.stage == planted.STAGE else finding.kind,
                    "action": finding.action,
                    "count": finding.count,
                }
                for finding in self._tapped.findings
            ],
            "rules": sorted(set(self.rules)),
        }


def _check(body: Mapping[str, Any], policy: Policy) -> None:
    check_chat(body, policy)
    if body.get("stream"):
        raise InvalidValue("What became of an answer is told of whole ones only; leave stream out.", param="stream")


class Asking:
    """An ASGI endpoint for whoever has the scopes ui and chat, and may use the model."""

    path = "/ui/ask"
    methods = ("POST",)

    def __init__(self, service: Service) -> None:
        kind = Kind("/chat/completions", Scope.CHAT, "chatcmpl", _check, _InspectedWriter, also=(Scope.UI,))
        self._exchanges = Exchanges(service, kind)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        await self._exchanges(scope, receive, send)
