"""An upstream that remembers: what was asked and answered a moment ago is answered again without the model.

It stands behind redaction. What it sees, and keeps, has placeholders in it, so that two people who ask the same about
different persons share an entry and each gets their own values back.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any

from gateway.cache.entry import Entry, Envelope, Unkeepable, is_fresh
from gateway.cache.flight import Event, Flight, Flights
from gateway.cache.names import PURPOSE, SHARED, Name, Names, person
from gateway.cache.replay import as_events, as_whole
from gateway.cache.rules import may_ask, may_keep
from gateway.pipeline.ports import Call, Clock, Reply, Source, Upstream
from gateway.policy.schema import Cache
from gateway.seal.errors import SaltsUnavailable, SealError
from gateway.seal.keyring import Keyring
from gateway.store.port import Store, StoreUnavailable


class Mishap(StrEnum):
    """What can go wrong in the cache beside what can go wrong in its store. No request fails because of it."""

    NO_KEY = "no_key"
    """There is no key for the tenant: its salt cannot be read or made."""
    UNREADABLE = "unreadable"
    """An entry was changed, put in another's place, or sealed with a key that is no more."""
    TOO_LARGE = "too_large"
    """An answer is larger or nested more deeply than what is kept."""


Report = Callable[[str], None]
"""Told the kind of a mishap, or of a store's trouble."""


@dataclass(slots=True)
class _Origin:
    """Where a flight's events come from, and whether they are in the store."""

    source: Source
    streamed: bool
    made_s: float
    kept: bool


class CachedUpstream:
    """Another upstream with a cache before it. `wall_clock` gives seconds since 1970."""

    def __init__(
        self,
        upstream: Upstream,
        store: Store,
        keyring: Keyring,
        policy: Cache,
        policy_digest: str,
        *,
        wall_clock: Clock,
        report: Report,
    ) -> None:
        self._upstream = upstream
        self._store = store
        self._keyring = keyring
        self._policy = policy
        self._names = Names(keyring, policy_digest)
        self._now = wall_clock
        self._report = report
        self._flights: Flights[_Origin] = Flights(self._is_over)

    @asynccontextmanager
    async def ask(self, call: Call) -> AsyncIterator[Reply]:
        """What is kept, what is being fetched for others already, or else what the model says."""
        if (name := self._name(call)) is None:
            yield Uncached(self._upstream, call)
            return
        async with self._flights.board((name.place, call.streamed), partial(self._fetch, call, name)) as (
            flight,
            first,
        ):
            try:
                yield _Recorded(self, call, name, flight, first)
            except Exception:
                # What one could not be given would fail for everybody until its time is over.
                await self.drop(name, flight)
                raise

    def _name(self, call: Call) -> Name | None:
        """Where the answer is to be found, or None if this request is not for the cache."""
        if not may_ask(call, self._policy):
            return None
        try:
            return self._names.of(call, SHARED if self._policy.scope == "tenant" else person(call.subject))
        except SealError:
            self._report(Mishap.NO_KEY)
            return None

    async def _fetch(self, call: Call, name: Name, flight: Flight[_Origin]) -> AsyncGenerator[Event]:
        if (entry := await self._kept(name)) is not None:
            flight.origin = _Origin(Source.HIT, entry.streamed, entry.made_s, kept=True)
            for event in entry.events:
                yield event
            return
        flight.origin = origin = _Origin(Source.MISS, call.streamed, self._now(), kept=False)
        if call.streamed:
            async with aclosing(self._upstream.stream(_with_usage(call))) as events:
                async for event in events:
                    yield event
        else:
            yield await self._upstream.complete(call)
        origin.made_s = self._now()

    async def _kept(self, name: Name) -> Entry | None:
        with self._reported():
            # First the envelope: who asked before a tenant is forgotten does not find an entry that does not open.
            envelope = self._envelope(name)
            value = await self._store.get(name.place)
            return None if value is None else Entry.open(value, envelope, name.bound, self._now())
        return None

    def _is_over(self, flight: Flight[_Origin]) -> bool:
        """Whether the time of an answer is over that slow readers keep in the air."""
        origin = flight.origin
        if origin is None or not flight.ended:
            return False
        return not is_fresh(origin.made_s, origin.made_s + self._policy.ttl, self._now())

    def age_s(self, origin: _Origin) -> int:
        """Seconds since the model said it."""
        return max(0, int(self._now() - origin.made_s)) if origin.kept else 0

    async def keep(self, name: Name, flight: Flight[_Origin]) -> None:
        """Put an answer that has left whole into the store, once, unless it has been forgotten in the meantime."""
        origin = flight.origin
        if origin is None or origin.kept or flight.closed or self._is_over(flight):
            return
        if not may_keep(flight.events, self._policy):
            return
        origin.kept = True
        with self._reported():
            # First the envelope: if its salts are destroyed after the name was looked at, nobody can open it any more.
            envelope = self._envelope(name)
            if self._names.is_current(name):
                entry = Entry(flight.events, origin.streamed, origin.made_s)
                await self._store.put(name.place, entry.seal(envelope, name.bound, self._policy.ttl), self._policy.ttl)
                if flight.closed:  # a filter stopped it for somebody else in the meantime
                    await self._store.delete(name.place)

    async def drop(self, name: Name, flight: Flight[_Origin]) -> None:
        """An answer that a filter stopped is given to nobody else."""
        flight.closed = True
        if flight.origin is not None and flight.origin.kept:
            with self._reported():
                await self._store.delete(name.place)

    def _envelope(self, name: Name) -> Envelope:
        return self._keyring.entries(PURPOSE, name.tenant, name.whose)

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """What goes wrong with the cache is counted, and the request goes on without it."""
        try:
            yield
        except StoreUnavailable as error:
            self._report(error.trouble)
        except Unkeepable:
            self._report(Mishap.TOO_LARGE)
        except SaltsUnavailable:
            self._report(Mishap.NO_KEY)
        except SealError:
            self._report(Mishap.UNREADABLE)


