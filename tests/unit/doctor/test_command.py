"""`gateway doctor` as scripts use it: with a real Redis, a model server and an issuer, well and all wrong."""

from __future__ import annotations

import base64
import json
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.cli.serve import serve
from gateway.doctor import examine, policies, process, store, upstreams
from gateway.doctor.examine import _Report
from gateway.doctor.result import Level, Result, good
from gateway.doctor.setup import Setup, resolve
from gateway.seal.keyset import Keyset
from tests.support.gateway import gateway, gateway_process, mint
from tests.support.issuer import Issuer
from tests.support.redis import RedisServer, free_port, redis_server
from tests.support.upstream import Background
from tests.unit.doctor.scene import Models

PASSWORD, KEY = "canary-password-of-redis", "canary-key-of-the-upstream"
POLICY = """version: 1
name: default
models: {llama: {id: tiny-llama, max_context: 1024}}
redact:
  nlp: {engine: patterns}
  deny: [{entity: PROJECT, text: [canary-project]}]
  recognizers: [{entity: CODE, pattern: 'canary-[0-9]+'}]
limits: {token: {concurrent: 8}}
tests: [{text: canary-project, sees: <PROJECT_1>}]
"""
OIDC = "issuers: [{issuer: '%s', audiences: gateway, tenant: acme, scopes: [chat], models: ['*']}]\n"
GROUPS = ("settings", "policy", "tokens", "keyset", "store", "upstream", "issuer", "clock", "audit", "port", "cores")


@dataclass
class Scene:
    folder: Path
    redis: RedisServer
    models: Models
    issuer: Issuer
    token: str
    master: str
    keys: list[str]

    def assert_no_secret(self, *texts: str) -> None:
        """Nothing of what is secret, nor a part of it that would tell it."""
        for text in texts:
            assert "canary" not in text
            for secret in (self.token, self.token.split("_")[-1], self.master, self.master[:12], *self.keys):
                assert secret not in text


@pytest.fixture(scope="module")
def _servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RedisServer, Models, Issuer]]:
    with (
        redis_server(tmp_path_factory.mktemp("redis"), password=PASSWORD) as redis,
        Background(Models()) as models,
        Issuer().serve() as issuer,
    ):
        assert isinstance(models, Models)
        issuer.rotate()
        yield redis, models, issuer


