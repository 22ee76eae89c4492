"""Clients that go on asking while servers come and go, and count what fails. They never try again."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType

import httpx

from tests.faults.wire import chat

_PAUSE_S = 0.01


class Crowd:
    """`streams` clients that want streams and as many that want whole answers, each on a connection that it keeps.

    `where` says before each request which gateway to ask: its URL.
    """

    def __init__(self, where: Callable[[], str], headers: dict[str, str], streams: int = 3) -> None:
        self._where = where
        self._headers = headers
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(bool(i % 2),)) for i in range(2 * streams)]
        self.done: Counter[str] = Counter()
        self.failures: list[str] = []

    def __enter__(self) -> Crowd:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _ask(self, stream: bool) -> None:
        with httpx.Client(trust_env=False, timeout=60, headers=self._headers) as client:
            while not self._stop.is_set():
                url, began_s = self._where(), time.monotonic()
                try:
                    answer = client.post(f"{url}/v1/chat/completions", json=chat("hello to all", stream=stream))
                except httpx.HTTPError as error:
                    self.failures.append(f"{type(error).__name__} {error} after {time.monotonic() - began_s:.3f} s")
                    continue
                text = answer.text
                if answer.status_code == 200 and (text.endswith("data: [DONE]\n\n") if stream else "hello" in text):
                    self.done["streamed" if stream else "whole"] += '"error"' not in text
                if answer.status_code != 200 or '"error"' in text or (stream and "[DONE]" not in text):
                    self.failures.append(f"{answer.status_code} {text[-300:]}")
                time.sleep(_PAUSE_S)
