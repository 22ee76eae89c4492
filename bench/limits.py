"""What limits cost and whether they are exact: `python -m bench.limits`, which writes bench/LIMITS.md. Needs Redis."""

from __future__ import annotations

import asyncio
import hmac
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench.processes import Processes
from bench.servers import start_redis
from gateway.access.limiter import Limiter
from gateway.access.limits import LimitRules, Limits
from gateway.access.principal import Principal
from gateway.errors import LimitReached
from gateway.store.choose import store_of
from gateway.store.port import Place, Store

OUTPUT = Path(__file__).parent / "LIMITS.md"
MEMORY_MS, REDIS_MS = 0.05, 0.15
"""The most that admitting and settling one request may cost."""
PROCESSES, REQUESTS, LIMIT = 4, 100_000, 40_000
_TURNS = 3000
_ROUNDS = 5
_AT_ONCE = 16
_LIMIT_S = 900
_PATIENT_S = 10.0
_MOST = 10**9
_WHO = Principal("token", "acme", "ada", frozenset(), frozenset("*"))
_ANOTHER = Principal("token", "exact", "ada", frozenset(), frozenset("*"))
_TOKEN = Limits(requests_per_minute=_MOST, tokens_per_minute=_MOST)
_PLACES = Limits(requests_per_minute=_MOST, tokens_per_minute=_MOST, concurrent=1000)
_BUDGETS = Limits(tokens_per_day=_MOST, tokens_per_month=_MOST)
CASES = {
    "nothing limited": LimitRules(),
    "a token's requests and tokens a minute": LimitRules(token=_TOKEN),
    "the same, and its requests at a time": LimitRules(token=_PLACES),
    "the same, and the tenant's tokens a day and a month": LimitRules(token=_PLACES, tenant=_BUDGETS),
    "the same, and a model's requests a minute": LimitRules(_PLACES, tenant=_BUDGETS, model=_TOKEN),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a request, in milliseconds. `waits`: until it is admitted; `alone`, `many`: the gateway's CPU for it."""

    waits: float
    alone: float
    many: float

    def __str__(self) -> str:
        return f"{self.waits:.3f} | {self.alone:.3f} | {self.many:.3f}"


def _name(kind: str, value: str) -> str:
    return hmac.digest(b"bench", f"{kind} {value}".encode(), "sha256")[:16].hex()


def _limiter(store: Store) -> Limiter:
    return Limiter(store, _name, lambda kind: print(kind, file=sys.stderr))


async def cost(store: Store, rules: LimitRules) -> Cost:
    """The least of a few rounds, since the machine does other things too."""
    limiter = _limiter(store)
    waits: list[float] = []

    async def client(turns: int, at_once: int) -> None:
        for _ in range(turns):
            began = time.perf_counter()
            admission = await limiter.admit(_WHO, "llama", rules, 500)
            waits.append(time.perf_counter() - began)
            settled = limiter.settle(admission, 300)
            if at_once == 1:
                await settled  # or the next would wait for it, which in life comes much later

    async def cpu(at_once: int) -> float:
        began = time.process_time()
        await asyncio.gather(*(client(_TURNS // at_once, at_once) for _ in range(at_once)))
        await limiter.close()
        return (time.process_time() - began) / _TURNS * 1e3

    await cpu(1)
    alone, medians = [], []
    for _ in range(_ROUNDS):
        waits.clear()
        alone.append(await cpu(1))
        medians.append(statistics.median(waits) * 1e3)
    return Cost(min(medians), min(alone), min([await cpu(_AT_ONCE) for _ in range(_ROUNDS)]))


async def round_trip_ms(store: Store) -> float:
    """What asking the store for an entry takes that is not there."""
    medians = []
    for _ in range(_ROUNDS):
        took = []
        for _ in range(_TURNS):
            began = time.perf_counter()
            await store.get(Place("owner", "name"))
            took.append(time.perf_counter() - began)
        medians.append(statistics.median(took) * 1e3)
    return min(medians)


async def costs(url: str) -> tuple[dict[str, Cost], float]:
    store = store_of(url, time.monotonic, _PATIENT_S)
    await store.open()
    found = {name: await cost(store, rules) for name, rules in CASES.items()}
    trip = await round_trip_ms(store)
    await store.close()
    return found, trip


def admitted(url: str, limits: Limits) -> int:
    """How many requests of one process are admitted that asks as fast as it can."""
    return uvloop.run(_admitted(url, limits))


async def _admitted(url: str, limits: Limits) -> int:
    store = store_of(url, time.monotonic, _PATIENT_S)
    await store.open()
    limiter, left = _limiter(store), iter(range(REQUESTS // PROCESSES))
    count = 0

    async def client() -> None:
        nonlocal count
        for _ in left:
            try:
                admission = await limiter.admit(_ANOTHER, "llama", LimitRules(tenant=limits), 1)
            except LimitReached:
                continue
            count += 1
            limiter.settle(admission, 1)

    await asyncio.gather(*(client() for _ in range(64)))
    await limiter.close()
    await store.close()
    return count


@dataclass(frozen=True, slots=True)
class Exact:
    """How many were admitted, and how long all took in seconds."""

    admitted: int
    seconds: float


def exact(url: str, limits: Limits) -> Exact:
    context = multiprocessing.get_context("spawn")
    began = time.perf_counter()
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as processes:
        counts = list(processes.map(admitted, [url] * PROCESSES, [limits] * PROCESSES))
    return Exact(sum(counts), time.perf_counter() - began)


def report() -> Iterator[str]:
    yield "# What limits cost, and whether they are exact\n\nMade by `python -m bench.limits`, not by hand.\n"
    yield f"- Machine: {os.cpu_count()} cores for everything, {platform.system()}, Python {platform.python_version()}"
    yield f"- {_redis_version()}, on the same cores"
    yield f"- Load before: {os.getloadavg()[0]:.1f}\n"
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        directory = Path(name)
        with Processes(directory, limit_s=_LIMIT_S) as processes:
            redis = start_redis(processes, directory)
            for kind, url, most in (("memory", "memory://", MEMORY_MS), ("Redis", redis, REDIS_MS)):
                print(f"{kind} …", file=sys.stderr, flush=True)
                found, trip = uvloop.run(costs(url))
                yield f"## In {kind}\n"
                yield "Milliseconds for each request: how long it waits to be admitted, and what admitting and settling"
                yield f"it takes of the gateway's CPU. The target is {most}. A plain `get` takes {trip:.3f}.\n"
                yield f"| limited | wait | CPU, one at a time | CPU, {_AT_ONCE} at a time |"
                yield "| --- | ---: | ---: | ---: |"
                yield from (f"| {case} | {figures} |" for case, figures in found.items())
                yield ""
            print("exact …", file=sys.stderr, flush=True)
            yield "## Exactness\n"
            yield f"{REQUESTS:,} requests from {PROCESSES} processes at once, as fast as they can, through one Redis.\n"
            budget = exact(redis, Limits(tokens_per_month=LIMIT))
            yield f"- {LIMIT:,} tokens a month, one each: **{budget.admitted:,}** admitted in {budget.seconds:.1f} s."
            rate = exact(redis, Limits(requests_per_minute=LIMIT))
            most = LIMIT + int(rate.seconds * LIMIT / 60) + 1
            yield f"- {LIMIT:,} requests a minute: **{rate.admitted:,}** admitted in {rate.seconds:.1f} s, in which"
            yield f"  {LIMIT:,} to {most:,} may be: all that there are at once, and what is refilled in the meantime."
            if budget.admitted != LIMIT or not LIMIT <= rate.admitted <= most:
                raise SystemExit(f"the limits are not exact: {budget.admitted} and {rate.admitted} were admitted")


def _redis_version() -> str:
    done = subprocess.run(["redis-server", "--version"], capture_output=True, text=True, check=True)
    return f"Redis {done.stdout.split('v=')[1].split()[0]}"


if __name__ == "__main__":
    lines = list(report())
    OUTPUT.write_text("\n".join(lines) + "\n", "utf-8")
    print(OUTPUT.read_text("utf-8"))
