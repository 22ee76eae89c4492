"""What finding personal data costs, step by step: `python -m bench.detection`. Writes bench/DETECTION.md.

Processor time of this thread, the least of many runs, so that what else the machine does counts little. The waiting of
others is wall time: how much later than asked an event loop wakes up while a thread reads one long prompt.
"""

from __future__ import annotations

import asyncio
import gc
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.prompts import make
from gateway.build import build_finder, checked_detector
from gateway.pipeline.exchange import Deadline
from gateway.pipeline.prompt import Segment
from gateway.policy.load import PolicyFile, load_policy
from gateway.redact.conversation import spread
from gateway.redact.detector import build_detector
from gateway.redact.finder import Finder
from gateway.redact.stock import StockPresidio
from gateway.redact.structure.detector import find
from gateway.redact.views.views import Views

POLICY = Path(__file__).parent.parent / "policies" / "default.yaml"
OUTPUT = Path(__file__).parent / "DETECTION.md"
PROMPTS = 100
_TEN_KB, _ONE_MB = 10_000, 1_000_000
_TICK_S, _SWITCH_S = 0.0005, 0.001
# Texts made of one thing, on which a pattern that is read again from each character takes quadratic time.
UNITS = ("a", "1", "<", "😀", "\u0301", " ", "-", "+", "(", ".", "a-", "1 ", "1.", "a@b.cd ", "x:", "212-555-0187, ")

Step = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Texts:
    prompts: Sequence[str]
    ten_kb: str
    one_mb: str

    @classmethod
    def made(cls) -> Texts:
        prompts = [case.content for case in make(PROMPTS)]
        long = "\n".join(case.content for case in make(1_500))
        return cls(prompts, "\n".join(prompts)[:_TEN_KB], long[:_ONE_MB])


def no_limit() -> Deadline:
    return Deadline.after(time.monotonic, 3600)


def segments(text: str) -> list[Segment]:
    return [Segment(("text",), text)]


def without_memo(loaded: PolicyFile) -> Finder:
    redact = loaded.policy.redact
    memo = redact.memo.model_copy(update={"size": 0})
    policy = loaded.policy.model_copy(update={"redact": redact.model_copy(update={"memo": memo})})
    return build_finder(PolicyFile(policy, loaded.digest, loaded.source))[1]


def steps(loaded: PolicyFile, finder: Finder) -> dict[str, Step]:
    deadline, patterns = no_limit(), loaded.policy.redact
    only_patterns = build_detector(
        patterns.model_copy(update={"nlp": patterns.nlp.model_copy(update={"engine": "patterns"})})
    )
    both = build_detector(patterns)
    whole = checked_detector(loaded)
    found = {text: whole.detect([text], deadline) for text in Texts.made().prompts}
    return {
        "views (encodings, disguises)": lambda text: Views(segments(text)).texts,
        "layout": lambda text: list(find(text)),
        "patterns, phones, context": lambda text: only_patterns.detect([text], deadline),
        "the same and names": lambda text: both.detect([text], deadline),
        "spread over the texts": lambda text: spread([text], found.get(text) or [[]], deadline),
        "everything": lambda text: finder.find(segments(text), deadline, ""),
    }


def as_served() -> None:
    """Memory and threads as gateway/app.py sets them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    sys.setswitchinterval(_SWITCH_S)


def least_us(step: Step, texts: Sequence[str], repeats: int) -> float:
    """Microseconds a text."""
    took = []
    for _ in range(repeats):
        began = time.thread_time()
        for text in texts:
            step(text)
        took.append((time.thread_time() - began) / len(texts))
    return min(took) * 1e6


async def waiting_ms(work: Callable[[], object]) -> list[float]:
    """By how much an event loop woke up too late, in order, while a thread worked."""
    late: list[float] = []
    with ThreadPoolExecutor(1) as threads:
        done = asyncio.get_running_loop().run_in_executor(threads, work)
        while not done.done():
            began = time.perf_counter()
            await asyncio.sleep(_TICK_S)
            late.append((time.perf_counter() - began - _TICK_S) * 1e3)
    return sorted(late)


def report() -> Iterator[str]:
    loaded, texts = load_policy(POLICY), Texts.made()
    began = time.perf_counter()
    finder = without_memo(loaded)
    start_s = time.perf_counter() - began
    as_served()
    finder.find(segments(texts.one_mb), no_limit(), "")
    worker_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield "# What detection costs\n\nMade by `python -m bench.detection`, not by hand.\n"
    yield f"- Machine: {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    yield f"- Policy: default, all of it on, without the memo. Ready after {start_s:.1f} s (compiled patterns cached)"
    blas = os.environ.get("OPENBLAS_CORETYPE", "unset")
    yield f"- Numbers are processor time of one core; OPENBLAS_CORETYPE={blas}\n"
    yield "| step | 115 words | 10 kB | 1 MB |\n| --- | ---: | ---: | ---: |"
    for name, step in steps(loaded, finder).items():
        short, ten, long = (
            least_us(step, t, n) for t, n in ((texts.prompts, 15), ([texts.ten_kb], 8), ([texts.one_mb], 2))
        )
        if name.startswith("spread"):
            yield f"| {name} | {short:.0f} µs | – | – |"
        else:
            yield f"| {name} | {short:.0f} µs | {ten / 1e3:.1f} ms | {long / 1e3:.0f} ms |"
    stock = StockPresidio(loaded.policy.redact)
    yield (
        f"| stock Presidio, English, patterns alone | "
        f"{least_us(lambda text: stock.detect([text], no_limit()), texts.prompts[:20], 3):.0f} µs | "
        f"{least_us(lambda text: stock.detect([text], no_limit()), [texts.ten_kb], 2) / 1e3:.0f} ms | – |"
    )
    yield "\n| texts of one thing | 100 kB | 200 kB | ratio |\n| --- | ---: | ---: | ---: |"
    for unit in UNITS:
        half, full = (
            least_us(lambda text: finder.find(segments(text), no_limit(), ""), [(unit * size)[:size]], 1) / 1e3
            for size in (100_000, 200_000)
        )
        yield f"| {unit!a} | {half:.0f} ms | {full:.0f} ms | {full / half:.2f} |"
    late = asyncio.run(waiting_ms(lambda: finder.find(segments(texts.one_mb), no_limit(), "")))
    half, most, worst = late[len(late) // 2], late[int(len(late) * 0.99)], late[-1]
    yield "\nWhile a thread reads a prompt of 1 MB, an event loop wakes up late by"
    yield f"{half:.1f} ms (half of the time), {most:.1f} ms (99 %), {worst:.1f} ms (at worst)."
    yield f"\nMemory of a process with the detection, after a prompt of 1 MB: {worker_mb:.0f} MB."


def main() -> None:
    lines = []
    for line in report():
        print(line, flush=True)
        lines.append(line)
    OUTPUT.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
