"""How long a gateway takes from its start to the line `ready`, without a model server: `python -m bench.start`.

Processor time is told beside the time on the clock, which depends on what else the machine does. The first start of a
machine compiles patterns for some twenty seconds; it is made before anything is measured.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.processes import BenchError

_POLICY = Path("policies/default.yaml")
_RUNS = 5
_IMPORT = "import gateway.cli.main"


def started(tokens: Path, policy: Path, workers: int) -> tuple[float, float]:
    """Seconds on the clock until it is ready, and seconds of processors until it has ended. Raises BenchError."""
    command = [
        sys.executable,
        "-m",
        "gateway",
        "serve",
        "--port",
        "0",
        "--policy",
        str(policy),
        "--tokens",
        str(tokens),
    ]
    before, began_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with subprocess.Popen([*command, "--workers", str(workers)], stdout=subprocess.PIPE) as process:
        line = process.stdout.readline() if process.stdout else b""
        took_s = time.monotonic() - began_s
        process.send_signal(signal.SIGTERM)
        process.wait()
    if not line.startswith(b"ready "):
        raise BenchError("the gateway did not become ready")
    return took_s, _since(before)


def imported() -> float:
    """Seconds of processors for the imports alone."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", _IMPORT], check=True)
    return _since(before)


def _since(before: resource.struct_rusage) -> float:
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return now.ru_utime + now.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policy", type=Path, default=_POLICY)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--runs", type=int, default=_RUNS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tokens = Path(folder) / "tokens.yaml"
        mint = ("-m", "gateway", "token", "mint", "--tokens", str(tokens), "--tenant", "bench")
        subprocess.run([sys.executable, *mint], check=True, stdout=subprocess.DEVNULL)
        started(tokens, options.policy, options.workers)
        runs = [started(tokens, options.policy, options.workers) for _ in range(options.runs)]
    took, spent = (statistics.median(column) for column in zip(*runs, strict=True))
    alone = statistics.median(imported() for _ in range(options.runs))
    print(f"{options.policy}, {options.workers} workers, median of {options.runs}, load {os.getloadavg()[0]:.1f}")
    print(f"until ready: {took:.2f} s on the clock, {spent:.2f} s of processors, {alone:.2f} s of these for imports")


if __name__ == "__main__":
    main()
