"""What the administrators of a tenant may do with its cache: see how much there is, and make it forget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from gateway.access.principal import Principal, Scope
from gateway.cache.contents import CacheContents, Forgotten
from gateway.edge.act import Act, Answer
from gateway.edge.body import Receive
from gateway.errors import InvalidValue, NotReady, Unavailable
from gateway.seal.errors import SealError
from gateway.store.port import StoreUnavailable


class CacheAdmin(Act):
    """GET and DELETE /admin/cache, for the tenant of the token. `?subject=` deletes what one person asked."""

    scope = Scope.ADMIN_CACHE
    path = "/admin/cache"
    methods = ("GET", "DELETE")

    async def answer(self, principal: Principal, scope: Mapping[str, Any], receive: Receive) -> Answer:
        contents = self._service.contents
        if scope["method"] == "DELETE":
            return 200, _told(await _forget(contents, principal.tenant, _subject(scope)))
        try:
            usage = await contents.usage(principal.tenant)
        except StoreUnavailable:
            raise NotReady("The cache's store cannot be asked now; try again in a moment.") from None
        return 200, {"object": "cache", "entries": usage.entries, "bytes": usage.size_bytes}


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
