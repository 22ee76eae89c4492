"""What all requests have in common that ask no model: who may make them, and that they are told, however they end."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from gateway.access.principal import Principal, Scope
from gateway.edge.body import ClientGone, Receive, headers_of, parse_object, read_body
from gateway.edge.envelope import HeaderList, Send, send_error, send_json
from gateway.edge.service import Service
from gateway.errors import Bearer, GatewayError, InvalidValue, LimitReached, Overloaded, Unavailable
from gateway.observe.events import ExchangeEvent
from gateway.observe.log import describe, within_request

_LOG = logging.getLogger("gateway.edge")
_DEPTH = 4
Answer = tuple[int, dict[str, Any]]
"""A status and a JSON object."""


@dataclass(frozen=True, slots=True)
class Field:
    """The only field of a body, and how large that may be."""

    name: str
    most_bytes: int
    what: str = ""
    """Said behind its name."""


@asynccontextmanager
async def one_at_a_time(lock: asyncio.Lock, busy: str) -> AsyncIterator[None]:
    """For what takes seconds of a core. Raises Overloaded, saying that it is busy, instead of waiting."""
    if lock.locked():
        raise Overloaded(f"{busy}; try again in a moment.")
    async with lock:
        yield


class Act:
    """An ASGI endpoint for whoever has the scope; each call is told to the observer."""

    scope: Scope
    path: str
    """As it is told and counted: without anybody's id in it."""
    methods: tuple[str, ...]
    kind: Literal["exchange", "admin"] = "admin"
    headers: HeaderList = ()
    """More of each answer."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        service = self._service
        whose: Bearer | None = None
        digest = service.policies.default.digest
        request_id, started_s = secrets.token_hex(16), service.clock()
        within_request(request_id)
        # What it is told to be unless it ends well, or with an error of ours.
        status, code = Unavailable.status, Unavailable.code
        limit: tuple[str, str] | None = None
        headers = [(b"x-request-id", request_id.encode()), *self.headers]
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
            limit = error.limit if isinstance(error, LimitReached) else None
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
                    limit=limit,
                )
            )

    async def _sent_text(self, scope: Mapping[str, Any], receive: Receive, field: Field) -> str:
        """The one text of a body like `{"text": "…"}`. Raises InvalidRequest, TooLarge, ClientGone."""
        raw = await read_body(receive, headers_of(scope), field.most_bytes, self._service.settings.body_timeout)
        body = parse_object(raw, _DEPTH)
        text = body.get(field.name)
        if set(body) != {field.name} or not isinstance(text, str):
            raise InvalidValue(f"The body is an object with the field {field.name}{field.what}.", param=field.name)
        return text

    async def answer(self, principal: Principal, scope: Mapping[str, Any], receive: Receive) -> Answer:
        """Do it. Raises GatewayError."""
        raise NotImplementedError
