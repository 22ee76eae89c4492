"""The composition root: settings in, ASGI app out. The only place where the parts meet."""

from __future__ import annotations

import asyncio
import gc
import hmac
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from secrets import token_bytes

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from gateway.access.authenticate import Authenticator
from gateway.build import build_stages, inline_chars
from gateway.cache.contents import CacheContents
from gateway.cache.upstream import CachedUpstream
from gateway.edge.endpoint import Offload, Result, Service
from gateway.edge.routes import build_app
from gateway.guard import planted
from gateway.observe.alarms import Alarms
from gateway.observe.alerts import Alerts
from gateway.observe.audit import AuditLog
from gateway.observe.events import Observer, Observers
from gateway.observe.log import configure_logging
from gateway.observe.metrics import Metrics
from gateway.policy.load import PolicyFile, load_policy
from gateway.seal.errors import SealError
from gateway.seal.keyring import Keyring
from gateway.seal.master import master_key
from gateway.settings import ConfigurationError, Settings
from gateway.store.choose import store_of
from gateway.store.port import Store
from gateway.upstream.client import VllmClient

_ANALYSIS_THREADS = 2
_KEY_BYTES = 32
_SWITCH_S = 0.001
_GC_THRESHOLDS = (20_000, 20, 50)


def keyring_of(settings: Settings) -> Keyring:
    """The keys of a server, the same in all of its workers; without a keyset new ones, which end with it.

    Raises ConfigurationError if there should be a keyset and none can be read.
    """
    if settings.keyset is None:
        return Keyring.ephemeral()
    return Keyring.open(settings.keyset, master_key(settings.master_key, settings.keyset))


@dataclass(frozen=True, slots=True)
class _Connections:
    """What is opened when a worker starts to serve, and closed when it ends."""

    threads: ThreadPoolExecutor
    upstream: VllmClient
    store: Store

    async def open(self) -> None:
        await self.upstream.open()
        await self.store.open()

    async def close(self) -> None:
        await self.upstream.close()
        await self.store.close()
        self.threads.shutdown(wait=False, cancel_futures=True)


def create_app(settings: Settings, keyring: Keyring, registry: CollectorRegistry) -> FastAPI:
    """The app of one worker. Raises ConfigurationError if anything it needs is missing or wrong."""
    configure_logging(settings.log_level)
    loaded = load_policy(settings.policy)
    policy = loaded.policy
    connections = _Connections(
        ThreadPoolExecutor(_ANALYSIS_THREADS, thread_name_prefix="analysis"),
        VllmClient(
            {"default": settings.upstream, **policy.upstreams},
            salt_of=partial(_prefix_salt, keyring),
            connect_timeout_s=settings.connect_timeout,
            api_key=_read_key(settings.upstream_key_file),
        ),
        store_of(settings.store, time.monotonic, settings.store_timeout),
    )
    service = _service(settings, loaded, keyring, registry, connections)
    used = sorted({route.upstream for route in policy.models.values()})

    async def ready() -> dict[str, bool]:
        answers = await asyncio.gather(*(connections.upstream.reachable(name) for name in used))
        return {f"upstream {name}": answer for name, answer in zip(used, answers, strict=True)}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for weakening in policy.weakenings():
            logging.getLogger("gateway").warning("the policy weakens privacy", extra={"setting": weakening})
        await connections.open()
        # What exists now lives as long as the process; collecting it again and again would stop everybody for 0.1 s.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        # A long prompt that is read in a thread gives way to other requests soon.
        sys.setswitchinterval(_SWITCH_S)
        yield
        await connections.close()

    return build_app(service, ready, lifespan)


def _service(
    settings: Settings, loaded: PolicyFile, keyring: Keyring, registry: CollectorRegistry, connections: _Connections
) -> Service:
    policy, digest = loaded.policy, loaded.digest
    # What is sealed with keys that end with the server could be opened by nobody afterwards.
    lasting = keyring if settings.keyset else None
    alarms = Alarms("cache", registry, time.monotonic)
    return Service(
        settings=settings,
        policy=policy,
        policy_digest=digest,
        chain=build_stages(loaded, hash_key=keyring.secret("redact hash"), keyring=lasting),
        answers=CachedUpstream(
            connections.upstream,
            connections.store,
            keyring,
            policy.cache,
            # What `default` means is said by the settings, not by the policy.
            f"{digest} {settings.upstream}",
            wall_clock=time.time,
            report=alarms.report,
        ),
        contents=CacheContents(connections.store, keyring),
        authenticator=Authenticator(settings.tokens, time.monotonic),
        observer=Observers(_observers(settings, registry)),
        offload=_offload(connections.threads),
        inline_chars=inline_chars(policy),
        clock=time.monotonic,
    )


def _prefix_salt(keyring: Keyring, tenant: str, model: str) -> str:
    """vLLM's `cache_salt`: a tenant's requests to a model share a prefix cache, and nobody can guess another's salt.

    Without a key the request shares with none.
    """
    try:
        key = keyring.tenant_secret("prefix cache", tenant)
    except SealError:
        key = token_bytes(_KEY_BYTES)
    return hmac.digest(key, model.encode(), "sha256").hex()


def _observers(settings: Settings, registry: CollectorRegistry) -> list[Observer]:
    observers: list[Observer] = [Metrics(registry), Alerts({planted.STAGE}, registry)]
    if settings.audit != "none":
        observers.append(AuditLog(settings.audit))
    return observers


def _offload(threads: ThreadPoolExecutor) -> Offload:
    def run(work: Callable[[], Result], /) -> asyncio.Future[Result]:
        return asyncio.get_running_loop().run_in_executor(threads, work)

    return run


def _read_key(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"setting upstream_key_file: {path} cannot be read ({error.strerror})") from None
