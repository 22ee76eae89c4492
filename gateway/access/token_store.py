"""Tokens that are minted while the gateway runs: sealed in the store, so that all workers and replicas have them.

A record is at a place that only who has the keyset and the token's id can name; each tenant has an index of its
tokens' ids. Whoever changes something of a tenant holds its lock meanwhile, a lease in the store. Reading needs none.

A worker remembers what it has read for a second. If the store fails, what it remembers is good for `OUTAGE_S` more,
and of what it does not remember it knows nothing: such a token is not wrong, but cannot be checked.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.access.authenticate import Credential
from gateway.access.kept import Kept, Names
from gateway.access.token_file import TokenRecord
from gateway.errors import NotReady
from gateway.seal.errors import SealError
from gateway.store.port import Correction, Lease, Place, Store, StoreUnavailable

FRESH_S = 1.0
"""How long what was read of a token is taken for what is so."""
OUTAGE_S = 60.0
"""How long it is, if the store cannot be asked."""
GRACE_S = 86_400.0
"""How long an expired token is kept, so that its bearer is told."""
FOREVER_S = 10 * 365 * 86_400.0
MOST = 1000
"""Tokens of one tenant."""
_REMEMBERED = 10_000
_LOCK_MS = 5000
_LOCK_TRIES = 40
_LOCK_WAIT_S = 0.05
_BATCH = 16


class TooMany(Exception):
    """The tenant has as many tokens as it may."""


@dataclass(slots=True)
class _Seen:
    credential: Credential | None
    read: float
    fresh_until: float
    changes: int
    """How many changes elsewhere had been heard of before it was read."""


class TokenStore:
    """`clock` is monotonic, `wall_clock` gives Unix time. `report` is told, by kind, of what failed: tokens_unread."""

    def __init__(
        self,
        store: Store,
        kept: Kept,
        *,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        report: Callable[[str], None],
        outage_s: float = OUTAGE_S,
    ) -> None:
        self._store = store
        self._kept = kept
        self._clock = clock
        self._wall_clock = wall_clock
        self._report = report
        self._outage_s = outage_s
        self._seen: OrderedDict[str, _Seen] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Credential | None]] = {}
        self._changes = 0

    def at_once(self, token_id: str) -> Credential | None:
        """If it was read within the last second."""
        seen = self._seen.get(token_id)
        return seen.credential if seen is not None and self._is_fresh(seen) else None

    async def find(self, token_id: str) -> Credential | None:
        """None if there is no such token. Raises StoreUnavailable. The store is asked once by all who wait."""
        seen = self._seen.get(token_id)
        if seen is not None and self._is_fresh(seen):
            return seen.credential
        task = self._asking.get(token_id)
        if task is None:
            task = self._asking[token_id] = asyncio.create_task(self._found(token_id))
            task.add_done_callback(lambda done: self._answered(token_id, done))
        return await asyncio.shield(task)

    def stale(self) -> None:
        """Something has changed elsewhere: ask anew when a token is used next."""
        self._changes += 1

    async def add(self, record: TokenRecord) -> None:
        """Raises StoreUnavailable, TooMany, NotReady if others keep changing the tenant's tokens."""
        async with self._locked(record.tenant):
            ids = await self._index(record.tenant)
            if len(ids) >= MOST:
                raise TooMany
            # Before the record: a token that nobody can see must not be.
            await self._put_index(record.tenant, {**ids, record.id: self._until(record)})
            await self._put(record)

    async def list(self, tenant: str) -> Sequence[TokenRecord]:
        """The oldest first. Raises StoreUnavailable."""
        ids = list(await self._index(tenant))
        found: list[TokenRecord | None] = []
        for at in range(0, len(ids), _BATCH):
            found += await asyncio.gather(*(self._read(token_id) for token_id in ids[at : at + _BATCH]))
        records = [record for record in found if record is not None and record.tenant == tenant]
        return sorted(records, key=lambda record: (record.created, record.id))

    async def change(
        self, tenant: str, token_id: str, changed: Callable[[TokenRecord], TokenRecord]
    ) -> TokenRecord | None:
        """Put what is made of the tenant's token in its place; None if there is none.

        What `changed` raises changes nothing. Raises StoreUnavailable, NotReady.
        """
        async with self._locked(tenant):
            record = await self._read(token_id)
            if record is None or record.tenant != tenant:
                return None
            new = changed(record)
            await self._put(new)
        return new

    async def remove(self, tenant: str, token_id: str) -> TokenRecord | None:
        """The tenant's token that was there, or None. Raises StoreUnavailable, NotReady."""
        async with self._locked(tenant):
            record = await self._read(token_id)
            if record is None or record.tenant != tenant:
                return None
            for names in self._kept.names():
                await self._store.delete(names.token(token_id))
            self._saw(token_id, None)
            ids = await self._index(tenant)
            ids.pop(token_id, None)
            await self._put_index(tenant, ids)
        return record

    async def read(self, token_id: str) -> TokenRecord | None:
        """What the store has now. Raises StoreUnavailable."""
        return await self._read(token_id)

    async def _found(self, token_id: str) -> Credential | None:
        changes = self._changes
        try:
            record = await self._read(token_id, keep=True)
        except StoreUnavailable:
            now = self._clock()
            seen = self._seen.get(token_id)
            if seen is None or seen.credential is None or now - seen.read > self._outage_s:
                raise
            # Not every request of the next second has to find out that the store fails.
            seen.fresh_until, seen.changes = min(now + FRESH_S, seen.read + self._outage_s), changes
            self._report("tokens_unread")
            return seen.credential
        credential = Credential.of(record) if record is not None else None
        # What was read before a change that we have heard of in the meantime is good for this once.
        self._saw(token_id, credential, changes)
        return credential

    def _answered(self, token_id: str, task: asyncio.Task[Credential | None]) -> None:
        if self._asking.get(token_id) is task:
            del self._asking[token_id]
        if not task.cancelled():
            # So that nobody complains if all who waited have gone.
            task.exception()

    def _is_fresh(self, seen: _Seen) -> bool:
        return self._clock() < seen.fresh_until and seen.changes == self._changes

    def _saw(self, token_id: str, credential: Credential | None, changes: int | None = None) -> None:
        now = self._clock()
        before = self._changes if changes is None else changes
        self._seen[token_id] = _Seen(credential, now, now + FRESH_S, before)
        self._seen.move_to_end(token_id)
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    async def _read(self, token_id: str, *, keep: bool = False) -> TokenRecord | None:
        """`keep`: put what is found under an older key under the one in use, so that the older can be retired."""
        for older, names in enumerate(self._kept.names()):
            place = names.token(token_id)
            value = await self._store.get(place)
            record = self._opened(value, place) if value is not None else None
            if record is not None:
                if older and keep:
                    await self._renew(record)
                return record
        return None

    def _opened(self, value: bytes, place: Place) -> TokenRecord | None:
        try:
            return TokenRecord.model_validate(self._kept.open(value, place))
        except (SealError, ValueError):
            self._report("tokens_unread")
            return None

    async def _renew(self, record: TokenRecord) -> None:
        """Under the key in use, unless somebody was faster. If it cannot be done now, it will be the next time."""
        with contextlib.suppress(StoreUnavailable, NotReady):
            async with self._locked(record.tenant, tries=1):
                names = self._kept.names()
                if await self._store.get(names[0].token(record.id)) is not None:
                    return
                ids = await self._index(record.tenant)
                if record.id in ids:
                    await self._put_index(record.tenant, ids)
                    await self._put(record, saw=False)

    async def _put(self, record: TokenRecord, *, saw: bool = True) -> None:
        newest, *older = self._kept.names()
        place = newest.token(record.id)
        ttl_s = self._until(record) - self._wall_clock()
        await self._store.put(place, self._kept.seal(record.written(), place), max(1.0, ttl_s))
        # An old secret must not come back if the store should lose what is here.
        for names in older:
            await self._store.delete(names.token(record.id))
        if saw:
            self._saw(record.id, Credential.of(record))

    def _until(self, record: TokenRecord) -> float:
        """When nothing needs to be known of it any more."""
        if record.expires is None:
            return self._wall_clock() + FOREVER_S
        return record.expires.timestamp() + GRACE_S

    async def _index(self, tenant: str) -> dict[str, float]:
        """The tenant's token ids, and until when each is kept; under older keys too."""
        now = self._wall_clock()
        ids: dict[str, float] = {}
        for names in self._kept.names():
            place = names.index(tenant)
            if (value := await self._store.get(place)) is None:
                continue
            try:
                listed = {str(token_id): float(until) for token_id, until in self._kept.open(value, place)}
            except (SealError, ValueError, TypeError):
                self._report("tokens_unread")
                continue
            ids = {**listed, **ids}
        return {token_id: until for token_id, until in ids.items() if until > now}

    async def _put_index(self, tenant: str, ids: dict[str, float]) -> None:
        """Under the key in use; what was under older ones is in it."""
        newest, *older = self._kept.names()
        await self._store.put(
            newest.index(tenant), self._kept.seal([[*item] for item in ids.items()], newest.index(tenant)), FOREVER_S
        )
        for names in older:
            await self._store.delete(names.index(tenant))

    @asynccontextmanager
    async def _locked(self, tenant: str, tries: int = _LOCK_TRIES) -> AsyncIterator[None]:
        """Nobody else changes the tenant's tokens meanwhile. Raises StoreUnavailable, NotReady."""
        names: Names = self._kept.names()[0]
        owner, lease = names.tenant(tenant), Lease("tokens", secrets.token_hex(8), 1, _LOCK_MS)
        for left in reversed(range(tries)):
            if (await self._store.take(owner, [lease])).granted:
                break
            if not left:
                raise NotReady("Others are changing the tokens of this tenant; try again.")
            await asyncio.sleep(_LOCK_WAIT_S)
        try:
            yield
        finally:
            # One that is not given back ends by itself.
            with contextlib.suppress(StoreUnavailable):
                await self._store.settle(owner, [Correction(lease)])
