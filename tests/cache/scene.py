"""A gateway with a cache, the model behind it, and clients that say what they asked and what came back."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from demo.vllm import free_port
from tests.conftest import POLICY
from tests.support.gateway import GatewayProcess, gateway, mint, start_gateway
from tests.support.upstream import Background, ScriptedUpstream

_OFF = "cache: {when: never}"
_PEOPLE: dict[str, tuple[str, ...]] = {
    "acme/": (),
    "acme/jane": (),
    "acme/joe": (),
    "acme/boss": ("--scope", "admin:cache"),
}


@dataclass(frozen=True)
class Answer:
    """What one client got."""

    status: int
    text: str
    cache: str
    age: str | None
    events: int = 1
    first_s: float = 0.0
    """Seconds until the first event."""


@dataclass
class Scene:
    """Everything that a test of the cache needs."""

    gateway: GatewayProcess
    upstream: ScriptedUpstream
    keyset: Path
    store: str
    tokens: dict[str, str]

    def token(self, tenant: str, subject: str) -> str:
        """A token of a person, minted before the gateway started."""
        return self.tokens[f"{tenant}/{subject}"]

    @property
    def asked(self) -> int:
        """How often the model has been asked."""
        return len(self.upstream.bodies)

    def await_request(self) -> None:
        """Until the model has been asked something."""
        until = time.monotonic() + 20
        while not self.asked:
            assert time.monotonic() < until
            time.sleep(0.01)

    def ask(
        self,
        text: str,
        *,
        token: str = "",
        stream: bool = False,
        headers: dict[str, str] | None = None,
        client: httpx.Client | None = None,
        **fields: Any,
    ) -> Answer:
        body = {"model": "llama", "messages": [{"role": "user", "content": text}], "temperature": 0, **fields}
        sent = {"authorization": f"Bearer {token or self.gateway.token}", **(headers or {})}
        if client is None:
            with httpx.Client(trust_env=False, timeout=30) as client:
                return self._send({**body, "stream": True} if stream else body, sent, client)
        return self._send({**body, "stream": True} if stream else body, sent, client)

    def _send(self, body: dict[str, Any], headers: dict[str, str], client: httpx.Client) -> Answer:
        url, started_s = f"{self.gateway.url}/v1/chat/completions", time.perf_counter()
        with client.stream("POST", url, json=body, headers=headers) as response:
            lines = response.iter_lines()
            first = next(lines, "")
            first_s = time.perf_counter() - started_s
            raw = [first, *lines]
        text, events = _said(response.status_code, raw)
        cache, age = response.headers.get("x-cache", ""), response.headers.get("age")
        return Answer(response.status_code, text, cache, age, events, first_s)

    def admin(self, method: str, token: str, query: str = "") -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"}
        with httpx.Client(trust_env=False, timeout=30) as client:
            return client.request(method, f"{self.gateway.url}/admin/cache{query}", headers=headers)

    def mishaps(self) -> dict[str, int]:
        """What the metrics say went wrong in the cache, by kind."""
        with httpx.Client(trust_env=False, timeout=10) as client:
            text = client.get(self.gateway.metrics_url).text
        found = re.findall(r'gateway_cache_mishaps_total\{kind="(\w+)"\} (\d+)', text)
        return {kind: int(count) for kind, count in found}

    def log_lines(self) -> list[dict[str, Any]]:
        """What the log says of the cache."""
        lines = [json.loads(line) for line in self.gateway.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("part") == "cache"]


def _said(status: int, lines: list[str]) -> tuple[str, int]:
    if lines[0].startswith("data:"):
        events = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
        assert lines[-2:] == ["data: [DONE]", ""] or lines[-1] == "data: [DONE]", lines[-3:]
        pieces = [choice["delta"].get("content") or "" for event in events for choice in event.get("choices", ())]
        return "".join(pieces), len(events)
    document = json.loads("".join(lines))
    if status != 200:
        return str(document["error"]["code"]), 0
    return document["choices"][0]["message"]["content"] or "", 1


@contextmanager
def cached_gateway(
    directory: Path,
    *arguments: str,
    cache: str = "",
    store: str = "memory://",
    program: tuple[str, ...] = ("gateway",),
    patient: bool = True,
) -> Iterator[Scene]:
    """A gateway of its own with its own model, under the tests' policy with another `cache:`.

    `patient`: a busy test machine is not taken for a slow Redis.
    """
    policy, keyset = directory / "policy.yaml", directory / "keys.json"
    policy.write_text(POLICY.read_text().replace(_OFF, f"cache: {cache}" if cache else ""))
    done = gateway("key", "init", str(keyset))
    assert done.returncode == 0, done.stderr
    tokens = {who: _minted(directory / "tokens.yaml", who, *more) for who, more in _PEOPLE.items()}
    with Background(ScriptedUpstream()) as upstream:
        running = start_gateway(
            directory,
            upstream.url,
            policy,
            "--store",
            store,
            "--keyset",
            str(keyset),
            *arguments,
            metrics_port=free_port(),
            program=program,
            settings={"GATEWAY_STORE_TIMEOUT": "8"} if patient else None,
        )
        try:
            yield Scene(running, upstream, keyset, store, tokens)
        finally:
            running.stop()


def _minted(tokens: Path, who: str, *more: str) -> str:
    tenant, _, subject = who.partition("/")
    return mint(tokens, tenant, *(("--subject", subject) if subject else ()), *more)
