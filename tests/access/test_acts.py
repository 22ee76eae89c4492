"""What administrators may ask of a running gateway: to open sealed values, and what the audit log says of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.faults.wire import wait_for
from tests.support.gateway import GatewayProcess, gateway, mint, start_gateway
from tests.support.upstream import Background, ScriptedUpstream, completion

POLICY = """\
version: 1
name: sealed
models: {llama: {upstream: default, id: tiny-llama}}
redact: {nlp: {engine: patterns}, default: encrypt}
cache: {when: never}
"""
MAIL = "jane@corp.example"
pytestmark = pytest.mark.xdist_group("acts")


@dataclass
class Site:
    process: GatewayProcess
    upstream: ScriptedUpstream
    tokens: dict[str, str]

    def ask(self, method: str, path: str, who: str, body: Any = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.tokens[who]}"}
        with httpx.Client(trust_env=False, timeout=60) as client:
            return client.request(method, self.process.url + path, json=body, headers=headers)

    def sealed(self, who: str, text: str = MAIL) -> str:
        """What the model sees of a text."""
        body = {"model": "llama", "messages": [{"role": "user", "content": text}]}
        assert self.ask("POST", "/v1/chat/completions", who, body).status_code == 200
        return str(self.upstream.bodies[-1]["messages"][0]["content"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("acts")
    (folder / "policy.yaml").write_text(POLICY)
    keyset = folder / "keys.json"
    assert gateway("key", "init", str(keyset)).returncode == 0
    tokens = {
        f"{tenant}/{scope}": mint(folder / "tokens.yaml", tenant, "--subject", "jane", "--scope", scope)
        for tenant in ("acme", "globex")
        for scope in ("chat", "reveal", "audit:read")
    }
    with Background(ScriptedUpstream()) as upstream:
        upstream.answers(completion("Hi."))
        process = start_gateway(folder, upstream.url, folder / "policy.yaml", "--keyset", str(keyset))
        yield Site(process, upstream, tokens)
        process.stop()


def test_what_is_sealed_is_opened_for_its_tenant_alone(site: Site) -> None:
    text = f"Write to {site.sealed('acme/chat')} or to nobody."
    assert MAIL not in text
    answer = site.ask("POST", "/admin/reveal", "acme/reveal", {"text": text})
    assert answer.json() == {"object": "revealed", "text": f"Write to {MAIL} or to nobody.", "sealed": 0}
    assert answer.headers["cache-control"] == "no-store"
    other = site.ask("POST", "/admin/reveal", "globex/reveal", {"text": text})
    assert other.json() == {"object": "revealed", "text": text, "sealed": 1}


def test_what_was_changed_stays_sealed(site: Site) -> None:
    sealed = site.sealed("acme/chat")
    for changed in (sealed.replace("EMAIL_ADDRESS", "PERSON"), sealed[:-3] + "AA" + sealed[-1]):
        answer = site.ask("POST", "/admin/reveal", "acme/reveal", {"text": changed})
        assert answer.json() == {"object": "revealed", "text": changed, "sealed": 1}


@pytest.mark.parametrize("body", [{}, {"text": 1}, {"text": "x", "tenant": "globex"}, [], "x"])
def test_anything_else_is_refused(site: Site, body: Any) -> None:
    answer = site.ask("POST", "/admin/reveal", "acme/reveal", body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_each_act_has_its_scope(site: Site) -> None:
    for who in ("acme/chat", "acme/audit:read"):
        assert site.ask("POST", "/admin/reveal", who, {"text": ""}).status_code == 403
    for who in ("acme/chat", "acme/reveal"):
        assert site.ask("GET", "/admin/audit", who).status_code == 403
    assert site.ask("POST", "/admin/audit", "acme/audit:read").status_code == 405


def test_opening_is_written_down_without_what_was_opened(site: Site) -> None:
    def acts(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [line for line in events if line.get("endpoint") == "POST /admin/reveal" and line["tenant"] == "globex"]

    before = len(acts(site.process.events(lambda _: True)))
    site.ask("POST", "/admin/reveal", "globex/reveal", {"text": "a-secret-word"})
    (act,) = acts(site.process.events(lambda events: len(acts(events)) > before))[before:]
    assert (act["event"], act["status"]) == ("admin", 200)
    assert "a-secret-word" not in json.dumps(act)
    assert "a-secret-word" not in site.process.log.read_text()


def test_a_tenant_reads_what_the_log_says_of_it_and_of_nobody_else(site: Site) -> None:
    def usage(who: str) -> int:
        return int(site.ask("GET", "/admin/audit", who).json()["usage"]["requests"])

    before, others = usage("globex/audit:read"), usage("acme/audit:read")
    site.sealed("globex/chat")
    # A line is written soon, not at once; each reading is a line itself.
    assert wait_for(lambda: usage("globex/audit:read") > before + 1, 10)
    told = site.ask("GET", "/admin/audit", "globex/audit:read").json()
    assert (told["object"], told["tenant"]) == ("audit.report", "globex")
    assert {"stage": "redact", "kind": "EMAIL_ADDRESS", "action": "encrypt", "count": 1} in told["findings"]
    assert "acme" not in json.dumps(told)
    assert wait_for(lambda: usage("acme/audit:read") >= others + 1, 10)
    assert site.ask("GET", "/admin/audit?tenant=acme", "globex/audit:read").status_code == 400
