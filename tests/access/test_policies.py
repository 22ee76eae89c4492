"""Which policy holds for whom, and how policies follow their files, through a real gateway."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from demo.vllm import free_port
from tests.faults.wire import wait_for
from tests.support.gateway import GatewayProcess, gateway, mint, start_gateway
from tests.support.upstream import Background, ScriptedUpstream, completion

POLICY = """\
version: 1
name: {name}
models: {{llama: {{upstream: default, id: tiny-llama}}}}
redact: {{nlp: {{engine: patterns}}, entities: {{EMAIL_ADDRESS: {action}}}}}
cache: {{when: never}}
"""
MAIL = "jane@corp.example"
pytestmark = pytest.mark.xdist_group("policies")


class Served:
    """A gateway, its policies, and what the model sees of a mail address."""

    def __init__(self, process: GatewayProcess, upstream: ScriptedUpstream) -> None:
        self.process = process
        self.upstream = upstream
        self.folder = process.directory
        self.tokens = {
            name: mint(self.folder / "tokens.yaml", *arguments)
            for name, arguments in {
                "acme": ("acme",),
                "globex": ("globex",),
                "named": ("acme", "--policy", "strict"),
                "lost": ("acme", "--policy", "none"),
                "boss": ("acme", "--scope", "admin:policy"),
            }.items()
        }

    def write(self, name: str, action: str) -> None:
        (self.folder / f"{name}.yaml").write_text(POLICY.format(name=name, action=action))

    def seen(self, who: str) -> str:
        answer = self.post("/v1/chat/completions", who, model="llama", messages=[{"role": "user", "content": MAIL}])
        if answer.status_code != 200:
            return str(answer.status_code)
        return str(self.upstream.bodies[-1]["messages"][0]["content"])

    def post(self, path: str, who: str, **body: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.tokens[who]}"}
        with httpx.Client(trust_env=False, timeout=60) as client:
            return client.post(self.process.url + path, json=body, headers=headers)

    def ready(self) -> dict[str, Any]:
        with httpx.Client(trust_env=False) as client:
            answer: dict[str, Any] = client.get(f"{self.process.url}/health/ready").json()
            return answer

    def metrics(self) -> str:
        with httpx.Client(trust_env=False) as client:
            return client.get(self.process.metrics_url).text


@pytest.fixture(scope="module")
def served(_scripted: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("policies")
    for name, action in (("common", "placeholder"), ("strict", "remove")):
        (folder / f"{name}.yaml").write_text(POLICY.format(name=name, action=action))
    (folder / "tenants.yaml").write_text(
        json.dumps({"version": 1, "policies": ["strict.yaml"], "tenants": {"globex": "strict"}})
    )
    process = start_gateway(
        folder,
        _scripted.url,
        folder / "common.yaml",
        *("--tenants", str(folder / "tenants.yaml")),
        metrics_port=free_port(),
    )
    _scripted.reset()
    _scripted.answers(completion("Hi."))
    made = Served(process, _scripted)
    assert wait_for(lambda: made.seen("boss") != "401", 5)
    yield made
    process.stop()


@pytest.fixture(autouse=True)
def _answers(served: Served) -> None:
    served.upstream.reset()
    served.upstream.answers(completion("Hi."))


def test_each_tenant_has_its_policy_and_a_token_may_name_another(served: Served) -> None:
    assert served.seen("acme") == "<EMAIL_ADDRESS_1>"
    assert served.seen("globex") == "<EMAIL_ADDRESS>"
    assert served.seen("named") == "<EMAIL_ADDRESS>"
    assert served.seen("lost") == "403"


def test_a_policy_is_followed_when_its_file_changes(served: Served) -> None:
    served.write("strict", "mask")
    assert wait_for(lambda: served.seen("globex") == "*" * len(MAIL), 20)
    assert served.seen("acme") == "<EMAIL_ADDRESS_1>"
    served.write("strict", "remove")
    assert wait_for(lambda: served.seen("globex") == "<EMAIL_ADDRESS>", 20)


def test_a_policy_that_is_not_valid_changes_nothing_and_is_told(served: Served) -> None:
    served.write("common", "hide")
    assert wait_for(lambda: "not valid" in served.ready()["files"]["policies"], 20)
    assert served.ready()["status"] == "ready"
    assert served.seen("acme") == "<EMAIL_ADDRESS_1>"
    assert 'gateway_reloads_total{files="policies",result="refused"}' in served.metrics()
    assert "common.yaml:4:" in served.process.log.read_text()
    served.write("common", "placeholder")
    assert wait_for(lambda: served.ready()["files"]["policies"] == "in force", 20)


def test_a_signal_reads_the_files_at_once(served: Served) -> None:
    def reloads() -> float:
        lines = [
            line
            for line in served.metrics().splitlines()
            if 'reloads_total{files="policies",result="reloaded"}' in line
        ]
        return float(lines[0].split()[-1]) if lines else 0.0

    before = reloads()
    os.kill(served.process.process.pid, signal.SIGHUP)
    assert wait_for(lambda: reloads() > before, 20)
    assert served.seen("acme") == "<EMAIL_ADDRESS_1>"


def test_a_tokens_file_that_is_not_valid_is_told_too(served: Served) -> None:
    tokens = served.folder / "tokens.yaml"
    before = tokens.read_text()
    tokens.write_text(before + "nonsense: [")
    assert wait_for(lambda: "not valid" in served.ready()["files"]["tokens"], 20)
    assert served.seen("acme") == "<EMAIL_ADDRESS_1>"
    assert 'gateway_reloads_total{files="tokens",result="refused"}' in served.metrics()
    tokens.write_text(before)
    assert wait_for(lambda: served.ready()["files"]["tokens"] == "in force", 20)


def test_nothing_that_a_checked_policy_names_is_loaded(served: Served, tmp_path: Path) -> None:
    """Or else whoever may check one could run code, or fill the memory with models."""
    written = tmp_path / "written"
    (served.folder / "plant.py").write_text(f"open({str(written)!r}, 'w')\nclass Found: pass\n")
    text = POLICY.format(name="next", action="mask")
    for line in ("plugins: ['plant:Found']", "nlp: {engine: 'spacy:plant'}", "nlp: {engine: 'transformers:plant'}"):
        sent = text.replace("nlp: {engine: patterns}", line)
        answer = served.post("/admin/policy/check", "boss", policy=sent).json()
        assert answer == {"object": "policy.check", "ok": True, "problems": []}
    named = text + "answers: {regurgitation: {index: [/etc/passwd]}, canaries: {file: /etc/passwd, action: block}}\n"
    assert served.post("/admin/policy/check", "boss", policy=named).json()["ok"] is True
    assert not written.exists()


def test_readings_are_written_down(served: Served) -> None:
    def reloads() -> list[dict[str, Any]]:
        lines = served.process.audit.read_text().splitlines(keepends=True)
        events = [json.loads(line) for line in lines if line.endswith("\n")]
        return [event for event in events if event.get("endpoint") == "reload policies"]

    before = len(reloads())
    served.write("strict", "mask")
    assert wait_for(lambda: len(reloads()) > before, 20)
    last = reloads()[-1]
    assert (last["event"], last["status"]) == ("admin", 200)
    served.write("strict", "remove")
    assert wait_for(lambda: served.seen("globex") == "<EMAIL_ADDRESS>", 20)


OWN = """\
version: 1
name: {name}
models: {{llama: {{upstream: {upstream}, id: tiny-llama}}}}
upstreams: {{own: {url}, keyed: {{url: {url}, key_file: key}}}}
redact: {{nlp: {{engine: patterns}}}}
cache: {{when: never}}
limits: {{model: {{llama: {{requests_per_minute: 3}}}}}}
"""


def test_upstreams_of_a_policy_are_its_own(tmp_path: Path) -> None:
    """What is counted of a model is counted of that model, and each upstream gets its own key and nobody else's."""
    seen: list[str] = []

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        seen.append(request.headers.get("authorization", ""))
        return web.json_response(completion("Hi."))

    (tmp_path / "key").write_text("key-of-keyed")
    (tmp_path / "default-key").write_text("key-of-default")
    names = {"common": "default", "own": "own", "keyed": "keyed"}
    tenants = {"version": 1, "policies": ["own.yaml", "keyed.yaml"], "tenants": {"globex": "own", "initech": "keyed"}}
    (tmp_path / "tenants.yaml").write_text(json.dumps(tenants))
    with Background(ScriptedUpstream(handler=answer)) as first, Background(ScriptedUpstream(handler=answer)) as other:
        for name, upstream in names.items():
            (tmp_path / f"{name}.yaml").write_text(OWN.format(name=name, upstream=upstream, url=other.url))
        initech = mint(tmp_path / "tokens.yaml", "initech")
        more = ("--tenants", str(tmp_path / "tenants.yaml"), "--upstream-key-file", str(tmp_path / "default-key"))
        process = start_gateway(tmp_path, first.url, tmp_path / "common.yaml", *more)
        try:
            assert _asked(process, process.token, 4) == [200, 200, 200, 429]
            assert _asked(process, process.other_token, 2) == [200, 200]
            assert _asked(process, initech, 2) == [200, 429]  # the same model at the same place
        finally:
            process.stop()
    assert seen == ["Bearer key-of-default"] * 3 + [""] * 2 + ["Bearer key-of-keyed"]