class Uncached:
    """The reply of an upstream itself."""

    source = Source.BYPASS
    age_s = 0

    def __init__(self, upstream: Upstream, call: Call) -> None:
        self._upstream = upstream
        self._call = call

    async def whole(self) -> dict[str, Any]:
        return await self._upstream.complete(self._call)

    def events(self) -> AsyncGenerator[dict[str, Any]]:
        return self._upstream.stream(self._call)

    async def settle(self, *, good: bool) -> None:
        """Nothing is kept."""


class _Recorded:
    """One passenger's view of a flight."""

    def __init__(self, cache: CachedUpstream, call: Call, name: Name, flight: Flight[_Origin], first: bool) -> None:
        self._cache = cache
        self._call = call
        self._name = name
        self._flight = flight
        self._first = first
        self._began = False

    @property
    def source(self) -> Source:
        origin = self._flight.origin
        if origin is None:
            return Source.MISS
        # Who follows and gets nothing but an error was not served by the cache.
        return origin.source if self._first or not self._began else Source.HIT

    @property
    def age_s(self) -> int:
        origin = self._flight.origin
        return 0 if origin is None else self._cache.age_s(origin)

    async def whole(self) -> dict[str, Any]:
        position = 0
        while await self._flight.at(position) is not None:
            position += 1
        self._began = True
        recorded = self._flight.events
        return as_whole(recorded) if self._streamed else recorded[0]

    async def events(self) -> AsyncGenerator[dict[str, Any]]:
        with_usage = _wants_usage(self._call)
        position = 0
        while (recorded := await self._flight.at(position)) is not None:
            position += 1
            self._began = True
            for event in (recorded,) if self._streamed else as_events(recorded):
                if with_usage or "usage" not in event:
                    yield event
                elif event.get("choices"):
                    yield {name: value for name, value in event.items() if name != "usage"}

    @property
    def _streamed(self) -> bool:
        return self._flight.origin is not None and self._flight.origin.streamed

    async def settle(self, *, good: bool) -> None:
        if good:
            await self._cache.keep(self._name, self._flight)
        else:
            await self._cache.drop(self._name, self._flight)


def _wants_usage(call: Call) -> bool:
    return bool((call.body.get("stream_options") or {}).get("include_usage"))


def _with_usage(call: Call) -> Call:
    """The same request with its usage, which a whole answer would have and which clients may ask for later."""
    options = {**(call.body.get("stream_options") or {}), "include_usage": True}
    return replace(call, body={**call.body, "stream_options": options})