@pytest.fixture
def scene(_servers: tuple[RedisServer, Models, Issuer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """All is well but for what differs between machines: the rest of the tests make it worse."""
    redis, models, issuer = _servers
    models.offered, models.key = [{"id": "tiny-llama", "max_model_len": 2048}], KEY
    monkeypatch.chdir(tmp_path)
    master = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    for name in [name for name in os.environ if name.startswith("GATEWAY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CANARY_MASTER", master)
    monkeypatch.setenv("GATEWAY_MASTER_KEY", "env:CANARY_MASTER")
    monkeypatch.setenv("GATEWAY_STORE", redis.url)
    assert gateway("key", "init", "keys.json").returncode == 0
    token = mint(Path("tokens.yaml"), "acme", "--expires", "30d")
    for name, text in (
        ("p.yaml", POLICY),
        ("up.key", KEY),
        ("oidc.yaml", OIDC % issuer.url),
        ("gateway.yaml", _SETTINGS),
    ):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("GATEWAY_UPSTREAM", models.url)
    keyset = Keyset.load(tmp_path / "keys.json", base64.urlsafe_b64decode(master))
    keys = [form(key.secret) for key in keyset.keys for form in (bytes.hex, lambda raw: base64.b64encode(raw).decode())]
    monkeypatch.setattr(process, "_WORKER_BYTES", 1)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() or 1000)
    return Scene(tmp_path, redis, models, issuer, token, master, keys)


_SETTINGS = f"""policy: p.yaml
upstream_key_file: up.key
keyset: keys.json
oidc: oidc.yaml
audit: audit.jsonl
port: {free_port()}
metrics_port: {free_port()}
store_timeout: 5
"""


def test_all_is_well(scene: Scene) -> None:
    before = {path: path.read_bytes() for path in scene.folder.iterdir() if path.is_file()}
    done = gateway("doctor")
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout
    assert all(any(line[9:].startswith(group) for line in lines) for group in GROUPS), done.stdout
    assert "problem " not in done.stdout
    assert ", 0 problems" in lines[-1]
    scene.assert_no_secret(done.stdout, done.stderr)
    after = {path: path.read_bytes() for path in scene.folder.iterdir() if path.is_file()}
    assert after == before
    assert scene.redis.cli("DBSIZE") == "0"


def test_json_says_the_same(scene: Scene) -> None:
    done = gateway("doctor", "--json", "--config", "gateway.yaml")
    document = json.loads(done.stdout)
    assert done.returncode == 0
    assert document["problems"] == 0
    assert document["ok"] + document["warnings"] == len(document["results"])
    assert all(set(one) == {"level", "what", "problem", "remedy"} for one in document["results"])
    scene.assert_no_secret(done.stdout)


def test_warnings_alone_are_no_failure(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_WROKERS", "canary")
    done = gateway("doctor")
    assert done.returncode == 0, done.stdout
    assert "warning  environment GATEWAY_WROKERS" in done.stdout
    scene.assert_no_secret(done.stdout)


def test_everything_is_wrong_and_everything_is_told(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "canary")
    monkeypatch.setenv("GATEWAY_STORE", scene.redis.url.replace(PASSWORD, "canary-wrong-password"))
    monkeypatch.setenv("CANARY_MASTER", "canary-wrong-master")
    scene.models.offered, scene.models.key = [], "another"
    text = POLICY.replace("<PROJECT_1>", "canary-seen").replace("redact:", "cache: {scope: tenant}\nredact:")
    (scene.folder / "p.yaml").write_text(text)
    (scene.folder / "tokens.yaml").write_text("tokens: [{id: canary, sha256: canary}]\n")
    (scene.folder / "oidc.yaml").write_text("issuers: canary\n")
    monkeypatch.setenv("GATEWAY_UPSTREAM", scene.models.url.replace("http://", "http://user:canary-login@"))
    done = gateway("doctor", "--audit", "no/such/folder/audit.jsonl")
    assert done.returncode == 1
    wrong = [line[9:] for line in done.stdout.splitlines() if line.startswith("problem")]
    for group in ("settings", "policy", "tokens", "keyset", "store", "upstream", "oidc", "audit"):
        assert any(line.startswith(group) for line in wrong), done.stdout
    assert all(" -> " in line for line in wrong)
    assert "cache.scope: tenant" in done.stdout
    scene.assert_no_secret(done.stdout, done.stderr)


def test_nothing_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = gateway("doctor", "--upstream", f"http://127.0.0.1:{free_port()}/v1")
    assert done.returncode == 1
    assert "policies/default.yaml:1:1: cannot be read" in done.stdout
    assert "tokens.yaml: there is no such file" in done.stdout
    assert "it cannot be reached" in done.stdout


@pytest.mark.parametrize("options", [["--nonsense"], ["--port", "abc"], ["one"]])
def test_wrong_usage(options: list[str]) -> None:
    assert gateway("doctor", *options).returncode == 2


def test_it_takes_what_serve_takes() -> None:
    done = gateway_process("doctor", "--help")
    assert done.returncode == 0
    options = {f"--{name.replace('_', '-')}" for name in serve.__annotations__ if name != "return"}
    assert len(options) > 15
    shown = done.stdout.replace("│", " ")
    assert all(option[:14] in shown for option in {*options, "--json"})


def test_what_hangs_or_breaks_is_a_line_and_the_rest_goes_on(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise ValueError(PASSWORD)

    def stops(*_: object) -> Iterator[Result]:
        yield good("descriptors")
        raise ValueError(PASSWORD)

    monkeypatch.setattr(examine, "_NETWORK_S", 0.3)
    monkeypatch.setattr(store, "look", lambda _: time.sleep(5))
    monkeypatch.setattr(policies, "look", breaks)
    monkeypatch.setattr(process, "judge", stops)
    found = examine.examine(resolve({}, os.environ, scene.folder / "gateway.yaml"))
    wrong = {one.what: one.problem for one in found if one.level is Level.PROBLEM}
    assert wrong["store"] == "it took longer than 0.3 s"
    assert wrong["policies"] == "it could not be looked at (ValueError)"
    assert wrong["process"] == "it could not be looked at (ValueError)"
    assert {"audit", "descriptors"} <= {one.what.split()[0] for one in found}
    scene.assert_no_secret(str(found))


def test_an_upstream_that_hangs_keeps_no_other_unseen(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = upstreams.look

    def look(setup: Setup, upstream: upstreams.Upstream) -> upstreams.Looked:
        if upstream.url.startswith("http://hangs"):
            time.sleep(5)
        return looked(setup, upstream)

    monkeypatch.setattr(examine, "_NETWORK_S", 1.5)
    monkeypatch.setattr(upstreams, "look", look)
    text = POLICY.replace("}}\n", "}, b: {upstream: two, id: b}}\nupstreams: {two: 'http://hangs/v1'}\n", 1)
    (scene.folder / "p.yaml").write_text(text)
    found = examine.examine(resolve({}, os.environ, scene.folder / "gateway.yaml"))
    told = {one.what: one.problem for one in found if one.what.startswith("upstream")}
    assert told.pop("upstream two") == "it took longer than 1.5 s"
    assert list(told.values()) == [""]


def test_a_look_gives_what_it_found() -> None:
    report = _Report()
    assert report.looked("x", 1, lambda: 7) == 7
    assert report.results == []
