"""One run: start everything, let the users come, do harm if that is wanted, search everything, tell what was found."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.processes import BenchError, Processes, Running
from loadtest import tally
from loadtest.afterwards import Search
from loadtest.chaos import Chaos
from loadtest.memory import MemoryWatch
from loadtest.phases import Shape
from loadtest.scene import VARIABLE, Scene
from loadtest.servers import Choices, Servers
from loadtest.verdict import Outcome

ROOT = Path(__file__).parent.parent
ENVIRONMENT = ROOT / ".venv-loadtest"
DEFAULT_POLICY = ROOT / "policies" / "default.yaml"
_START_S = 300
_STOP_S = 20
"""So long users have to finish what they are at."""
_SPARE_S = 60


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. `workers`: processes that users live in. `swap` and other policies than the default are for
    controls: runs that have to fail."""

    seconds: float
    users: int = 24
    workers: int = 1
    upstream: str = "fast"
    shape: Shape = "all"
    chaos: bool = False
    seed: int = 20260301
    policy: Path = DEFAULT_POLICY
    swap: bool = False


def locust_python() -> str | None:
    """The Python that has Locust: that of its own environment, else this one; None if neither has it."""
    if any(ENVIRONMENT.glob("lib/python*/site-packages/locust/__init__.py")):
        return str(ENVIRONMENT / "bin" / "python")
    return sys.executable if importlib.util.find_spec("locust") else None


def run(plan: Plan, say: Callable[[str], None]) -> Outcome:
    """Raises BenchError if the run cannot be made."""
    python = locust_python()
    if python is None:
        raise BenchError("Locust is not installed; `make loadtest` does it")
    with tempfile.TemporaryDirectory(prefix="loadtest-") as name, ExitStack() as ends:
        folder = Path(name)
        limit_s = int(_START_S + plan.seconds + _STOP_S + _SPARE_S)
        processes = ends.enter_context(Processes(folder, limit_s))
        servers = Servers(processes, folder, Choices(plan.policy, plan.upstream, plan.swap))
        ends.callback(servers.stop)
        say("starting Redis, the model and the gateway")
        servers.start()
        return _run(plan, python, processes, servers, folder, say)


def _run(
    plan: Plan, python: str, processes: Processes, servers: Servers, folder: Path, say: Callable[[str], None]
) -> Outcome:
    search, problems = Search(), list[str]()

    def search_redis() -> None:
        search.redis(servers.redis_url)

    say(f"{plan.users} users for {plan.seconds:g} s")
    began = time.monotonic()
    with MemoryWatch(servers.workers) as memory:
        locust = _start_users(plan, python, processes, servers, folder)
        chaos = Chaos(servers, plan.seconds, plan.seed, search_redis) if plan.chaos else None
        with chaos or ExitStack():
            problems += _wait(locust, servers, plan.seconds + _STOP_S + _SPARE_S)
        took_s = time.monotonic() - began
        if chaos is not None and chaos.failure:
            problems.append(chaos.failure)
    say("searching")
    search_redis()
    search.metrics(servers.metrics_port)
    # The last lines of the audit log come a moment after the answers.
    time.sleep(1.5)
    search.files(servers)
    search.upstream(folder)
    problems += servers.audit_problems()
    told = tally.Tally()
    for path in folder.glob("tally-*.json"):
        told.add(tally.read(path))
    return Outcome(took_s, told, search, memory.series, tuple(chaos.harms) if chaos else (), plan.chaos, problems)


def _start_users(plan: Plan, python: str, processes: Processes, servers: Servers, folder: Path) -> Running:
    host, port = servers.host_and_port
    scene = Scene(
        host=host,
        port=port,
        tokens=servers.tokens,
        seed=plan.seed,
        users=plan.users,
        seconds=plan.seconds,
        shape=plan.shape,
        folder=str(folder),
        processes=plan.workers,
        quoting=plan.upstream == "fast",
        vandals=plan.chaos,
    )
    scene.write(folder / "scene.json")
    command = ["env", f"{VARIABLE}={folder / 'scene.json'}", f"PYTHONPATH={ROOT}", python, "-m", "locust", "--headless"]
    command += ["-f", str(ROOT / "loadtest" / "locustfile.py"), "--host", servers.url, "--stop-timeout", f"{_STOP_S}s"]
    command += ["--only-summary", "--skip-log-setup", "--exit-code-on-error", "0"]
    command += ["--processes", str(plan.workers)] if plan.workers > 1 else []
    return processes.start("locust", command)


def _wait(locust: Running, servers: Servers, patience_s: float) -> list[str]:
    """Until the users have gone. What went wrong with them, or with the gateway as a whole."""
    until = time.monotonic() + patience_s
    while locust.process.poll() is None:
        if time.monotonic() > until:
            return ["the users did not come to an end"]
        if not servers.alive():
            return ["the gateway ended"]
        time.sleep(0.2)
    if locust.process.returncode:
        return [f"Locust ended with code {locust.process.returncode}: {locust.said()[-2_000:]}"]
    return []
