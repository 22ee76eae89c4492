"""What the administrators of a tenant may do with its tokens: mint, list, revoke, rotate. A token is shown once."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.access.desk import Listed, TokenDesk
from gateway.access.principal import Principal, Scope
from gateway.access.token_file import TokenRecord
from gateway.edge.body import ClientGone, Receive, headers_of, parse_object, read_body
from gateway.edge.envelope import Send, send_error, send_json
from gateway.edge.service import Service
from gateway.errors import GatewayError, InvalidValue, Unavailable
from gateway.observe.events import ExchangeEvent

Authenticate = Callable[[Mapping[str, Any]], Awaitable[Principal]]
"""Whose request an ASGI scope is. Raises GatewayError."""
Answer = tuple[int, dict[str, Any]]

_BODY_BYTES = 64 << 10
_DEPTH = 8


class _Act:
    """An ASGI endpoint for whoever has the scope admin:tokens; each call is told to the observer."""

    path = ""
    """As it is told and counted: without anybody's id in it."""

    def __init__(self, service: Service, desk: TokenDesk, authenticate: Authenticate) -> None:
        self._service = service
        self._desk = desk
        self._authenticate = authenticate

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        service = self._service
        principal: Principal | None = None
        request_id, started_s = secrets.token_hex(16), service.clock()
        # What it is told to be unless it ends well, or with an error of ours.
        status, code = Unavailable.status, Unavailable.code
        # Every answer, as those everywhere, has `cache-control: no-store` too.
        headers = [(b"x-request-id", request_id.encode())]
        try:
            principal = await self._authenticate(scope)
            principal.require_scope(Scope.ADMIN_TOKENS)
            service.recording.check()
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
                    policy_digest=service.policy_digest,
                    seconds=service.clock() - started_s,
                    kind="admin",
                )
            )

    async def answer(self, principal: Principal, scope: Mapping[str, Any], receive: Receive) -> Answer:
        raise NotImplementedError

    async def _body(self, scope: Mapping[str, Any], receive: Receive) -> dict[str, Any]:
        """One JSON object; nothing is an empty one."""
        timeout_s = self._service.settings.body_timeout
        raw = await read_body(receive, headers_of(scope), _BODY_BYTES, timeout_s)
        return parse_object(raw, _DEPTH) if raw.strip() else {}


class Tokens(_Act):
    """GET and POST /admin/tokens: list the tenant's tokens, mint one."""

    path = "/admin/tokens"

    async def answer(self, principal: Principal, scope: Mapping[str, Any], receive: Receive) -> Answer:
        _refuse_query(scope)
        if scope["method"] == "POST":
            token, record = await self._desk.mint(principal, await self._body(scope, receive))
            return 201, {**_told(record), "token": token.text}
        listed = await self._desk.list(principal)
        return 200, {"object": "list", "data": [_listed(each) for each in listed]}


class OneToken(_Act):
    """DELETE /admin/tokens/{id}: revoke."""

    path = "/admin/tokens/{id}"

    async def answer(self, principal: Principal, scope: Mapping[str, Any], receive: Receive) -> Answer:
        _refuse_query(scope)
        token_id = str(scope["path_params"]["id"])
        await self._desk.revoke(principal, token_id)
        return 200, {"object": "token.revoked", "id": token_id}


class Rotation(_Act):
    """POST /admin/tokens/{id}/rotate: a new secret. `{"overlap": 3600}` lets the old one be good for an hour more."""

    path = "/admin/tokens/{id}/rotate"

    async def answer(self, principal: Principal, scope: Mapping[str, Any], receive: Receive) -> Answer:
        _refuse_query(scope)
        body = await self._body(scope, receive)
        overlap_s = body.pop("overlap", 0)
        if body or type(overlap_s) is not int:
            raise InvalidValue("The only field is overlap, a whole number of seconds.", param="overlap")
        token, record = await self._desk.rotate(principal, str(scope["path_params"]["id"]), overlap_s)
        return 200, {**_told(record), "token": token.text}


def _listed(listed: Listed) -> dict[str, Any]:
    return {**_told(listed.record), "source": listed.source, "revoked": listed.revoked}


def _told(record: TokenRecord) -> dict[str, Any]:
    """Without secrets, and without their hashes. Times are in UTC."""
    limits = record.written().get("limits", {})
    return {
        "object": "token",
        "id": record.id,
        "tenant": record.tenant,
        "subject": record.subject,
        "scopes": list(record.scopes),
        "models": list(record.models),
        "networks": [str(network) for network in record.networks],
        "policy": record.policy,
        "limits": limits,
        "created": _time(record.created),
        "not_before": _time(record.not_before),
        "expires": _time(record.expires),
        "old_secret_until": _time(record.old_until),
        "minted_by": record.minted_by,
    }


def _time(time: datetime | None) -> str | None:
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if time is not None else None


def _refuse_query(scope: Mapping[str, Any]) -> None:
    """What is not read must not look as if it had been: `?tenant=` changes nothing."""
    if scope["query_string"]:
        raise InvalidValue("These URLs have no query; send a JSON body.")
