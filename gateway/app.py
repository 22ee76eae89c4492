"""The composition root: settings in, ASGI app out. The only place where the parts meet."""

from __future__ import annotations

import asyncio
import gc
import hmac
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from secrets import token_bytes, token_hex
from typing import TYPE_CHECKING

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
from gateway.access.limits import Limits
from gateway.access.revocations import Revocations
from gateway.access.token_store import TokenStore
from gateway.activate import PolicyBuilder, counts_together
from gateway.build import limits_of
from gateway.cache.contents import CacheContents
from gateway.edge.door import Door
from gateway.edge.life import Serving
from gateway.edge.policies import Policies
from gateway.edge.routes import Health, Lifespan, build_app
from gateway.edge.service import Offload, Result, Service
from gateway.edge.tls import Certificate, TlsFiles
from gateway.endpoints import acts, page
from gateway.guard import planted
from gateway.observe.access_log import AccessLog
from gateway.observe.alarms import Alarms
from gateway.observe.alerts import Alerts
from gateway.observe.audit import AuditLog
from gateway.observe.audit_lines import pseudonyms
from gateway.observe.events import ExchangeEvent, Flow, Observer, Observers
from gateway.observe.hours import HourlyCounts
from gateway.observe.log import configure_logging
from gateway.observe.measured import MeasuredStore, UpstreamMeter
from gateway.observe.metrics import Metrics, Reloads
from gateway.observe.pulse import Pulse, watch_audit, watch_key, watch_queue
from gateway.observe.series import Series
from gateway.observe.traceparent import Tracer
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

if TYPE_CHECKING:
    from gateway.observe.otlp import Spans

_ANALYSIS_THREADS = 2
_KEY_BYTES = 32
_LOOK_EVERY_S = 1.0
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
    spans: Spans | None

    async def open(self) -> None:
        if self.audit is not None:
            self.audit.start()
        if self.spans is not None:
            self.spans.start()
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
        if self.spans is not None:
            await asyncio.to_thread(self.spans.close)
        if self.audit is not None:
            self.audit.close()


def create_app(settings: Settings, keyring: Keyring, registry: CollectorRegistry) -> FastAPI:
    """The app of one worker. Raises ConfigurationError if anything it needs is missing or wrong."""
    configure_logging(settings.log_level)
    trusted = _trusted(settings)
    series, flow = Series(registry), Flow()
    store = MeasuredStore(store_of(settings.store, time.monotonic, settings.store_timeout), series, time.monotonic)
    kept, alarms = Kept(keyring), Alarms("tokens", registry, time.monotonic)
    minted = TokenStore(store, kept, clock=time.monotonic, wall_clock=time.time, report=alarms.report)
    meter = UpstreamMeter(series, time.monotonic)
    upstream = VllmClient(
        salt_of=partial(_prefix_salt, keyring), connect_timeout_s=settings.connect_timeout, retried=meter.retried
    )
    spans = _spans(settings, series)
    audit, reloads = _audit(settings, keyring), Reloads(registry)
    report = Alarms("cache", registry, time.monotonic).report
    builder = PolicyBuilder(settings, keyring, store, upstream, report, meter)
    policies = Policies(builder.build, partial(_tell_reload, reloads, audit))
    connections = _Connections(
        ThreadPoolExecutor(_ANALYSIS_THREADS, thread_name_prefix="analysis"),
        upstream,
        store,
        JwtVerifier(settings.oidc, KeyFetcher(), clock=time.monotonic, wall_clock=time.time) if settings.oidc else None,
        Revocations(
            store, kept, clock=time.monotonic, wall_clock=time.time, report=alarms.report, changed=minted.stale
        ),
        _limiter(keyring, store, registry),
        audit,
        spans,
    )
    pulse = _pulse(series, flow, builder, audit, keyring)
    opaque = Authenticator(settings.tokens, time.monotonic, minted, told=partial(reloads.count, "tokens"))
    tokens = Bearer(opaque, connections.jwt).principal
    door = Door(Entrance(tokens, Brake(time.monotonic), connections.revocations, policies), trusted)
    hours = HourlyCounts(time.time) if settings.ui == "on" else None
    service = Service(
        settings=settings,
        policies=policies,
        contents=CacheContents(store, keyring),
        authenticate=door,
        limiter=connections.limiter,
        counts_together=counts_together(settings),
        recording=audit or _NoRecord(),
        observer=Observers(_observers(settings, audit, spans, series, registry, hours)),
        offload=_offload(connections.threads),
        clock=time.monotonic,
        tracer=Tracer(settings.traces_ratio) if spans else None,
        flow=flow,
    )

    serving = _serving(settings, reloads, registry)
    limits = partial(_token_limits, policies)
    desk = TokenDesk(minted, opaque, connections.revocations, store, kept, limits, time.time)
    app = build_app(
        service,
        [*acts(service, desk, keyring), *page(service, hours)],
        _health(upstream, policies, opaque, serving),
        _lifespan(connections, policies, opaque, pulse, serving.certificate),
    )
    app.state.serving = serving
    return app


def _health(upstream: VllmClient, policies: Policies, tokens: Authenticator, serving: Serving) -> Health:
    def problems() -> dict[str, str]:
        return {"policies": policies.problem, "tokens": tokens.problem(), **serving.problems()}

    return Health(partial(_reachable, upstream, policies), problems, serving.life)


