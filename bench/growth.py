"""How the cost of a request grows: with its bytes, with the history of its conversation, with workers and with time."""

from __future__ import annotations

import contextlib
import http.client
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

from bench.load import PATH
from bench.processes import BenchError, Running
from bench.prompts import MODEL, PromptCase

KILOBYTES = (1, 4, 16, 64, 256)
TURNS = (1, 2, 4, 8, 16, 32)
_REPEATS = 5
_CONVERSATIONS = 7
_REPLY = "Thank you, I have noted it. What else should the letter say?"


@dataclass(frozen=True, slots=True)
class Step:
    """`size`: kilobytes of a prompt, or turns of a conversation. `ms`: of its request, half of them."""

    size: int
    ms: float


class Client:
    """One connection that is kept."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self._headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}

    def ask(self, messages: Sequence[dict[str, str]]) -> float:
        """Milliseconds to the end of the answer. Raises BenchError if there is none."""
        body = json.dumps({"model": MODEL, "messages": messages})
        began = time.perf_counter()
        self._connection.request("POST", PATH, body, self._headers)
        response = self._connection.getresponse()
        response.read()
        took = time.perf_counter() - began
        if response.status != 200:
            raise BenchError(f"the gateway answered with status {response.status}")
        return took * 1e3

    def close(self) -> None:
        self._connection.close()


def by_size(client: Client, cases: Iterator[PromptCase]) -> list[Step]:
    """Prompts that are all different."""
    return [
        Step(size, statistics.median(client.ask([_user(_text(size * 1000, cases))]) for _ in range(_REPEATS)))
        for size in KILOBYTES
    ]


def by_turn(client: Client, cases: Iterator[PromptCase]) -> list[Step]:
    """Conversations that are sent again with every turn, as chat clients do."""
    took: dict[int, list[float]] = {turn: [] for turn in TURNS}
    for _ in range(_CONVERSATIONS):
        messages: list[dict[str, str]] = []
        for turn, case in enumerate(islice(cases, max(TURNS)), 1):
            messages.append(_user(case.content))
            ms = client.ask(messages)
            if turn in took:
                took[turn].append(ms)
            messages.append({"role": "assistant", "content": _REPLY})
    return [Step(turn, statistics.median(times)) for turn, times in took.items()]


def _user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def _text(characters: int, cases: Iterator[PromptCase]) -> str:
    parts: list[str] = []
    while sum(map(len, parts)) < characters:
        parts.append(next(cases).content)
    return "\n\n".join(parts)[:characters]


def worker_mb(running: Running) -> float:
    """Megabytes of memory that the largest process of a group has for itself, and of what it shares its part (PSS)."""
    largest = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text("utf-8", "replace").rpartition(")")[2].split()[2]) == running.process.pid:
                lines = stat.with_name("smaps_rollup").read_text("utf-8").splitlines()
                largest = max(largest, *(int(line.split()[1]) for line in lines if line.startswith("Pss:")))
    return largest * 1024 / 1e6
