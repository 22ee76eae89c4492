"""The layout of docker-compose.yml without containers: Redis and a gateway with the files that prepare makes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.prepare import main as prepare_again
from gateway.store.choose import store_of
from gateway.store.port import Correction, Lease
from tests.conftest import ROOT
from tests.deploy.layout import COMPOSE, TENANT, Layout, make, running
from tests.support.gateway import gateway, mint
from tests.support.redis import make_certificates
from tests.support.upstream import ScriptedUpstream

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("layout")]
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Answer:
    """Of the gateway."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Scene:
    """Redis and a gateway, and what the gateway was given."""

    layout: Layout
    url: str
    environment: dict[str, str]
    log: Path

    def ask(self, path: str, token: str, body: dict[str, Any] | None = None, method: str | None = None) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", data, headers, method=method)
        try:
            with _OPENER.open(request, timeout=30) as response:
                return Answer(response.status, _lower(response.headers), json.load(response))
        except urllib.error.HTTPError as error:
            return Answer(error.code, _lower(error.headers), json.load(error))

    def chat(self, text: str, token: str = "", **more: Any) -> Answer:
        body = {"model": "llama", "messages": [{"role": "user", "content": text}], **more}
        return self.ask("/v1/chat/completions", token or self.layout.token, body)

    def metrics(self) -> str:
        port = self.environment["GATEWAY_METRICS_PORT"]
        with _OPENER.open(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
            return str(response.read().decode())

    def mint(self, *more: str) -> str:
        return mint(Path(self.environment["GATEWAY_TOKENS"]), TENANT, *more)


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    made = make(tmp_path_factory.mktemp("layout"))
    # Who is told what Redis has denied: nobody is, otherwise.
    with (made.secrets / "redis_users.acl").open("a") as users:
        users.write("user auditor on nopass -@all +acl|log +info\n")
    with made.redis():
        yield made


@pytest.fixture(scope="module")
def scene(layout: Layout, _scripted: ScriptedUpstream) -> Iterator[Scene]:
    environment = layout.environment(_scripted.url)
    tokens = Path(environment["GATEWAY_TOKENS"])
    # What a running gateway follows within a second is made before, so that no test has to wait.
    limits = ("requests_per_minute=3", "concurrent=2", "tokens_per_day=1000000")
    limited = mint(tokens, TENANT, *(word for limit in limits for word in ("--limit", limit)))
    administrator = mint(tokens, TENANT, "--scope", "chat", "--scope", "admin:tokens", "--scope", "admin:cache")
    (layout.folder / "limited").write_text(limited)
    (layout.folder / "administrator").write_text(administrator)
    log = layout.folder / "gateway.log"
    with running(layout.command(), environment, log) as url:
        yield Scene(layout, url, environment, log)


def test_a_chat_is_answered_and_the_model_sees_no_value(scene: Scene, upstream: ScriptedUpstream) -> None:
    answer = scene.chat("Write to jane.doe@example.org.")
    assert answer.status == 200
    assert answer.body["choices"][0]["message"]["content"] == "Write to jane.doe@example.org."
    assert upstream.bodies[-1]["messages"][0]["content"] == "Write to <EMAIL_ADDRESS_1>."
    assert upstream.bodies[-1]["model"] == "llama"


def test_a_limit_is_counted_in_redis_and_holds(scene: Scene, upstream: ScriptedUpstream) -> None:
    token = (scene.layout.folder / "limited").read_text()
    statuses = [scene.chat(f"Question {number}.", token).status for number in range(4)]
    assert statuses == [200, 200, 200, 429]
    # The workers have counted together, under names that tell nothing.
    assert "pgw:limit:{" in scene.layout.as_gateway("SCAN", "0", "MATCH", "pgw:limit:*", "COUNT", "1000")
    assert token[4:12] not in scene.layout.as_gateway("SCAN", "0", "COUNT", "1000")


def test_an_answer_is_kept_in_redis_sealed_and_can_be_forgotten(scene: Scene, upstream: ScriptedUpstream) -> None:
    question = "Who is ada.lovelace@example.org?"
    assert scene.chat(question, temperature=0).headers["x-cache"] == "miss"
    assert scene.chat(question, temperature=0).headers["x-cache"] == "hit"
    assert len(upstream.bodies) == 1
    environment = scene.environment
    options = ["--config", str(scene.layout.settings_file()), "--keyset", environment["GATEWAY_KEYSET"]]
    options += ["--master-key", environment["GATEWAY_MASTER_KEY"]]
    done = gateway("cache", "forget", "--tenant", TENANT, *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert scene.chat(question, temperature=0).headers["x-cache"] == "miss"


def test_tokens_are_minted_and_revoked_over_http(scene: Scene, upstream: ScriptedUpstream) -> None:
    administrator = (scene.layout.folder / "administrator").read_text()
    made = scene.ask("/admin/tokens", administrator, {"scopes": ["chat"], "expires_in": 600})
    assert made.status == 201
    assert scene.chat("Hello.", made.body["token"]).status == 200
    assert scene.ask("/admin/cache", administrator).status == 200
    assert scene.ask(f"/admin/tokens/{made.body['token'][4:12]}", administrator, method="DELETE").status == 200
    assert scene.chat("Hello.", made.body["token"]).status in {200, 401}  # the other worker follows within a second


async def test_places_are_taken_kept_and_given_back(layout: Layout) -> None:
    """The commands that only limits at their edge need."""
    address = yaml.safe_load(layout.settings_file().read_text())["store"]
    store = store_of(address, time.monotonic, 5.0)
    await store.open()
    try:
        first, second = (Lease("places", name, 1, 60_000) for name in ("a", "b"))
        assert (await store.take("somebody", [first])).granted
        assert not (await store.take("somebody", [second])).granted
        assert await store.renew("somebody", [first, second]) == [True, False]
        await store.settle("somebody", [Correction(first)])
        assert (await store.take("somebody", [second])).granted
    finally:
        await store.close()


def test_what_happened_was_counted_and_recorded_and_nothing_was_denied(scene: Scene) -> None:
    """Runs after those above: Redis has given the gateway every command that it asked for, and it asked for all."""
    told = scene.metrics()
    assert "gateway_requests_total{" in told
    assert not re.search(r"gateway_(cache|limits)_mishaps_total\{", told)
    statistics = scene.layout.cli("INFO", "commandstats", user="auditor", password="any")
    template = (ROOT / "deploy" / "redis" / "users.acl.template").read_text()
    granted = re.findall(r"\+(\S+)", next(line for line in template.splitlines() if line.startswith("user gateway ")))
    assert set(granted) <= set(re.findall(r"cmdstat_([a-z|]+):", statistics))
    # The gateway gives its connections a name; redis-cli does not.
    assert "name=gateway " not in scene.layout.cli("ACL", "LOG", user="auditor", password="any")
    audit = Path(scene.environment["GATEWAY_AUDIT"])
    assert '"event":"exchange"' in audit.read_text()
    assert audit.stat().st_mode & 0o077 == 0


def test_redis_takes_nothing_without_tls_or_a_certificate_or_a_user(layout: Layout, tmp_path: Path) -> None:
    assert layout.as_gateway("PING") == "PONG"
    assert "PONG" not in layout.cli("PING", user="gateway", password=layout.password, tls=False)
    assert "PONG" not in layout.cli("PING", user="gateway", password=layout.password, certificate=False)
    # Another authority's certificate, though the password is right.
    other = make_certificates(tmp_path / "other")
    arguments = ["--tls", "--cacert", str(layout.secrets / "ca.pem"), "--cert", str(other.certificate)]
    arguments += ["--key", str(other.key), "--user", "gateway", "--pass", layout.password]
    assert "PONG" not in layout.cli(*arguments, "PING", tls=False)
    assert "NOAUTH" in layout.cli("GET", "pgw:{a}:b")
    for user, password in (("default", ""), ("default", "any"), ("gateway", "wrong")):
        said = layout.cli("GET", "pgw:{a}:b", user=user, password=password)
        assert "WRONGPASS" in said or "NOAUTH" in said, user


@pytest.mark.parametrize(
    "command",
    [
        "FLUSHALL", "FLUSHDB", "CONFIG GET *", "CONFIG SET maxmemory 1", "KEYS *", "INFO", "DBSIZE", "MONITOR", "SAVE",
        "SHUTDOWN NOSAVE", "ACL LIST", "ACL WHOAMI", "CLIENT LIST", "CLIENT KILL ID 1", "CLIENT PAUSE 1",
        "SCRIPT FLUSH", "FUNCTION LIST", "MODULE LIST", "REPLICAOF NO ONE", "SLOWLOG GET", "RENAME pgw:{a}:b pgw:{a}:c",
        "DUMP pgw:{a}:b", "GET other", "SET other 1", "PUBLISH other 1", "PSUBSCRIBE *", "SELECT 1",
    ],
)  # fmt: skip
def test_the_gateways_user_cannot(layout: Layout, command: str) -> None:
    assert "NOPERM" in layout.as_gateway(*command.split())


def test_a_script_of_the_gateways_user_can_do_no_more_than_it(layout: Layout) -> None:
    for call in ("'KEYS', '*'", "'FLUSHALL'", "'GET', 'other'"):
        said = layout.as_gateway("EVAL", f"return redis.call({call})", "0")
        # As Redis 7.0 says it, and as later ones do.
        assert "user executing the script can't" in said or "permissions" in said, said


def test_the_user_of_health_checks_can_only_ping(layout: Layout) -> None:
    assert layout.cli("PING", user="health", password="any") == "PONG"
    for command in ("GET pgw:{a}:b", "INFO", "SCAN 0", "CLIENT LIST"):
        assert "NOPERM" in layout.cli(*command.split(), user="health", password="any")


def test_health_checks_are_good_when_all_is_well(scene: Scene) -> None:
    check = scene.layout.at_home(COMPOSE["services"]["redis"]["healthcheck"]["test"][1], "redis")
    assert "-h 127.0.0.1 " in check
    check = check.replace("-h 127.0.0.1 ", f"-h 127.0.0.1 -p {scene.layout.redis_port} ")
    subprocess.run(["sh", "-c", check], check=True, timeout=10)
    kind, _, *words = COMPOSE["services"]["gateway"]["healthcheck"]["test"]
    assert kind == "CMD"
    words[-1] = words[-1].replace("http://127.0.0.1:8080", scene.url)
    subprocess.run([sys.executable, *words], check=True, timeout=10)


def test_redis_says_no_when_it_is_full_and_drops_nothing(tmp_path: Path) -> None:
    made = make(tmp_path)
    with made.redis(maxmemory="3mb"):
        assert made.as_gateway("SET", "pgw:{a}:first", "1") == "OK"
        said = ""
        for number in range(200):
            said = made.as_gateway("SET", f"pgw:{{a}}:{number}", "x" * 100_000)
            if said != "OK":
                break
        assert said.startswith("OOM")
        assert made.as_gateway("GET", "pgw:{a}:first") == "1"


def test_redis_leaves_nothing_on_the_disk(tmp_path: Path) -> None:
    made = make(tmp_path)
    with made.redis():
        assert made.as_gateway("SET", "pgw:{a}:b", "1") == "OK"
    assert list(made.data.iterdir()) == []
    with made.redis():
        assert made.as_gateway("GET", "pgw:{a}:b") == ""


def test_renewed_certificates_and_password_hold_after_a_restart(tmp_path: Path) -> None:
    made = make(tmp_path)
    before = made.password
    options = ["--state", str(made.state), "--env-file", str(tmp_path / "env"), "--renew"]
    assert prepare_again(options) == 0
    assert made.password != before
    with made.redis():
        assert made.as_gateway("PING") == "PONG"
        assert "WRONGPASS" in made.cli("PING", user="gateway", password=before)
