"""`python -m bench.run`: the load test. It needs nginx and wrk; exit codes: 0 done, 1 failed, 2 wrong usage.

Shares of nginx→nginx are what counts: it is measured in the same run, on the same machine, with the same prompts.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import aiohttp
from rich.console import Console

from bench.load import Driver, Load, Target, restored, unchanged
from bench.processes import BenchError, Processes
from bench.profiling import check_redaction, load_redaction, profile
from bench.prompts import PromptCase, make, write_bodies
from bench.report import BARE, NGINX, PROXY, REDACTING, Results, show, this_machine, write
from bench.servers import mint, missing_tools, start_gateway, start_model_server, start_proxy, start_stream_server
from bench.streaming import Streaming, check_stream, measure

PROMPTS = 20_000
STREAMS_POLICY = Path(__file__).with_name("streams.yaml")
_CHECKED = 200
_RUNS = 16
_CONSOLE = Console(stderr=True, highlight=False)


@dataclass(frozen=True, slots=True)
class Options:
    seconds: int
    pace_ms: float
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
    tokens: Path

    def throughput(self, target: Target) -> Load:
        _CONSOLE.print(f"{target.name}: 16 connections")
        return self.driver.run(target)

    def single(self, target: Target) -> Load:
        _CONSOLE.print(f"{target.name}: 1 connection")
        return self.driver.run(target, connections=1, first=12_000)

    def gateway(self, upstream: str, *, stages: bool) -> tuple[Load, Load]:
        """The gateway, with and without parallel requests."""
        name = REDACTING if stages else BARE
        running, url = start_gateway(self.processes, self.tokens, upstream, stages=stages)
        target = Target(name, running, url, restored if stages else unchanged)
        self.driver.check(target, self.cases)
        loads = self.throughput(target), self.single(target)
        self.processes.stop(running)
        return loads

    def streaming(self) -> list[Streaming]:
        _CONSOLE.print("streams: 1, then 16")
        model = start_stream_server(self.processes, self.options.pace_ms)
        policy = ("--policy", str(STREAMS_POLICY))
        running, url = start_gateway(self.processes, self.tokens, f"{model}/v1", *policy, stages=True)
        check_stream(url, self.driver.token, self.cases[0])
        measured = measure((model, url), self.driver.token, self.cases, self.options.seconds)
        self.processes.stop(running)
        return measured


def run(options: Options) -> Results:
    """All measurements. Raises BenchError if an answer is wrong or a process fails."""
    machine = this_machine()
    cases = make(PROMPTS)
    check_redaction(load_redaction(), cases[:_CHECKED])
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        directory = Path(name)
        tokens = directory / "tokens.yaml"
        bodies = directory / "bodies.jsonl"
        write_bodies(cases, bodies)
        driver = Driver(bodies, mint(tokens), options.seconds)
        with Processes(directory, limit_s=600 + _RUNS * options.seconds) as processes:
            bench = Bench(options, directory, processes, driver, cases, tokens)
            model = Target(NGINX, *start_model_server(processes, directory), unchanged)
            proxy = Target(PROXY, *start_proxy(processes, directory, model.url), unchanged)
            for target in (model, proxy):
                driver.check(target, cases)
            alone, before, proxy_single = bench.throughput(model), bench.throughput(proxy), bench.single(proxy)
            bare, bare_single = bench.gateway(f"{model.url}/v1", stages=False)
            redacting, redacting_single = bench.gateway(f"{model.url}/v1", stages=True)
            after = bench.throughput(proxy)
            streaming = bench.streaming()
    return Results(
        machine=machine,
        seconds=options.seconds,
        prompts=PROMPTS,
        pace_ms=options.pace_ms,
        throughput={NGINX: alone, PROXY: before, BARE: bare, REDACTING: redacting},
        reference=(before, after),
        single={PROXY: proxy_single, BARE: bare_single, REDACTING: redacting_single},
        streaming=streaming,
    )


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description="Measure the gateway against nginx.")
    parser.add_argument("--seconds", type=int, default=8, help="length of each run after 2 s of warm-up (default: 8)")
    parser.add_argument("--pace-ms", type=float, default=2.0, help="time between streamed chunks (default: 2)")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, help="directory for the results")
    parser.add_argument("--profile", action="store_true", help="only show where redaction spends its time")
    given = parser.parse_args()
    if not 1 <= given.seconds <= 600 or not 1 <= given.pace_ms <= 1000:
        parser.error("--seconds is 1 to 600, --pace-ms is 1 to 1000")
    return Options(given.seconds, given.pace_ms, given.output, given.profile)


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
