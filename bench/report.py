"""The figures of a load test: as a table, as JSON, as Markdown."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from bench.growth import Step
from bench.load import Load
from bench.streaming import Streaming

NGINX, PROXY = "nginx", "nginx→nginx"
BARE, REDACTING = "gateway without stages", "gateway with redaction and filters"
ONE_WORKER = "the same with 1 worker"
REQUIRED = {BARE: 1_500 / 35_371, REDACTING: 800 / 35_371}
"""The least throughput as a share of nginx→nginx, measured in the same run."""
ADDED_MS = {"p50": 2.0, "p99": 6.0}
"""What redaction and filters may add at one connection."""
FIRST_MS, CHUNK_MS = 3.0, 0.2
"""What may be added to the time to the first token (p50) and to that of a chunk (p99)."""
WORKER_MB = 250

_WIDTH = 120
_LIBRARIES = ("fastapi", "uvicorn", "aiohttp", "presidio-analyzer", "hyperscan", "numpy", "cryptography", "redis")
_HEAD = "# Benchmarks"
_CONVERSED = "what was read before is not read again, but values of all turns get their placeholders anew:"
Rows = list[list[str]]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and when the figures were made. `load`: processes that wanted a core before the test began."""

    cores: int
    processor: str
    python: str
    system: str
    versions: str
    load: float
    date: str


@dataclass(frozen=True, slots=True)
class Growth:
    """Requests by their size and by the turns before them, and the memory of a worker after all that."""

    sizes: list[Step]
    turns: list[Step]
    worker_mb: float


@dataclass(frozen=True, slots=True)
class Results:
    """`reference` is nginx→nginx before and after everything else; `single` is with one connection."""

    machine: Machine
    seconds: int
    prompts: int
    throughput: dict[str, Load]
    reference: tuple[Load, Load]
    single: dict[str, Load]
    streaming: list[Streaming]
    growth: Growth
    parts_us: dict[str, float]
    """Microseconds of each part of a request, in a process by itself."""

    @property
    def reference_per_s(self) -> float:
        return sum(load.requests_per_s for load in self.reference) / len(self.reference)

    def ratio(self, name: str) -> float:
        return self.throughput[name].requests_per_s / self.reference_per_s

    def reached(self, name: str) -> bool:
        return self.ratio(name) >= REQUIRED[name]

    def added_ms(self, name: str) -> float:
        """What a request through the gateway takes longer than through nginx, at one connection (median)."""
        return self.single[name].p50_ms - self.single[PROXY].p50_ms


def this_machine() -> Machine:
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        processor=_processor(),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        versions=", ".join(f"{name} {version(name)}" for name in _LIBRARIES),
        load=round(os.getloadavg()[0], 2),
        date=datetime.now(UTC).isoformat(timespec="minutes"),
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _figures(load: Load) -> list[str]:
    return [f"{load.requests_per_s:,.0f}", f"{load.p50_ms:.2f}", f"{load.p99_ms:.2f}"]


def _throughput(results: Results) -> tuple[list[str], Rows]:
    head = ["16 connections", "requests/s", "p50 ms", "p99 ms", "CPU ms/request", "cores", "of nginx→nginx"]
    head += ["required", ""]
    rows = []
    for name, load in results.throughput.items():
        share = results.ratio(name)
        row = [name, *_figures(load), f"{load.cpu_ms:.3f}", f"{load.cores:.2f}", f"{share:.2%}"]
        if name in REQUIRED:
            row += [f"{REQUIRED[name]:.2%}", "reached" if results.reached(name) else "missed"]
        rows.append(row + [""] * (len(head) - len(row)))
    return head, rows


def _single(results: Results) -> tuple[list[str], Rows]:
    head = ["1 connection", "requests/s", "p50 ms", "p99 ms", "added p50 ms", "added p99 ms", "required", ""]
    rows = []
    proxy = results.single[PROXY]
    for name, load in results.single.items():
        row = [name, *_figures(load)]
        added = {"p50": results.added_ms(name), "p99": load.p99_ms - proxy.p99_ms}
        if name != PROXY:
            row += [f"{ms:.2f}" for ms in added.values()]
        if name == REDACTING:
            row += [" and ".join(f"{ms:g}" for ms in ADDED_MS.values())]
            row += [" and ".join(_verdict(added[share], ADDED_MS[share]) for share in ADDED_MS)]
        rows.append(row + [""] * (len(head) - len(row)))
    return head, rows


def _verdict(figure: float, most: float) -> str:
    return "reached" if figure <= most else "missed"


def _streaming(results: Results) -> tuple[list[str], Rows]:
    head = ["streaming", "direct p50 ms", "direct p99 ms", "gateway p50 ms", "gateway p99 ms", "added p50", "added p99"]
    head += ["longest", "required", ""]
    rows = []
    for streaming in results.streaming:
        for what, label in (("first", "time to first token"), ("chunk", "time of a chunk")):
            names = (f"{what}_p50_ms", f"{what}_p99_ms")
            figures = [getattr(times, name) for times in (streaming.direct, streaming.gateway) for name in names]
            figures += [streaming.added(name) for name in names]
            pace = streaming.pace
            count = f"{pace.streams} of {pace.chunks} chunks, one every {pace.pace_ms:g} ms"
            row = [f"{count}: {label}", *(f"{figure:.2f}" for figure in figures)]
            if what == "first":
                row += ["", f"p50 {FIRST_MS:g}", _verdict(streaming.added("first_p50_ms"), FIRST_MS)]
            else:
                longest = f"{streaming.gateway.chunk_most_ms:.1f}"
                row += [longest, f"p99 {CHUNK_MS:g}", _verdict(streaming.added("chunk_p99_ms"), CHUNK_MS)]
            rows.append(row)
    return head, rows


