"""What all requests have in common that ask no model: who may make them, and that they are told, however they end."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any, Literal

from gateway.access.principal import Principal, Scope
from gateway.edge.body import ClientGone, Receive, headers_of
from gateway.edge.envelope import Send, send_error, send_json
from gateway.edge.service import Service
from gateway.errors import Bearer, GatewayError, Unavailable
from gateway.observe.events import ExchangeEvent
from gateway.observe.log import describe

_LOG = logging.getLogger("gateway.edge")
Answer = tuple[int, dict[str, Any]]
"""A status and a JSON object."""


class Act:
    """An ASGI endpoint for whoever has the scope; each call is told to the observer."""

    scope: Scope
    path: str
    """As it is told and counted: without anybody's id in it."""
    methods: tuple[str, ...]
    kind: Literal["exchange", "admin"] = "admin"

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        service = self._service
        whose: Bearer | None = None
        digest = service.policies.default.digest
        request_id, started_s = secrets.token_hex(16), service.clock()
        # What it is told to be unless it ends well, or with an error of ours.
        status, code = Unavailable.status, Unavailable.code
        headers = [(b"x-request-id", request_id.encode())]
        try:
            principal = whose = await service.authenticate(scope, headers_of(scope))
            digest = service.policies.of(principal).digest
            principal.require_scope(self.scope)
            service.recording.check()
            good, answer = await self.answer(principal, scope, receive)
            await send_json(send, good, answer, headers)
            status, code = good, ""
        except ClientGone:
            status, code = 499, "client_gone"
        except GatewayError as error:
            status, code = error.status, error.code
            whose = whose or error.whose
            await send_error(send, error, headers)
        except Exception as error:
            _LOG.error("act failed", extra={"request_id": request_id, **describe(error)})
            failed = Unavailable("The gateway failed. Quote the x-request-id to its operator.")
            await send_error(send, failed, headers)
        finally:
            service.observer.exchange_done(
                ExchangeEvent(
                    request_id=request_id,
                    endpoint=f"{scope['method']} {self.path}",
                    status=status,
                    code=code,
                    token_id=whose.token_id if whose else "",
                    tenant=whose.tenant if whose else "",
                    subject=whose.subject if whose else "",
                    policy_digest=digest,
                    seconds=service.clock() - started_s,
                    kind=self.kind,
                )
            )

    async def answer(self, principal: Principal, scope: Mapping[str, Any], receive: Receive) -> Answer:
        """Do it. Raises GatewayError."""
        raise NotImplementedError
