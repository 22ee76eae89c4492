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

from gateway.access.addresses import Network, network_of
from gateway.access.authenticate import Authenticator
from gateway.access.bearer import Bearer
from gateway.access.brake import Brake
from gateway.access.desk import TokenDesk
from gateway.access.entrance import Entrance
from gateway.access.jwt import JwtVerifier
from gateway.access.kept import Kept
from gateway.access.limiter import Limiter
from gateway.access.revocations import Revocations
from gateway.access.token_store import TokenStore
from gateway.build import build_stages, inline_chars, limit_rules, limits_of
from gateway.cache.contents import CacheContents
from gateway.cache.upstream import CachedUpstream
from gateway.edge.door import Door
from gateway.edge.routes import build_app
from gateway.edge.service import Offload, Result, Service
from gateway.guard import planted
from gateway.observe.alarms import Alarms
from gateway.observe.alerts import Alerts
from gateway.observe.audit import AuditLog
from gateway.observe.audit_lines import pseudonyms
from gateway.observe.events import Observer, Observers
from gateway.observe.log import configure_logging
from gateway.observe.metrics import Metrics
from gateway.pipeline.ports import Upstream
from gateway.policy.load import PolicyFile, load_policy
from gateway.policy.schema import Policy, Rates
from gateway.seal.errors import SealError
from gateway.seal.keyring import Keyring
from gateway.seal.master import master_key
from gateway.seal.signing import AUDIT_PURPOSE, SUBJECT_PURPOSE, Signers
from gateway.settings import ConfigurationError, Settings
from gateway.store.choose import store_of
from gateway.store.memory_limits import MemoryLimits
from gateway.store.port import Store
from gateway.upstream.client import VllmClient
from gateway.upstream.keys import KeyFetcher
from gateway.upstream.queue import FairQueue, QueuedUpstream

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
    jwt: JwtVerifier | None
    revocations: Revocations
    limiter: Limiter
    audit: AuditLog | None

    async def open(self) -> None:
        if self.audit is not None:
            self.audit.start()
        await self.upstream.open()
        await self.store.open()
        await self.revocations.open()
        if self.jwt is not None:
            await self.jwt.open()

    async def close(self) -> None:
        if self.jwt is not None:
            await self.jwt.close()
        await self.revocations.close()
        await self.limiter.close()
        await self.upstream.close()
        await self.store.close()
        self.threads.shutdown(wait=False, cancel_futures=True)
        if self.audit is not None:
            self.audit.close()


def create_app(settings: Settings, keyring: Keyring, registry: CollectorRegistry) -> FastAPI:
    """The app of one worker. Raises ConfigurationError if anything it needs is missing or wrong."""
    configure_logging(settings.log_level)
    loaded = load_policy(settings.policy)
    policy = loaded.policy
    trusted = _trusted(settings)
    store = store_of(settings.store, time.monotonic, settings.store_timeout)
    kept, alarms = Kept(keyring), Alarms("tokens", registry, time.monotonic)
    minted = TokenStore(store, kept, clock=time.monotonic, wall_clock=time.time, report=alarms.report)
    connections = _Connections(
        ThreadPoolExecutor(_ANALYSIS_THREADS, thread_name_prefix="analysis"),
        VllmClient(
            {"default": settings.upstream, **policy.upstreams},
            salt_of=partial(_prefix_salt, keyring),
            connect_timeout_s=settings.connect_timeout,
            api_key=_read_key(settings.upstream_key_file),
        ),
        store,
        JwtVerifier(settings.oidc, KeyFetcher(), clock=time.monotonic, wall_clock=time.time) if settings.oidc else None,
        Revocations(
            store, kept, clock=time.monotonic, wall_clock=time.time, report=alarms.report, changed=minted.stale
        ),
        _limiter(policy, settings, keyring, store, registry),
        _audit(settings, keyring),
    )
    opaque = Authenticator(settings.tokens, time.monotonic, minted)
    tokens = Bearer(opaque, connections.jwt)
    door = Door(Entrance(tokens.principal, Brake(time.monotonic), connections.revocations, {policy.name}), trusted)
    service = _service(settings, loaded, keyring, registry, connections, door)
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

    # What one of several workers keeps in its own memory the others would not know.
    shares = settings.workers == 1 or not settings.store.startswith("memory:")
    token_limits = limits_of(policy.limits.token)
    known = {"": token_limits, policy.name: token_limits}
    desk = TokenDesk(minted, opaque, connections.revocations, store, kept, known.get, time.time) if shares else None
    return build_app(service, desk, ready, lifespan)


def _trusted(settings: Settings) -> tuple[Network, ...]:
    try:
        return tuple(network_of(text.strip()) for text in settings.trusted_proxies.split(",") if text.strip())
    except ValueError as error:
        raise ConfigurationError(f"setting trusted_proxies: {error}") from None


def _service(
    settings: Settings,
    loaded: PolicyFile,
    keyring: Keyring,
    registry: CollectorRegistry,
    connections: _Connections,
    door: Door,
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
            _queued(settings, connections.upstream),
            connections.store,
            keyring,
            policy.cache,
            # What `default` means is said by the settings, not by the policy.
            f"{digest} {settings.upstream}",
            wall_clock=time.time,
            report=alarms.report,
        ),
        contents=CacheContents(connections.store, keyring),
        authenticate=door,
        limiter=connections.limiter,
        limit_rules=limit_rules(policy),
        recording=connections.audit or _NoRecord(),
        observer=Observers(_observers(connections.audit, registry)),
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


def _limiter(
    policy: Policy, settings: Settings, keyring: Keyring, store: Store, registry: CollectorRegistry
) -> Limiter:
    """Raises ConfigurationError if the policy limits what the workers cannot count together."""
    limits = policy.limits
    rates = (limits.token, limits.subject, limits.tenant, *limits.tenants.values(), *limits.model.values())
    if settings.workers > 1 and settings.store.startswith("memory:") and any(rate != Rates() for rate in rates):
        raise ConfigurationError(
            "setting store: limits of several workers need a store that they share; "
            "write --store redis://… or --workers 1"
        )
    fallback = MemoryLimits(time.monotonic) if limits.when_store_fails == "local" else None
    return Limiter(store, partial(_limit_name, keyring), Alarms("limits", registry, time.monotonic).report, fallback)


def _limit_name(keyring: Keyring, kind: str, value: str) -> str:
    """A name in the store that tells nobody whose limit it is."""
    return hmac.digest(keyring.secret("limits"), f"{kind} {value}".encode(), "sha256")[:16].hex()


def _queued(settings: Settings, upstream: VllmClient) -> Upstream:
    if not settings.places:
        return upstream
    return QueuedUpstream(upstream, FairQueue(settings.places, settings.queue, settings.queue_timeout))


class _NoRecord:
    """Nothing is written down, so nothing can fail to be."""

    def check(self) -> None:
        return None


def _audit(settings: Settings, keyring: Keyring) -> AuditLog | None:
    if settings.audit == "none":
        return None
    return AuditLog(
        settings.audit,
        signer=Signers(partial(keyring.key_for, AUDIT_PURPOSE)),
        pseudonym=pseudonyms(keyring.key_for(SUBJECT_PURPOSE)[1]),
        fsync=settings.audit_fsync,
        on_failure=settings.audit_on_failure,
        max_bytes=settings.audit_max_size,
        buffer_bytes=settings.audit_buffer,
    )


def _observers(audit: AuditLog | None, registry: CollectorRegistry) -> list[Observer]:
    observers: list[Observer] = [Metrics(registry), Alerts({planted.STAGE}, registry)]
    return observers if audit is None else [*observers, audit]


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
