"""Load with wrk, and the check before it that the answers are right."""

from __future__ import annotations

import http.client
import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.processes import BenchError, Running, cpu_s
from bench.prompts import PromptCase
from bench.servers import CONTENT, tool

PATH = "/v1/chat/completions"
CONNECTIONS = 16
WARM_UP_S = 2
_SCRIPT = Path(__file__).with_name("load.lua")
_CHECKS = 24


@dataclass(frozen=True, slots=True)
class Target:
    """A server under load and what its answer to a prompt has to say."""

    name: str
    running: Running
    url: str
    says: Callable[[PromptCase], str]


@dataclass(frozen=True, slots=True)
class Load:
    """One run of wrk. `cpu_ms`: processor time of the server itself for a request, all its processes together."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    requests: int
    connections: int

    @property
    def cores(self) -> float:
        """How many cores the server had on average. Less than there are for it: other work took them."""
        return self.requests_per_s * self.cpu_ms / 1e3


@dataclass(frozen=True, slots=True)
class Driver:
    """Sends the prompts of a file to servers. Each run begins at another prompt, so that none is seen twice soon."""

    bodies: Path
    token: str
    seconds: int

    def check(self, target: Target, cases: Sequence[PromptCase]) -> None:
        """Raises BenchError unless every answer is the right one. New connections, so that every worker is met."""
        for case in cases[:_CHECKS]:
            status, answer = post(target.url + PATH, self.token, case.body())
            if status != 200:
                raise BenchError(f"{target.name} answered with status {status}: {answer[:300]!r}")
            said = json.loads(answer)["choices"][0]["message"]["content"]
            if said != target.says(case):
                raise BenchError(f"{target.name} answered {said!r} instead of {target.says(case)!r}")

    def run(self, target: Target, *, connections: int = CONNECTIONS, first: int = 0) -> Load:
        """Warm up, then measure. Raises BenchError if any request failed."""
        self._wrk(target, connections, WARM_UP_S, first)
        before_s = cpu_s(target.running)
        raw = self._wrk(target, connections, self.seconds, first + 3_000)
        spent_s = cpu_s(target.running) - before_s
        return Load(
            requests_per_s=round(raw["requests"] / raw["duration_us"] * 1e6, 1),
            p50_ms=raw["p50_us"] / 1e3,
            p99_ms=raw["p99_us"] / 1e3,
            cpu_ms=round(spent_s / raw["requests"] * 1e3, 4),
            requests=raw["requests"],
            connections=connections,
        )

    def _wrk(self, target: Target, connections: int, seconds: int, first: int) -> dict[str, int]:
        command = [tool("wrk"), "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
        command += ["--timeout", "10s", "--script", str(_SCRIPT), target.url + PATH]
        command += ["--", str(self.bodies), str(first), self.token]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
        line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
        if done.returncode or line is None:
            raise BenchError(f"wrk failed: {done.stderr or done.stdout}")
        raw: dict[str, int] = json.loads(line.removeprefix("RESULT "))
        if raw["not_2xx"] or raw["broken"] or not raw["requests"]:
            raise BenchError(f"{target.name} failed under load: {line}")
        return raw


def post(url: str, token: str, body: dict[str, object]) -> tuple[int, bytes]:
    """One request on a connection of its own, past any proxy settings."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
        connection.request("POST", parts.path, json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def unchanged(_: PromptCase) -> str:
    """What the model server says is passed on as it is."""
    return CONTENT


def restored(case: PromptCase) -> str:
    """The placeholders in what the model server says have become the values of the prompt again."""
    return CONTENT.replace("<EMAIL_ADDRESS_1>", case.values.email).replace("<PHONE_NUMBER_1>", case.values.phone)
