"""What the cache holds for a tenant, and how it is made to forget."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.cache.names import SHARED, labels, owners, person
from gateway.seal.keyring import Keyring
from gateway.store.port import Store, StoreUnavailable, Usage


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was destroyed. `entries` is None if the store could not be asked; they open no more all the same."""

    salts: int
    entries: int | None


class CacheContents:
    """The entries of all tenants, each of which is dealt with alone."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    async def usage(self, tenant: str) -> Usage:
        """Raises StoreUnavailable."""
        held = [await self._store.usage(owner) for owner in owners(self._keyring, tenant)]
        return Usage(sum(usage.entries for usage in held), sum(usage.size_bytes for usage in held))

    async def forget(self, tenant: str, subject: str | None = None) -> Forgotten:
        """Forget what a tenant, or one person, asked. What all of a tenant share may be that person's, so it goes too.

        The salts go first: without them nobody can open an entry any more, wherever there is a copy of it.
        """
        if subject is None:
            salts = self._keyring.forget(tenant)
            begun = [(owner, "") for owner in owners(self._keyring, tenant)]
        else:
            whose = (person(subject), SHARED)
            salts = sum(self._keyring.forget(tenant, each) for each in whose)
            begun = [label for each in whose for label in labels(self._keyring, tenant, each)]
        try:
            entries = sum([await self._store.delete_all(owner, prefix) for owner, prefix in begun])
        except StoreUnavailable:
            return Forgotten(salts, None)
        return Forgotten(salts, entries)
