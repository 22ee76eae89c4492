"""How fast the audit log is: `python -m bench.audit`. Writes bench/AUDIT.md.

One process, without a gateway around it: what a call of `exchange_done` takes on the event loop, how many fit into a
second with chaining and signing, and how fast what was written is verified and counted.
"""

from __future__ import annotations

import gc
import os
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from gateway.evaluate.audit_totals import totals_of
from gateway.observe.audit import AuditLog, Fsync
from gateway.observe.audit_heads import directory_of, heads_in
from gateway.observe.audit_lines import pseudonyms
from gateway.observe.audit_reading import events_in
from gateway.observe.audit_verify import Verifier
from gateway.observe.events import ExchangeEvent
from gateway.pipeline.exchange import Finding
from gateway.seal.signing import Signers, publics

OUTPUT = Path(__file__).parent / "AUDIT.md"
_SEED, _SECONDS, _RATE = b"b" * 32, 4.0, 20_000
_SWITCH_S = 0.001
_EVENT = ExchangeEvent(
    request_id="0123456789abcdef" * 2,
    endpoint="/v1/chat/completions",
    status=200,
    token_id="tok_12345678",
    tenant="acme",
    model="llama",
    policy_digest="0123456789abcdef" * 4,
    findings=(
        Finding("redact", "EMAIL_ADDRESS", "placeholder", 2),
        Finding("redact", "PERSON", "placeholder", 3),
        Finding("secrets", "private_key", "block", 1),
    ),
    usage={"prompt_tokens": 115, "completion_tokens": 60, "total_tokens": 175},
    streamed=True,
    cache="miss",
    seconds=0.512345,
    analysis_seconds=0.001234,
    subject="jane",
    rules=("secrets",),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What one way to bring lines to the disk costs. Times in microseconds."""

    fsync: str
    per_s: float
    lost: int
    p50: float
    p99: float
    p999: float
    worst: float
    above: float
    """The share of calls of more than 50 µs."""
    cpu: float
    """Of all threads together, per event."""

    def __str__(self) -> str:
        most = f"{self.per_s:,.0f}" + (f" ({self.lost:,} lost)" if self.lost else "")
        return (
            f"| {self.fsync} | {most} | {self.p50:.1f} | {self.p99:.1f} | {self.p999:.1f} | {self.worst:,.0f} "
            f"| {self.above:.3%} | {self.cpu:.1f} |"
        )


def opened(path: Path, fsync: Fsync) -> AuditLog:
    log = AuditLog(str(path), signer=Signers(lambda: ("k1", _SEED)), pseudonym=pseudonyms(b"p" * 32), fsync=fsync)
    log.start()
    return log


def most_per_s(path: Path, fsync: Fsync) -> tuple[float, int, float]:
    """As many as go, from the first call to the last line on the disk, and how many found no room: nobody asks `check`
    here, which would have refused them. The last is the time of the processor per event, in microseconds."""
    log = opened(path, fsync)
    started, cpu, calls = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - started < _SECONDS:
        for _ in range(100):
            log.exchange_done(_EVENT)
        calls += 100
    log.close()
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    lost = sum(int(line["count"]) for line in events_in(path) if line and line["event"] == "lost")
    return (calls - lost) / seconds, lost, cpu / calls * 1e6


def call_times(path: Path, fsync: Fsync) -> list[float]:
    """Seconds of each call, at a steady rate."""
    log = opened(path, fsync)
    times = []
    due = time.perf_counter()
    for _ in range(int(_RATE * _SECONDS)):
        due += 1 / _RATE
        while (began := time.perf_counter()) < due:
            # An event loop that has nothing to do gives the interpreter to other threads.
            time.sleep(0)
        log.exchange_done(_EVENT)
        times.append(time.perf_counter() - began)
    log.close()
    return sorted(times)


def row(directory: Path, fsync: Fsync) -> Row:
    per_s, lost, cpu = most_per_s(directory / f"{fsync}-most.jsonl", fsync)
    times = call_times(directory / f"{fsync}.jsonl", fsync)
    p50, p99, p999 = (times[int(len(times) * share)] * 1e6 for share in (0.5, 0.99, 0.999))
    above = sum(seconds > 50e-6 for seconds in times) / len(times)
    return Row(fsync, per_s, lost, p50, p99, p999, times[-1] * 1e6, above, cpu)


def verify_rate(path: Path) -> float:
    started = time.perf_counter()
    verifier = Verifier(publics([_SEED]))
    verifier.add_heads(*heads_in(directory_of(path)), "heads")
    verifier.read(path)
    verdict = verifier.verdict()
    if verdict.exit_code != 0:
        raise RuntimeError("the log that was written does not verify")
    return verdict.lines / (time.perf_counter() - started)


def report_rate(path: Path) -> float:
    started = time.perf_counter()
    return totals_of(events_in(path)).lines / (time.perf_counter() - started)


def main() -> None:
    gc.freeze()
    sys.setswitchinterval(_SWITCH_S)
    with tempfile.TemporaryDirectory(prefix="bench-audit-") as name:
        directory = Path(name)
        rows = [row(directory, fsync) for fsync in get_args(Fsync)]
        path = directory / "interval.jsonl"
        size = path.stat().st_size / (_RATE * _SECONDS)
        text = page(rows, verify_rate(path), report_rate(path), size)
    OUTPUT.write_text(text)
    print(text)


def page(rows: list[Row], verified: float, reported: float, size: float) -> str:
    lines = [
        "# How fast the audit log is",
        "",
        "Made by `python -m bench.audit`, not by hand.",
        "",
        f"- Load of the machine before: {os.getloadavg()[0]:.1f}; the figures are worse where others work beside it",
        f"- Machine: {len(os.sched_getaffinity(0))} cores, {platform.system()}, Python {platform.python_version()}",
        f"- One process; lines of {size:.0f} bytes, with three findings and a pseudonym; a signature each 1,000",
        "",
        f"| fsync | most/s | at {_RATE:,}/s: p50 µs | p99 µs | p99.9 µs | worst µs | above 50 µs | CPU µs |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *map(str, rows),
        "",
        "A call waits for no disk. What is left above 50 µs are moments in which the thread has the interpreter (for a",
        "millisecond at most), or in which the system gives the core to somebody else. CPU is the time of",
        "the processor for an event, of all threads together, at the highest rate.",
        "",
        f"`gateway audit verify` reads {verified:,.0f} lines a second, `gateway audit report` {reported:,.0f}.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