def _asked(process: GatewayProcess, token: str, times: int) -> list[int]:
    body = {"model": "llama", "messages": [{"role": "user", "content": "Hi."}]}
    with httpx.Client(trust_env=False, timeout=60, limits=httpx.Limits(max_keepalive_connections=0)) as client:
        url, headers = f"{process.url}/v1/chat/completions", {"authorization": f"Bearer {token}"}
        return [client.post(url, json=body, headers=headers).status_code for _ in range(times)]


def test_all_workers_follow(tmp_path: Path) -> None:
    """By themselves, and at once when a signal says so, without a new worker."""
    (tmp_path / "p.yaml").write_text(POLICY.format(name="common", action="placeholder"))
    with Background(ScriptedUpstream()) as upstream:
        upstream.answers(completion("Hi."))
        process = start_gateway(tmp_path, upstream.url, tmp_path / "p.yaml", "--workers", "2", metrics_port=free_port())
        try:
            _followed_by_both(process, upstream, tmp_path / "p.yaml")
        finally:
            process.stop()


def _followed_by_both(process: GatewayProcess, upstream: ScriptedUpstream, policy: Path) -> None:
    def seen() -> set[str]:
        body = {"model": "llama", "messages": [{"role": "user", "content": MAIL}]}
        texts = set()
        # Each on a connection of its own, so that all workers are met.
        with httpx.Client(trust_env=False, timeout=60, limits=httpx.Limits(max_keepalive_connections=0)) as client:
            headers = {"authorization": f"Bearer {process.token}"}
            for _ in range(20):
                assert client.post(f"{process.url}/v1/chat/completions", json=body, headers=headers).status_code == 200
                texts.add(str(upstream.bodies[-1]["messages"][0]["content"]))
        return texts

    def reloaded() -> float:
        with httpx.Client(trust_env=False) as client:
            text = client.get(process.metrics_url).text
        found = re.findall(r'gateway_reloads_total\{files="policies",result="reloaded"\} (\S+)', text)
        return float(found[0]) if found else 0.0

    def workers() -> set[str]:
        pid = process.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return {child for child in children if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()}

    limited = mint(process.directory / "tokens.yaml", "acme", "--limit", "requests_per_minute=5")
    assert seen() == {"<EMAIL_ADDRESS_1>"}
    # They cannot count together, without a store that they share.
    assert wait_for(lambda: _asked(process, limited, 8) == [503] * 8, 30)
    before = workers()
    policy.write_text(POLICY.format(name="common", action="remove"))
    assert wait_for(lambda: seen() == {"<EMAIL_ADDRESS>"}, 60)
    assert wait_for(lambda: reloaded() == 2, 60)
    os.kill(process.process.pid, signal.SIGHUP)
    assert wait_for(lambda: reloaded() == 4, 60)
    assert workers() == before
    assert len(before) == 2


