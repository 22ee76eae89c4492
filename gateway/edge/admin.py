"""What the administrators of a tenant may do with its cache: see how much there is, and make it forget."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from gateway.access.principal import Principal, Scope
from gateway.cache.contents import CacheContents, Forgotten
from gateway.edge.body import Receive
from gateway.edge.envelope import Send, send_error, send_json
from gateway.edge.service import Service
from gateway.errors import GatewayError, InvalidValue, NotReady, Unavailable
from gateway.observe.events import ExchangeEvent
from gateway.seal.errors import SealError
from gateway.store.port import StoreUnavailable

_PATH = "/admin/cache"


class CacheAdmin:
    """GET and DELETE /admin/cache, for the tenant of the token. `?subject=` deletes what one person asked."""

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
            principal = await service.authenticate(scope)
            principal.require_scope(Scope.ADMIN_CACHE)
            service.recording.check()
            await send_json(send, 200, await self._answer(scope, principal), headers)
            status, code = 200, ""
        except GatewayError as error:
            status, code = error.status, error.code
            await send_error(send, error, headers)
        finally:
            service.observer.exchange_done(
                ExchangeEvent(
                    request_id=request_id,
                    endpoint=f"{scope['method']} {_PATH}",
                    status=status,
                    code=code,
                    token_id=principal.token_id if principal else "",
                    tenant=principal.tenant if principal else "",
                    policy_digest=service.policy_digest,
                    seconds=service.clock() - started_s,
                    subject=principal.subject if principal else "",
                    kind="admin",
                )
            )

    async def _answer(self, scope: Mapping[str, Any], principal: Principal) -> dict[str, Any]:
        contents = self._service.contents
        if scope["method"] == "DELETE":
            return _told(await _forget(contents, principal.tenant, _subject(scope)))
        try:
            usage = await contents.usage(principal.tenant)
        except StoreUnavailable:
            raise NotReady("The cache's store cannot be asked now; try again in a moment.") from None
        return {"object": "cache", "entries": usage.entries, "bytes": usage.size_bytes}


async def _forget(contents: CacheContents, tenant: str, subject: str | None) -> Forgotten:
    try:
        return await contents.forget(tenant, subject)
    except SealError:
        raise Unavailable(
            "The salts cannot be changed, so nothing was forgotten; see the log of the gateway."
        ) from None


def _told(forgotten: Forgotten) -> dict[str, Any]:
    if forgotten.entries is None:
        raise NotReady(
            "What was cached can be opened by nobody any more, but the store could not be asked to delete it; "
            "send this again, or wait until its time is over."
        )
    return {"object": "cache.forgotten", "entries": forgotten.entries, "salts": forgotten.salts}


def _subject(scope: Mapping[str, Any]) -> str | None:
    """The person to forget; None for everybody. What is misspelled must not forget more than was meant."""
    raw: bytes = scope["query_string"]
    if not raw:
        return None
    try:
        query = parse_qs(raw.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        raise InvalidValue("The query of the URL cannot be read; it is ?subject=NAME or nothing.") from None
    if set(query) != {"subject"} or len(query["subject"]) != 1:
        raise InvalidValue("The only parameter is subject, once.", param="subject")
    return query["subject"][0]
