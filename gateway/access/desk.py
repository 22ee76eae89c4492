"""What administrators do with the tokens of their tenant while the gateway runs: mint, list, revoke and rotate."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol

from gateway.access.authenticate import WRONG
from gateway.access.grants import TokenLimits, granted, may_have
from gateway.access.kept import Kept
from gateway.access.principal import Principal
from gateway.access.revocations import Revocations
from gateway.access.token import Token, mint
from gateway.access.token_file import InvalidRecord, TokenRecord, new_record
from gateway.access.token_store import TokenStore, TooMany
from gateway.errors import Forbidden, InvalidValue, NotFound, NotReady, RateLimited, Unauthenticated
from gateway.seal.errors import SealError
from gateway.store.port import Budget, Calendar, Store, StoreUnavailable

LONGEST_OVERLAP_S = 7 * 86_400
MINTED_A_DAY = 1000
"""Tokens that a tenant may mint in a day."""
GONE_S = 7 * 86_400.0
"""How long a token is refused that is no longer in the store."""
FOREIGN_A_MONTH = 1000
"""Tokens of identity providers that a tenant may have revoked in a month: nobody here knows if there are such."""
FOREIGN_S = 366 * 86_400.0
"""How long they are remembered, since nobody here knows when they end."""
_OURS = re.compile(r"[0-9A-Za-z]{8}")
_FOREIGN = re.compile(r"jwt-[0-9a-f]{12}")


class TokensFile(Protocol):
    """An Authenticator."""

    def record(self, token_id: str) -> TokenRecord | None: ...

    def records(self, tenant: str) -> Sequence[TokenRecord]: ...


@dataclass(frozen=True, slots=True)
class Listed:
    """A token of a tenant, where it was made, and whether it is refused."""

    record: TokenRecord
    source: Literal["api", "file"]
    revoked: bool


class TokenDesk:
    """Everything is for the caller's own tenant; a token of another is not there. Who may call is not checked here.

    All raise NotReady if the store cannot be asked, and Unauthenticated if the caller's own token was just revoked.
    """

    def __init__(
        self,
        tokens: TokenStore,
        file: TokensFile,
        revocations: Revocations,
        store: Store,
        kept: Kept,
        token_limits: TokenLimits,
        wall_clock: Callable[[], float],
    ) -> None:
        self._tokens = tokens
        self._file = file
        self._revocations = revocations
        self._store = store
        self._kept = kept
        self._token_limits = token_limits
        self._wall_clock = wall_clock

    async def mint(self, caller: Principal, wishes: Mapping[str, Any]) -> tuple[Token, TokenRecord]:
        """Raises InvalidValue, Forbidden, RateLimited."""
        token, fields = mint(), granted(wishes, caller, self._now(), self._token_limits)
        try:
            record = new_record(
                id=token.id, sha256=token.digest, tenant=caller.tenant, minted_by=caller.token_id, **fields
            )
        except InvalidRecord as error:
            raise InvalidValue(f"{error}.", param=error.field) from None
        try:
            await self._still_good(caller)
            await self._count(caller.tenant, Budget("minted", 1, MINTED_A_DAY, Calendar.DAY))
            if self._file.record(token.id) is not None or await self._tokens.read(token.id) is not None:
                raise NotReady("Two tokens would have the same id; try again.")
            await self._tokens.add(record)
        except (StoreUnavailable, SealError):
            raise _unavailable() from None
        except TooMany:
            raise InvalidValue("The tenant has as many tokens as it may; revoke some that nobody uses.") from None
        return token, record

    async def list(self, caller: Principal) -> Sequence[Listed]:
        """Those that were minted here, the oldest first, then those of the tokens file."""
        try:
            await self._still_good(caller)
            minted = await self._tokens.list(caller.tenant)
        except (StoreUnavailable, SealError):
            raise _unavailable() from None
        filed = self._file.records(caller.tenant)
        return [self._listed(record, "api") for record in minted] + [self._listed(record, "file") for record in filed]

    def _listed(self, record: TokenRecord, source: Literal["api", "file"]) -> Listed:
        return Listed(record, source, self._revocations.is_revoked(record.tenant, record.id))

    async def revoke(self, caller: Principal, token_id: str) -> None:
        """Refuse the token from now on: one that was minted here, one of the tokens file (which still has it then, and
        its operator should remove it), or one of an identity provider, by the id that the audit log has of it.

        Raises NotFound, RateLimited.
        """
        try:
            await self._still_good(caller)
            if _FOREIGN.fullmatch(token_id):
                await self._count(caller.tenant, Budget("foreign", 1, FOREIGN_A_MONTH, Calendar.MONTH))
                until_s: float | None = self._wall_clock() + FOREIGN_S
            else:
                until_s = await self._removed(caller, token_id)
            await self._revocations.revoke(caller.tenant, token_id, until_s)
        except (StoreUnavailable, SealError):
            raise _unavailable() from None

    async def _removed(self, caller: Principal, token_id: str) -> float | None:
        """Take one of ours out of the store if it is there; gives until when it has to be refused besides."""
        tenant, filed = caller.tenant, self._file.record(token_id)
        record = filed or (await self._tokens.read(token_id) if _OURS.fullmatch(token_id) else None)
        if record is None or record.tenant != tenant:
            raise _unknown()
        until_s = record.expires.timestamp() if record.expires is not None else None
        if filed is not None:
            return until_s
        try:
            await self._tokens.remove(tenant, token_id)
        except (StoreUnavailable, NotReady):
            await self._revocations.revoke(tenant, token_id, until_s)
            raise
        # It is gone; this is for workers that know it still, and for whoever was changing it in this moment.
        soon_s = self._wall_clock() + GONE_S
        return soon_s if until_s is None else min(until_s, soon_s)

    async def rotate(self, caller: Principal, token_id: str, overlap_s: int) -> tuple[Token, TokenRecord]:
        """A new secret for a token that was minted here; the one that it has now is good for so many seconds more.

        Raises NotFound, InvalidValue, or Forbidden for a token that may do more than the caller's.
        """
        if not 0 <= overlap_s <= LONGEST_OVERLAP_S:
            raise InvalidValue(f"overlap is a number of seconds, from 0 to {LONGEST_OVERLAP_S}.", param="overlap")
        if not _OURS.fullmatch(token_id):
            raise _unknown()
        now, made = self._now(), mint(token_id)

        def rotated(record: TokenRecord) -> TokenRecord:
            if record.is_expired(now) or self._revocations.is_revoked(record.tenant, record.id):
                raise NotFound("This token has ended; mint a new one.")
            if not may_have(caller, record, self._token_limits):
                raise Forbidden("This token can rotate none that may do more than it; ask for one that may.")
            return record.rotated(made, now, now + timedelta(seconds=overlap_s))

        try:
            await self._still_good(caller)
            record = await self._tokens.change(caller.tenant, token_id, rotated)
            if record is None:
                raise self._not_found(caller, token_id)
            await self._revocations.announce()
        except (StoreUnavailable, SealError):
            raise _unavailable() from None
        return made, record

    async def _still_good(self, caller: Principal) -> None:
        """A token that was revoked a moment ago, anywhere, must not make others that outlive it."""
        await self._revocations.refresh()
        if self._revocations.is_revoked(caller.tenant, caller.token_id):
            raise Unauthenticated(WRONG)

    async def _count(self, tenant: str, budget: Budget) -> None:
        """What stays for long is counted, so that no tenant can fill what all share. Raises RateLimited."""
        taken = await self._store.take(self._kept.names()[0].tenant(tenant), [budget])
        if not taken.granted:
            raise RateLimited(
                f"This tenant has done this {budget.limit} times this {budget.calendar}, and may not do it more often.",
                retry_after_s=taken.grants[0].wait_ms // 1000 + 1,
                limit=("tenant", "changes"),
            )

    def _not_found(self, caller: Principal, token_id: str) -> Exception:
        record = self._file.record(token_id)
        if record is not None and record.tenant == caller.tenant:
            return InvalidValue(
                "This token is in the tokens file; its operator rotates it, with `gateway token rotate`."
            )
        return _unknown()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(int(self._wall_clock()), UTC)


def _unknown() -> NotFound:
    return NotFound("This tenant has no token of this id; GET /admin/tokens lists those that were minted here.")


def _unavailable() -> NotReady:
    return NotReady("The store that has the tokens cannot be asked now; try again in a moment.")