def test_a_policy_can_be_checked_before_it_is_put_in_force(served: Served) -> None:
    good = served.post("/admin/policy/check", "boss", policy=POLICY.format(name="next", action="mask"))
    assert good.json() == {"object": "policy.check", "ok": True, "problems": []}
    wrong = served.post("/admin/policy/check", "boss", policy=POLICY.format(name="next", action="hide")).json()
    assert wrong["ok"] is False
    assert wrong["problems"][0].startswith("policy.yaml:4:")
    assert served.post("/admin/policy/check", "acme", policy="").status_code == 403
    assert served.post("/admin/policy/check", "boss", text="").status_code == 400


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ({"version": 1, "policies": [], "tenants": {"acme": "strict"}}, "no policy is called strict"),
        ({"version": 1, "policies": ["common.yaml"]}, "give each a `name:` of its own"),
        ({"version": 2}, "version"),
        ({"version": 1, "tenant": {}}, "tenant"),
    ],
)
def test_a_tenants_file_that_is_wrong_is_explained(tmp_path: Path, file: dict[str, Any], says: str) -> None:
    (tmp_path / "common.yaml").write_text(POLICY.format(name="common", action="mask"))
    (tmp_path / "tenants.yaml").write_text(json.dumps(file))
    mint(tmp_path / "tokens.yaml", "acme")
    done = gateway(
        *("serve", "--policy", str(tmp_path / "common.yaml"), "--tenants", str(tmp_path / "tenants.yaml")),
        *("--tokens", str(tmp_path / "tokens.yaml"), "--port", "0"),
    )
    assert done.returncode == 2
    assert says in done.stderr