def _sizes(results: Results) -> tuple[list[str], Rows]:
    steps = results.growth.sizes
    return ["prompt", "ms", "ms/kB"], [[f"{s.size} kB", f"{s.ms:.1f}", f"{s.ms / s.size:.2f}"] for s in steps]


def _turns(results: Results) -> tuple[list[str], Rows]:
    return ["turn of a conversation", "ms"], [[str(step.size), f"{step.ms:.1f}"] for step in results.growth.turns]


def _parts(results: Results) -> tuple[list[str], Rows]:
    bare = results.throughput[BARE].cpu_ms * 1e3
    parts = {"HTTP both ways, token, limits, JSON, cache, metrics": bare, **results.parts_us}
    return ["part", "µs"], [[name, f"{us:,.0f}"] for name, us in parts.items()]


_TABLES = (_throughput, _single, _streaming, _sizes, _turns, _parts)


def show(results: Results) -> None:
    """Print the tables, whole also where the output is no terminal."""
    console = Console()
    console.width = max(console.width, _WIDTH)
    for make in _TABLES:
        head, rows = make(results)
        table = Table()
        for index, title in enumerate(head):
            table.add_column(title, justify="left" if index == 0 else "right")
        for row in rows:
            table.add_row(*row)
        console.print(table)


def write(results: Results, directory: Path) -> None:
    """BENCHMARKS.md, and the same as figures in bench/results.json."""
    document = {
        **asdict(results),
        "ratio_to_nginx_nginx": {name: round(results.ratio(name), 5) for name in results.throughput},
        "required_ratio": {name: round(ratio, 5) for name, ratio in REQUIRED.items()},
        "reached": {name: results.reached(name) for name in REQUIRED},
        "added_ms": {name: round(results.added_ms(name), 3) for name in REQUIRED},
    }
    (directory / "bench").mkdir(exist_ok=True)
    (directory / "bench" / "results.json").write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    (directory / "BENCHMARKS.md").write_text(_markdown(results), "utf-8")


def _markdown(results: Results) -> str:
    machine = results.machine
    before, after = (load.requests_per_s for load in results.reference)
    throughput, single, streaming, sizes, turns, parts_of = (_markdown_table(*make(results)) for make in _TABLES)
    alone = results.throughput[ONE_WORKER].requests_per_s
    parts = [
        _HEAD,
        "Written by `python -m bench.run`, the first part of `make bench`; the same figures are in "
        "[bench/results.json](bench/results.json). The other parts: [detection](bench/DETECTION.md), "
        "[cache](bench/CACHE.md), [filters on answers](bench/ANSWERS.md), [limits](bench/LIMITS.md), "
        "[audit log](bench/AUDIT.md). What was found is in [EVALUATION.md](EVALUATION.md).",
        f"Machine: {machine.cores} cores ({machine.processor}), {machine.system}, Python {machine.python}, "
        f"{machine.versions}, {machine.date}. All processes of the test share these cores: wrk, nginx as the model "
        f"server, and what is measured. Load of the machine before the test: {machine.load:g}.",
        "The gateway runs with 2 workers as operators run it: names, patterns and layout are looked for in eight "
        "languages, answers pass all filters (memorised documents, canaries, system prompt, personal data, secrets, "
        "links), the store is memory, the audit log is on.",
        "## Throughput",
        f"Each run took {results.seconds} s after 2 s of warm-up, over {results.prompts:,} prompts that all differ: "
        "about 115 words with an e-mail address, a phone number, a card number, an IBAN, a social security number and "
        "an IPv4 address. Every answer was checked beforehand, and no request failed.",
        f"The reference is nginx as a proxy before the same model server: {before:,.0f} requests/s before the other "
        f"runs and {after:,.0f} after them; shares are of their mean. What is required of the gateway is said as such "
        "a share: 1,500/35,371 without stages and 800/35,371 with them. CPU ms/request is the processor time of "
        "the server itself, and cores how many of them it had on average: where other work takes a part of the "
        "machine, the gateway loses more by it than nginx does, since its processes want a core all the time.",
        throughput,
        f"Two workers make {results.throughput[REDACTING].requests_per_s / alone:.2f} times what one makes; wrk and "
        "nginx are on the same cores.",
        single,
        "## Streams",
        streaming,
        "The time of a chunk is from its sender to its receiver, measured on chunks that are no piece of a placeholder "
        "(those wait for the rest of it), with a policy in which nothing of an answer is taken for personal data or a "
        "secret: the chunks carry times, and would be held until a sentence ends. Sender, gateway and receiver share "
        "the cores. "
        "The time to the first token is that of the request. Between streams the caches of the cores forget the "
        "gateway, and a request takes longer than among many; streams that begin at the same time wait for each other. "
        "The longest time of any chunk is that of those that came while a prompt was read, or while all streams began.",
        "## Growth",
        "One worker, one request after the other. Prompts by size, all different:",
        sizes,
        f"A conversation, sent again with each turn of 115 words; {_CONVERSED}",
        turns,
        f"After that load the worker had {results.growth.worker_mb:.0f} MB (required: {WORKER_MB}). Whether memory "
        'grows in an hour: `make soak OPTIONS="--minutes 60"` ([loadtest](loadtest/README.md)).',
        "## Where the time goes",
        "A prompt of 115 words (half of them take no longer): the first row is the processor time of the gateway "
        "without stages under load, the others are measured in one process. Under load, where two workers, wrk and "
        "nginx share the caches of the cores, all of it takes longer. Redaction is views, layout, patterns, phone "
        "numbers, names, precision and spread, and what is between them.",
        parts_of,
    ]
    return "\n\n".join(parts) + "\n"


def _markdown_table(head: list[str], rows: Rows) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
