"""`python -m bench.run`: the load test. It needs nginx and wrk; exit codes: 0 done, 1 failed, 2 wrong usage.

Shares of nginx→nginx are what counts: it is measured in the same run, on the same machine, with the same prompts.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import aiohttp
from rich.console import Console

from bench.growth import Client, by_size, by_turn, worker_mb
from bench.load import Driver, Load, Target, restored, unchanged
from bench.parts import microseconds
from bench.processes import BenchError, Processes
from bench.profiling import check_redaction, load_redaction, profile
from bench.prompts import PromptCase, make, write_bodies
from bench.report import BARE, NGINX, ONE_WORKER, PROXY, REDACTING, Growth, Results, show, this_machine, write
from bench.servers import (
    POLICY,
    STREAMS_POLICY,
    Setup,
    missing_tools,
    start_gateway,
    start_model_server,
    start_proxy,
    start_stream_server,
)
from bench.streaming import PACES, Streaming, check_stream, measure

PROMPTS = 20_000
_CHECKED = 200
_LIMIT_S = 1800
_CASES_OF_SIZES, _CASES_OF_TURNS = 12_000, 16_000
_CONSOLE = Console(stderr=True, highlight=False)


@dataclass(frozen=True, slots=True)
class Options:
    seconds: int
    output: Path
    profile: bool


@dataclass(frozen=True, slots=True)
class Bench:
    """What the steps of one test share."""

    options: Options
    directory: Path
    processes: Processes
    driver: Driver
    cases: list[PromptCase]
    setup: Setup

    def throughput(self, target: Target) -> Load:
        _CONSOLE.print(f"{target.name}: 16 connections")
        return self.driver.run(target)

    def single(self, target: Target) -> Load:
        _CONSOLE.print(f"{target.name}: 1 connection")
        return self.driver.run(target, connections=1, first=12_000)

    def gateway(self, upstream: str, *, stages: bool) -> tuple[Load, Load]:
        """The gateway, with and without parallel requests."""
        name = REDACTING if stages else BARE
        running, url = start_gateway(self.processes, self.setup, upstream, stages=stages)
        target = Target(name, running, url, restored if stages else unchanged)
        self.driver.check(target, self.cases)
        loads = self.throughput(target), self.single(target)
        self.processes.stop(running)
        return loads

    def growth(self, upstream: str) -> tuple[Load, Growth]:
        """One worker under load, and then how long requests of all sizes take."""
        running, url = start_gateway(self.processes, self.setup, upstream, workers=1)
        target = Target(ONE_WORKER, running, url, restored)
        self.driver.check(target, self.cases)
        load = self.throughput(target)
        _CONSOLE.print("sizes and turns")
        client = Client(url, self.driver.token)
        sizes = by_size(client, iter(self.cases[_CASES_OF_SIZES:]))
        turns = by_turn(client, iter(self.cases[_CASES_OF_TURNS:]))
        client.close()
        growth = Growth(sizes, turns, worker_mb(running))
        self.processes.stop(running)
        return load, growth

    def streaming(self) -> Iterator[Streaming]:
        for pace in PACES:
            _CONSOLE.print(f"{pace.streams} streams")
            serving, model = start_stream_server(self.processes, pace.pace_ms, pace.chunks)
            policy = self.setup.directory / STREAMS_POLICY.name
            running, url = start_gateway(self.processes, self.setup, f"{model}/v1", policy=policy)
            check_stream(url, self.driver.token, self.cases[0])
            yield measure((model, url), self.driver.token, self.cases, pace, self.options.seconds)
            self.processes.stop(running)
            self.processes.stop(serving)


def run(options: Options) -> Results:
    """All measurements. Raises BenchError if an answer is wrong or a process fails."""
    machine = this_machine()
    cases = make(PROMPTS)
    check_redaction(load_redaction(), cases[:_CHECKED])
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        directory = Path(name)
        setup = Setup.make(directory)
        bodies = directory / "bodies.jsonl"
        write_bodies(cases, bodies)
        driver = Driver(bodies, setup.mint(), options.seconds)
        with Processes(directory, limit_s=_LIMIT_S) as processes:
            bench = Bench(options, directory, processes, driver, cases, setup)
            model = Target(NGINX, *start_model_server(processes, directory), unchanged)
            proxy = Target(PROXY, *start_proxy(processes, directory, model.url), unchanged)
            for target in (model, proxy):
                driver.check(target, cases)
            alone, before, proxy_single = bench.throughput(model), bench.throughput(proxy), bench.single(proxy)
            bare, bare_single = bench.gateway(f"{model.url}/v1", stages=False)
            redacting, redacting_single = bench.gateway(f"{model.url}/v1", stages=True)
            after = bench.throughput(proxy)
            one_worker, growth = bench.growth(f"{model.url}/v1")
            streaming = list(bench.streaming())
        parts = microseconds(setup.directory / POLICY.name, Path(setup.keyset), cases)
    return Results(
        machine=machine,
        seconds=options.seconds,
        prompts=PROMPTS,
        throughput={NGINX: alone, PROXY: before, BARE: bare, REDACTING: redacting, ONE_WORKER: one_worker},
        reference=(before, after),
        single={PROXY: proxy_single, BARE: bare_single, REDACTING: redacting_single},
        streaming=streaming,
        growth=growth,
        parts_us=parts,
    )


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description="Measure the gateway against nginx.")
    parser.add_argument("--seconds", type=int, default=8, help="length of each run after 2 s of warm-up (default: 8)")
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1], help="directory for BENCHMARKS.md")
    parser.add_argument("--profile", action="store_true", help="only show where redaction spends its time")
    given = parser.parse_args()
    if not 1 <= given.seconds <= 60:
        parser.error("--seconds is 1 to 60")
    return Options(given.seconds, given.output, given.profile)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    """Run as asked. Everything that was started has ended when this returns or raises."""
    options = _options()
    if options.profile:
        profile()
        return 0
    if missing := missing_tools():
        _CONSOLE.print(f"not installed: {', '.join(missing)}. On Debian: apt-get install nginx-light wrk")
        return 2
    signal.signal(signal.SIGTERM, _end)
    try:
        results = run(options)
    except KeyboardInterrupt:
        _CONSOLE.print("stopped")
        return 130
    except (BenchError, aiohttp.ClientError, OSError) as error:
        _CONSOLE.print(f"failed: {error}", markup=False)
        return 1
    show(results)
    write(results, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
