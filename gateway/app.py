"""The composition root: settings in, ASGI app out. The only place where the parts meet."""

from __future__ import annotations

import asyncio
import gc
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
from gateway.edge.endpoint import Service
from gateway.edge.routes import build_app
from gateway.observe.audit import AuditLog
from gateway.observe.events import Observer, Observers
from gateway.observe.log import configure_logging
from gateway.observe.metrics import Metrics
from gateway.pipeline.ports import SealerOf
from gateway.pipeline.prompt import Prompt
from gateway.policy.load import load_policy
from gateway.redact.actions import ENCRYPT_PURPOSE
from gateway.seal.keyset import Keyset
from gateway.settings import ConfigurationError, Settings
from gateway.upstream.client import VllmClient

_ANALYSIS_THREADS = 2
_KEY_BYTES = 32
_SWITCH_S = 0.001
_GC_THRESHOLDS = (20_000, 20, 50)


@dataclass(frozen=True, slots=True)
class Secrets:
    """Keys of one run of the server, the same in all of its workers. Without a keyset they are new at each start."""

    hash_key: bytes
    salt_key: bytes
    keyset: Keyset | None = None

    @classmethod
    def of(cls, settings: Settings) -> Secrets:
        """Raises ConfigurationError if there should be a keyset and none can be read."""
        if settings.keyset is None:
            return cls(token_bytes(_KEY_BYTES), token_bytes(_KEY_BYTES))
        keyset = Keyset.load(settings.keyset)
        return cls(keyset.secret("redact hash"), keyset.secret("upstream salt"), keyset)

    @property
    def sealer_of(self) -> SealerOf | None:
        """The sealers of the action `encrypt`, by tenant."""
        return partial(self.keyset.sealer, ENCRYPT_PURPOSE) if self.keyset else None

    def __repr__(self) -> str:
        return "<Secrets>"


def create_app(settings: Settings, secrets: Secrets, registry: CollectorRegistry) -> FastAPI:
    """The app of one worker. Raises ConfigurationError if anything it needs is missing or wrong."""
    configure_logging(settings.log_level)
    loaded = load_policy(settings.policy)
    policy = loaded.policy
    threads = ThreadPoolExecutor(_ANALYSIS_THREADS, thread_name_prefix="analysis")
    upstream = VllmClient(
        {"default": settings.upstream, **policy.upstreams},
        salt_key=secrets.salt_key,
        connect_timeout_s=settings.connect_timeout,
        api_key=_read_key(settings.upstream_key_file),
    )
    service = Service(
        settings=settings,
        policy=policy,
        policy_digest=loaded.digest,
        chain=build_stages(loaded, hash_key=secrets.hash_key, sealer_of=secrets.sealer_of),
        upstream=upstream,
        authenticator=Authenticator(settings.tokens, time.monotonic),
        observer=Observers(_observers(settings, registry)),
        offload=_offload(threads),
        inline_chars=inline_chars(policy),
        clock=time.monotonic,
    )
    used = sorted({route.upstream for route in policy.models.values()})

    async def ready() -> dict[str, bool]:
        answers = await asyncio.gather(*(upstream.reachable(name) for name in used))
        return {f"upstream {name}": answer for name, answer in zip(used, answers, strict=True)}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for weakening in policy.weakenings():
            logging.getLogger("gateway").warning("the policy weakens privacy", extra={"setting": weakening})
        await upstream.open()
        # What exists now lives as long as the process; collecting it again and again would stop everybody for 0.1 s.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        # A long prompt that is read in a thread gives way to other requests soon.
        sys.setswitchinterval(_SWITCH_S)
        yield
        await upstream.close()
        threads.shutdown(wait=False, cancel_futures=True)

    return build_app(service, ready, lifespan)


def _observers(settings: Settings, registry: CollectorRegistry) -> list[Observer]:
    observers: list[Observer] = [Metrics(registry)]
    if settings.audit != "none":
        observers.append(AuditLog(settings.audit))
    return observers


def _offload(threads: ThreadPoolExecutor) -> Callable[[Callable[[], Prompt]], asyncio.Future[Prompt]]:
    return lambda work: asyncio.get_running_loop().run_in_executor(threads, work)


def _read_key(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"setting upstream_key_file: {path} cannot be read ({error.strerror})") from None
