"""The store: whether Redis answers in time, over what, and whether it keeps what must not be lost."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.access.issuers import is_local
from gateway.doctor.result import Result, bad, good, warn
from gateway.doctor.setup import Setup, place_of
from gateway.settings import ConfigurationError
from gateway.store.choose import store_of
from gateway.store.port import Trouble
from gateway.store.redis_probe import Probe, probe

_REMEDIES = {
    Trouble.UNREACHABLE: "is it running, and are host and port right?",
    Trouble.TIMEOUT: "is something between here and there, and is it overloaded?",
    Trouble.DENIED: "are user and password right, and may the user do what docs/deploy.md lists?",
    Trouble.FULL: "raise its maxmemory",
    Trouble.READ_ONLY: "name the primary, or mend its disk: `redis-cli INFO persistence`",
}
_ELSE = "look at its log"


@dataclass(frozen=True, slots=True)
class Store:
    """`probe` is None for a store in memory, or if the address is wrong."""

    problem: str = ""
    probe: Probe | None = None


def look(setup: Setup) -> Store:
    url = setup.settings.store
    try:
        store_of(url, lambda: 0.0)
        return Store("", None if url.startswith("memory:") else asyncio.run(probe(url)))
    except ConfigurationError as error:
        return Store(str(error))


def judge(store: Store, setup: Setup, *, holds_what_must_stay: bool) -> Iterator[Result]:
    """`holds_what_must_stay`: limits, or tokens minted over HTTP, which a Redis that evicts would forget."""
    settings = setup.settings
    if store.problem:
        yield bad("store", store.problem, "docs/cache.md has the forms of addresses")
    elif store.probe is None:
        if settings.workers > 1:
            remedy = "--store redis://… shares it, and lets administrators mint tokens"
            yield warn("store memory://", f"{settings.workers} workers keep a cache each", remedy)
        else:
            yield good("store memory://")
    else:
        where = f"store {place_of(settings.store)}"
        if store.probe.trouble is not None:
            remedy = _REMEDIES.get(store.probe.trouble, _ELSE)
            if store.probe.trouble is Trouble.UNREACHABLE and settings.store.startswith("rediss:"):
                remedy += " Is its certificate of those in ssl_ca_certs, and of this name?"
            yield bad(where, f"it is of no use now: {store.probe.trouble}", remedy)
        else:
            yield from _answered(where, store.probe, settings.store_timeout, holds_what_must_stay)
        yield from _open(where, settings.store)


def _answered(where: str, seen: Probe, limit_s: float, holds: bool) -> Iterator[Result]:
    median_s = statistics.median(seen.pings_s)
    told = f"half of its answers take more than {median_s * 1000:.1f} ms"
    if median_s >= limit_s:
        yield bad(
            where, f"{told}, and a command may take {limit_s * 1000:g}", "a nearer Redis, or a longer store_timeout"
        )
    elif median_s >= limit_s / 2:
        yield warn(where, f"{told}; a command may take {limit_s * 1000:g}", "a nearer Redis, or a longer store_timeout")
    if seen.denied:
        more = " ".join(f"+{name}" for name in seen.denied)
        yield bad(where, f"its user may not use: {', '.join(seen.denied)}", f"ACL SETUSER … ~pgw:* &pgw:* {more}")
    if seen.refuses is not None:
        yield bad(where, f"it takes no entries: {seen.refuses}", _REMEDIES.get(seen.refuses, _ELSE))
    yield from _evicting(where, seen.eviction, holds)
    yield good(f"{where}: answers, p50 {median_s * 1000:.1f} ms")


def _evicting(where: str, eviction: str | None, holds: bool) -> Iterator[Result]:
    if not holds or eviction == "noeviction":
        return
    remedy = "`maxmemory-policy noeviction` in its configuration"
    if eviction is None:
        yield warn(where, "its maxmemory-policy may not be read here, and limits and tokens need noeviction", remedy)
    else:
        yield bad(where, f"maxmemory-policy is {eviction}: limits, tokens and revocations may be lost", remedy)


def _open(where: str, url: str) -> Iterator[Result]:
    parts = urlsplit(url)
    if parts.scheme == "redis" and not is_local(parts.hostname):
        yield warn(
            where, "the password and who asks what go there in plain text", "rediss://…, as docs/deploy.md sets up"
        )
