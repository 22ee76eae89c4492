"""What every act of an administrator has in common: who may do it, and that it is told, however it ends."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from gateway.access.principal import Principal, Scope
from gateway.edge.body import ClientGone, Receive, headers_of
from gateway.edge.envelope import Send, send_error, send_json
from gateway.edge.service import Service
from gateway.errors import GatewayError, Unavailable
from gateway.observe.events import ExchangeEvent

Answer = tuple[int, dict[str, Any]]
"""A status and a JSON object."""


class Act:
    """An ASGI endpoint for whoever has the scope; each call is told to the observer."""

    scope: Scope
    path: str
    """As it is told and counted: without anybody's id in it."""
    methods: tuple[str, ...]

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        service = self._service
        principal: Principal | None = None
        request_id, started_s = secrets.token_hex(16), service.clock()
        # What it is told to be unless it ends well, or with an error of ours.
        status, code = Unavailable.status, Unavailable.code
        headers = [(b"x-request-id", request_id.encode())]
        try:
            principal = await service.authenticate(scope, headers_of(scope))
            principal.require_scope(self.scope)
            service.recording.check()
            good, answer = await self.answer(principal, scope, receive)
            await send_json(send, good, answer, headers)
            status, code = good, ""
        except ClientGone:
            status, code = 499, "client_gone"
        except GatewayError as error:
            status, code = error.status, error.code
            await send_error(send, error, headers)
        finally:
            service.observer.exchange_done(
                ExchangeEvent(
                    request_id=request_id,
                    endpoint=f"{scope['method']} {self.path}",
                    status=status,
                    code=code,
                    token_id=principal.token_id if principal else "",
                    tenant=principal.tenant if principal else "",
                    subject=principal.subject if principal else "",
                    policy_digest=service.policies.default.digest,
                    seconds=service.clock() - started_s,
                    kind="admin",
                )
            )

    async def answer(self, principal: Principal, scope: Mapping[str, Any], receive: Receive) -> Answer:
        """Do it. Raises GatewayError."""
        raise NotImplementedError
