"""Processes that use up limits as fast as they can: `python -m tests.limits.clients JSON`, which prints JSON."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.access.limiter import Admission, Limiter
from gateway.access.limits import LimitRules, Limits
from gateway.access.principal import Principal
from gateway.errors import LimitReached, Unavailable
from gateway.store.choose import store_of
from gateway.store.memory_limits import MemoryLimits
from tests.support.redis import _DIE_WITH_THE_TESTS

WHO = Principal("token", "acme", "ada", frozenset(), frozenset("*"))
PATIENT_S = 20.0
_READY, _GO = "ready", "go\n"


@dataclass(frozen=True, slots=True)
class Work:
    """What one process does. `hold_s`: how long a request takes; `leave`: it ends without settling anything."""

    url: str
    limits: dict[str, int]
    requests: int
    tokens: int = 0
    used: int = 0
    at_once: int = 50
    hold_s: float = 0.0
    of: str = "tenant"
    leave: bool = False
    local: bool = False
    command_s: float = PATIENT_S
    lease_s: float = 60.0


@contextlib.contextmanager
def working(works: Sequence[Work]) -> Iterator[list[subprocess.Popen[str]]]:
    """A process for each, all begun at the same moment."""
    command = [*_DIE_WITH_THE_TESTS, sys.executable, "-m", "tests.limits.clients"]
    started = []
    try:
        for work in works:
            arguments = json.dumps({name: getattr(work, name) for name in Work.__slots__})
            pipe = subprocess.PIPE
            started.append(subprocess.Popen([*command, arguments], stdin=pipe, stdout=pipe, text=True))
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == _READY
        for process in started:
            assert process.stdin is not None
            process.stdin.write(_GO)
            process.stdin.flush()
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def results(started: Sequence[subprocess.Popen[str]], timeout_s: float = 120.0) -> list[dict[str, int]]:
    told = []
    for process in started:
        output, _ = process.communicate(timeout=timeout_s)
        told.append(json.loads(output.splitlines()[-1]))
    return told


async def _main(work: Work) -> None:
    store = store_of(work.url, time.monotonic, work.command_s)
    await store.open()
    counts: Counter[str] = Counter()
    fallback = MemoryLimits(time.monotonic) if work.local else None
    limiter = Limiter(store, lambda kind, value: kind, lambda kind: counts.update([kind]), fallback, work.lease_s)
    rules = LimitRules(**{work.of: Limits(**work.limits)})
    print(_READY, flush=True)
    sys.stdin.readline()
    left = iter(range(work.requests))
    under_way: list[Admission] = []

    async def client() -> None:
        for _ in left:
            try:
                admission = await limiter.admit(WHO, "llama", rules, work.tokens)
            except LimitReached as error:
                counts["refused"] += 1
                counts[error.code] += 1
                continue
            except Unavailable:
                counts["unavailable"] += 1
                await asyncio.sleep(0.005)
                continue
            counts["admitted"] += 1
            if work.hold_s:
                await asyncio.sleep(work.hold_s)
            if work.leave:
                under_way.append(admission)
            else:
                await limiter.settle(admission, work.used)

    await asyncio.gather(*(client() for _ in range(work.at_once)))
    print(json.dumps(counts), flush=True)
    if work.leave:
        await asyncio.sleep(3600)  # until it is killed
    await limiter.close()
    await store.close()


if __name__ == "__main__":
    asyncio.run(_main(Work(**json.loads(sys.argv[1]))))
