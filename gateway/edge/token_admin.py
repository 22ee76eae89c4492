"""What the administrators of a tenant may do with its tokens: mint, list, revoke, rotate. A token is shown once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.access.desk import Listed, TokenDesk
from gateway.access.principal import Principal, Scope
from gateway.access.token_file import TokenRecord
from gateway.edge.act import Act, Answer
from gateway.edge.body import Receive, headers_of, parse_object, read_body
from gateway.edge.service import Service
from gateway.errors import InvalidValue

_BODY_BYTES = 64 << 10
_DEPTH = 8


class _TokenAct(Act):
    scope = Scope.ADMIN_TOKENS

    def __init__(self, service: Service, desk: TokenDesk) -> None:
        super().__init__(service)
        self._desk = desk

    async def _body(self, scope: Mapping[str, Any], receive: Receive) -> dict[str, Any]:
        """One JSON object; nothing is an empty one."""
        timeout_s = self._service.settings.body_timeout
        raw = await read_body(receive, headers_of(scope), _BODY_BYTES, timeout_s)
        return parse_object(raw, _DEPTH) if raw.strip() else {}


class Tokens(_TokenAct):
    """GET and POST /admin/tokens: list the tenant's tokens, mint one."""

    path = "/admin/tokens"
    methods = ("GET", "POST")

    async def answer(self, principal: Principal, scope: Mapping[str, Any], receive: Receive) -> Answer:
        _refuse_query(scope)
        if scope["method"] == "POST":
            token, record = await self._desk.mint(principal, await self._body(scope, receive))
            return 201, {**_told(record), "token": token.text}
        listed = await self._desk.list(principal)
        return 200, {"object": "list", "data": [_listed(each) for each in listed]}


class OneToken(_TokenAct):
    """DELETE /admin/tokens/{id}: revoke."""

    path = "/admin/tokens/{id}"
    methods = ("DELETE",)

    async def answer(self, principal: Principal, scope: Mapping[str, Any], receive: Receive) -> Answer:
        _refuse_query(scope)
        token_id = str(scope["path_params"]["id"])
        await self._desk.revoke(principal, token_id)
        return 200, {"object": "token.revoked", "id": token_id}


class Rotation(_TokenAct):
    """POST /admin/tokens/{id}/rotate: a new secret. `{"overlap": 3600}` lets the old one be good for an hour more."""

    path = "/admin/tokens/{id}/rotate"
    methods = ("POST",)

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
