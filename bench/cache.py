"""What the cache costs and saves: `python -m bench.cache`. Writes bench/CACHE.md. It needs nginx, wrk and redis-server.

The gateway with two workers, the model server (nginx), wrk and Redis share the same cores. All is measured in one run.
"""

from __future__ import annotations

import http.client
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.load import PATH, Driver, Load, Target, restored, unchanged
from bench.processes import BenchError, Processes
from bench.prompts import PromptCase, make
from bench.servers import Setup, missing_tools, start_gateway, start_model_server, start_redis, start_stream_server
from gateway.seal.keyring import Keyring

OUTPUT = Path(__file__).parent / "CACHE.md"
REPEATED = 50
UNIQUE = 20_000
_SECONDS = 8
_LIMIT_S = 900
_SEALED_BYTES = 4096 - 4
"""What fills the smallest envelope."""
_STREAMS = 200
Says = Callable[[PromptCase], str]


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of gateway and of prompts, with 16 connections and with one."""

    name: str
    many: Load
    one: Load

    def __str__(self) -> str:
        many, one = self.many, self.one
        return f"| {self.name} | {many.requests_per_s:,.0f} | {many.p99_ms:.1f} | {one.p50_ms:.3f} | {one.p99_ms:.3f} |"


@dataclass(frozen=True, slots=True)
class Bench:
    """What the steps share. `asked_again`: few prompts, again and again; `others`: the same about ever other people."""

    directory: Path
    processes: Processes
    setup: Setup
    token: str
    model: str

    def bodies(self, name: str, cases: Sequence[PromptCase]) -> Path:
        path = self.directory / f"{name}.jsonl"
        path.write_text("".join(json.dumps({**case.body(), "temperature": 0}) + "\n" for case in cases), "utf-8")
        return path

    def row(self, name: str, says: Says, cases: Sequence[PromptCase], *more: str, stages: bool = True) -> Row:
        print(f"{name} …", file=sys.stderr, flush=True)
        driver = Driver(self.bodies("bodies", cases), self.token, _SECONDS)
        running, url = start_gateway(self.processes, self.setup, f"{self.model}/v1", *more, stages=stages)
        target = Target(name, running, url, says)
        driver.check(target, cases)
        row = Row(name, driver.run(target), driver.run(target, connections=1))
        self.processes.stop(running)
        return row


def rows(bench: Bench) -> Iterator[Row]:
    cases = make(UNIQUE)
    again, redis = cases[:REPEATED], start_redis(bench.processes, bench.directory)
    never = str(_policy(bench.directory, "never"))
    yield bench.row(
        "no stages, no cache (the gateway's pass-through)", unchanged, again, "--policy", never, stages=False
    )
    yield bench.row("redaction, no cache, prompts again and again", restored, again, "--policy", never)
    yield bench.row("hits in memory, prompts again and again", restored, again)
    yield bench.row("hits in Redis, prompts again and again", restored, again, "--store", redis)
    yield bench.row("hits in memory, the same about others each time", restored, cases)
    yield bench.row("hits in Redis, the same about others each time", restored, cases, "--store", redis)


def _policy(directory: Path, when: str) -> Path:
    path = directory / f"{when}.yaml"
    path.write_text((Path(__file__).parent / "policy.yaml").read_text("utf-8") + f"cache: {{when: {when}}}\n", "utf-8")
    return path


def seal_and_open_us() -> float:
    """Microseconds to seal and open one envelope of 4 KB, the least of many runs."""
    with Keyring.ephemeral() as keyring:
        sealer, plain = keyring.entries("bench", "tenant", "subject"), os.urandom(_SEALED_BYTES)
        took = []
        for _ in range(50):
            began = time.perf_counter()
            for _ in range(200):
                sealer.open(sealer.seal(plain, b"place"), b"place")
            took.append((time.perf_counter() - began) / 200)
    return min(took) * 1e6


def first_byte_ms(bench: Bench) -> tuple[float, float]:
    """Milliseconds to the first event of a stream that is a hit: half of them, and 99 of 100."""
    model = start_stream_server(bench.processes, 2.0, 100)[1]
    running, url = start_gateway(bench.processes, bench.setup, f"{model}/v1", workers=1)
    body = json.dumps({**make(1)[0].body(stream=True), "temperature": 0})
    took = [_first_event_s(url, bench.token, body) for _ in range(_STREAMS)][10:]
    bench.processes.stop(running)
    return statistics.median(took) * 1e3, sorted(took)[int(len(took) * 0.99)] * 1e3


def _first_event_s(url: str, token: str, body: str) -> float:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    connection.connect()
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    began = time.perf_counter()
    connection.request("POST", PATH, body, headers)
    response = connection.getresponse()
    response.readline()
    took = time.perf_counter() - began
    if response.status != 200:
        raise BenchError(f"a stream has status {response.status}")
    response.read()
    connection.close()
    return took


def report() -> Iterator[str]:
    yield "# What the cache costs and saves\n\nMade by `python -m bench.cache`, not by hand.\n"
    yield f"- Machine: {os.cpu_count()} cores for everything, {platform.system()}, Python {platform.python_version()}"
    yield f"- Redis {_redis_version()}, on the same cores"
    yield "- Prompts of 115 words with six personal values, temperature 0; the load test's policy, with names\n"
    yield "| | requests/s, 16 connections | p99 ms | p50 ms, 1 connection | p99 ms |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        directory = Path(name)
        setup = Setup.make(directory)
        with Processes(directory, limit_s=_LIMIT_S) as processes:
            model = start_model_server(processes, directory)[1]
            bench = Bench(directory, processes, setup, setup.mint(), model)
            for row in rows(bench):
                yield str(row)
            half, most = first_byte_ms(bench)
    yield "\nFirst event of a stream that is a hit, each on a connection of its own:"
    yield f"{half:.2f} ms (half of them), {most:.2f} ms (99 %)."
    yield f"\nSealing and opening an envelope of 4 KB: {seal_and_open_us():.1f} µs."


def _redis_version() -> str:
    told = subprocess.run(["redis-server", "--version"], capture_output=True, text=True, check=False).stdout
    return told.partition("v=")[2].partition(" ")[0]


def main() -> None:
    if missing := [*missing_tools(), *(["redis-server"] if shutil.which("redis-server") is None else [])]:
        sys.exit(f"not installed: {', '.join(missing)}")
    lines = []
    for line in report():
        print(line, flush=True)
        lines.append(line)
    OUTPUT.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