def _serving(settings: Settings, reloads: Reloads, registry: CollectorRegistry) -> Serving:
    """What the server needs beside the app."""
    files = TlsFiles.of(settings)
    certificate = None if files is None else Certificate(files, partial(reloads.count, "tls"))
    return Serving(Alarms("connections", registry, time.monotonic).report, certificate)


def _lifespan(
    connections: _Connections,
    policies: Policies,
    tokens: Authenticator,
    pulse: Pulse,
    certificate: Certificate | None,
) -> Lifespan:
    """What a worker does from its start to its end."""

    def look_now() -> None:
        policies.look_now()
        tokens.look_now()
        if certificate is not None:
            certificate.look_now()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await connections.open()
        # What exists now lives as long as the process; collecting it again and again would stop everybody for 0.1 s.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        # A long prompt that is read in a thread gives way to other requests soon.
        sys.setswitchinterval(_SWITCH_S)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, look_now)
        # Not by the threads that read prompts: it takes seconds.
        following = [
            asyncio.create_task(policies.follow(asyncio.to_thread)),
            asyncio.create_task(_kept_up(tokens)),
            asyncio.create_task(pulse.run()),
        ]
        if certificate is not None:
            following.append(asyncio.create_task(certificate.follow()))
        yield
        for task in following:
            task.cancel()
        await connections.close()
        pulse.stop()

    return lifespan


async def _kept_up(tokens: Authenticator) -> None:
    """So that what is wrong with the tokens file is known before somebody asks."""
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        tokens.problem()


async def _reachable(upstream: VllmClient, policies: Policies) -> dict[str, bool]:
    """Whether the upstreams answer on which the policy for all relies. Those of one tenant must not stop the others."""
    active = policies.default
    used = sorted({route.upstream for route in active.policy.models.values()})
    client = upstream.with_targets(active.targets)
    answers = await asyncio.gather(*(client.reachable(name) for name in used))
    return {f"upstream {name}": answer for name, answer in zip(used, answers, strict=True)}


def _token_limits(policies: Policies, tenant: str, name: str) -> Limits | None:
    """What a policy has for tokens; None if there is no such policy."""
    active = policies.named(tenant, name)
    return None if active is None else limits_of(active.policy.limits.token)


def _tell_reload(reloads: Reloads, audit: AuditLog | None, result: str, digest: str) -> None:
    reloads.count("policies", result)
    if audit is not None:
        status, code = (200, "") if result == "reloaded" else (400, "invalid_policy")
        audit.exchange_done(
            ExchangeEvent(token_hex(16), "reload policies", status, code, policy_digest=digest, kind="admin")
        )


def _trusted(settings: Settings) -> tuple[Network, ...]:
    try:
        return tuple(network_of(text.strip()) for text in settings.trusted_proxies.split(",") if text.strip())
    except ValueError as error:
        raise ConfigurationError(f"setting trusted_proxies: {error}") from None


def _prefix_salt(keyring: Keyring, tenant: str, model: str) -> str:
    """vLLM's `cache_salt`: a tenant's requests to a model share a prefix cache, and nobody can guess another's salt.

    Without a key the request shares with none.
    """
    try:
        key = keyring.tenant_secret("prefix cache", tenant)
    except SealError:
        key = token_bytes(_KEY_BYTES)
    return hmac.digest(key, model.encode(), "sha256").hex()


def _limiter(keyring: Keyring, store: Store, registry: CollectorRegistry) -> Limiter:
    alarms, fallback = Alarms("limits", registry, time.monotonic), MemoryLimits(time.monotonic)
    return Limiter(store, partial(_limit_name, keyring), alarms.report, fallback)


def _limit_name(keyring: Keyring, kind: str, value: str) -> str:
    """A name in the store that tells nobody whose limit it is."""
    return hmac.digest(keyring.secret("limits"), f"{kind} {value}".encode(), "sha256")[:16].hex()


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


def _observers(
    settings: Settings,
    audit: AuditLog | None,
    spans: Spans | None,
    series: Series,
    registry: CollectorRegistry,
    hours: HourlyCounts | None,
) -> Iterator[Observer]:
    # The audit log comes first: whatever else goes wrong, it has its line.
    if audit is not None:
        yield audit
    yield Metrics(series)
    yield Alerts({planted.STAGE}, registry)
    if hours is not None:
        yield hours
    if settings.access_log:
        yield AccessLog()
    if spans is not None:
        yield spans


def _spans(settings: Settings, series: Series) -> Spans | None:
    if settings.traces == "none":
        return None
    # It takes a tenth of a second and nobody else needs it.
    try:
        from gateway.observe.otlp import Spans  # noqa: PLC0415
    except ImportError:
        problem = "setting traces: OpenTelemetry is not installed; pip install '.[traces]'"
        raise ConfigurationError(problem) from None
    return Spans(settings.traces, series, time.monotonic)


def _pulse(series: Series, flow: Flow, builder: PolicyBuilder, audit: AuditLog | None, keyring: Keyring) -> Pulse:
    if builder.queue is not None:
        watch_queue(series, partial(getattr, builder.queue, "waiting"))
    if audit is not None:
        watch_audit(series, audit)
    watch_key(series, lambda: keyring.created_s)
    return Pulse(series, flow, time.monotonic)


def _offload(threads: ThreadPoolExecutor) -> Offload:
    def run(work: Callable[[], Result], /) -> asyncio.Future[Result]:
        # With its context, so that lines of the log say whose request it is.
        return asyncio.get_running_loop().run_in_executor(threads, copy_context().run, work)

    return run
