"""Does harm at random times: kills Redis, the model or a worker of the gateway, and mends what does not mend itself."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from loadtest.servers import Servers

GRACE_S = {"redis": 3.0, "model": 8.0, "worker": 8.0}
"""For so long after a harm is mended errors may still come of it: pauses after failures, clients that were waiting."""
# Between two harms: parts of the whole time, and seconds at least.
_SHARE = (0.02, 0.1)
_LEAST_S = (3.0, 6.0)
_DOWN_S = (0.2, 2.0)


@dataclass(frozen=True, slots=True)
class Harm:
    """What was broken, from when to when, in seconds since the epoch."""

    kind: str
    began: float
    mended: float

    def excuses(self, second: int) -> bool:
        """Whether an error of this second may come of it."""
        return int(self.began) <= second <= self.mended + GRACE_S[self.kind]


class Chaos:
    """A thread that does harm until the block ends. The kinds take turns in a random order, so none is left out."""

    def __init__(self, servers: Servers, seconds: float, seed: int, before_redis_goes: Callable[[], None]) -> None:
        self._servers = servers
        self._between = [max(share * seconds, least_s) for share, least_s in zip(_SHARE, _LEAST_S, strict=True)]
        self._rng = random.Random(seed)
        self._before_redis_goes = before_redis_goes
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.harms: list[Harm] = []
        self.failure = ""

    def __enter__(self) -> Chaos:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(60)

    def _run(self) -> None:
        try:
            while True:
                for kind in self._rng.sample(list(GRACE_S), len(GRACE_S)):
                    if self._over.wait(self._rng.uniform(*self._between)):
                        return
                    self._harm(kind)
        except Exception as error:
            # Whoever waits for the end of the run says so.
            self.failure = f"chaos ended with {type(error).__name__}: {error}"

    def _harm(self, kind: str) -> None:
        if kind == "redis":
            self._before_redis_goes()
        began = time.time()
        with contextlib.ExitStack() as broken:
            if kind == "worker":
                self._servers.kill_worker(self._rng.randrange(100))
            else:
                broken.enter_context(self._servers.without_redis() if kind == "redis" else self._servers.without_mock())
                time.sleep(self._rng.uniform(*_DOWN_S))
        self.harms.append(Harm(kind, began, time.time()))
