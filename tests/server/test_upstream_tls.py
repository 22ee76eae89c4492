"""Model servers at https://: believed only if an authority that is trusted signed for their name."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.faults.wire import ask, assert_error, chat
from tests.server.scene import POLICY, Certificates, Pair, said, signed_by_itself
from tests.support.gateway import GatewayProcess, gateway, start_gateway
from tests.support.upstream import Background, ScriptedUpstream

pytestmark = pytest.mark.xdist_group("server")
WHY = {
    "elsewhere": "its certificate is for another name",
    "expired": "its certificate has expired",
    "itself": "its certificate is signed by itself",
    "stranger": "its certificate is signed by an authority that is not trusted",
    "plain": "no TLS connection comes about",
}


def _server(pair: Pair) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


class Scene:
    """A gateway with a model for each kind of server."""

    def __init__(self, folder: Path, process: GatewayProcess, servers: dict[str, ScriptedUpstream]) -> None:
        self.folder = folder
        self.process = process
        self.servers = servers


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("upstreams")
    known = Certificates(folder)
    past = Certificates(folder, "past", datetime.now(UTC) - timedelta(days=500))
    (folder / "both.pem").write_text(known.authority.certificate + past.authority.certificate)
    pairs = {
        "good": known.issue("good"),
        "elsewhere": known.issue("elsewhere", ["models.example"]),
        "expired": past.issue("expired"),
        "itself": signed_by_itself(folder, "itself"),
        "stranger": Certificates(folder, "strangers").issue("stranger"),
    }
    with ExitStack() as stack:
        servers = {kind: stack.enter_context(Background(ScriptedUpstream(), _server(pairs[kind]))) for kind in pairs}
        servers["plain"] = stack.enter_context(Background(ScriptedUpstream()))
        servers["plain"].url = servers["plain"].url.replace("http:", "https:")
        # It would be believed as 127.0.0.1.
        servers["elsewhere"].url = servers["elsewhere"].url.replace("127.0.0.1", "localhost")
        policy = yaml.safe_load(POLICY)
        policy["models"] |= {kind: {"upstream": kind, "id": kind} for kind in servers}
        policy["upstreams"] = {kind: {"url": server.url, "ca_file": "both.pem"} for kind, server in servers.items()}
        (folder / "policy.yaml").write_text(yaml.safe_dump(policy))
        authorities = str(folder / "both.pem")
        process = start_gateway(folder, servers["good"].url, folder / "policy.yaml", "--upstream-ca", authorities)
        yield Scene(folder, process, servers)
        process.stop()


@pytest.mark.parametrize("model", ["llama", "good"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_authority_of_ones_own_is_trusted(scene: Scene, model: str, stream: bool) -> None:
    answer = ask(scene.process, chat("hello there", model=model, stream=stream))
    assert answer.status == 200
    assert b"hel" in answer.body


@pytest.mark.parametrize("kind", WHY)
def test_whoever_is_not_believed_gets_nothing_and_the_log_says_why(scene: Scene, kind: str) -> None:
    assert_error(ask(scene.process, chat("xq7canary", model=kind)), 502, "upstream_failed")
    assert_error(ask(scene.process, chat("xq7canary", model=kind, stream=True)), 502, "upstream_failed")
    server = scene.servers[kind]
    assert server.bodies == []
    told = [line for line in said(scene.process, "an upstream is not trusted") if line["part"] == server.url]
    assert [line["problem"] for line in told] == [WHY[kind]]


def test_without_the_authority_nothing_is_sent(tmp_path: Path, scene: Scene) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    process = start_gateway(tmp_path, scene.servers["good"].url, tmp_path / "policy.yaml")
    try:
        scene.servers["good"].reset()
        assert_error(ask(process, chat("hello")), 502, "upstream_failed")
        assert scene.servers["good"].bodies == []
    finally:
        process.stop()


def test_doctor_says_why(scene: Scene) -> None:
    policy = str(scene.folder / "policy.yaml")
    flags = ("--upstream", scene.servers["good"].url, "--upstream-ca", str(scene.folder / "both.pem"))
    done = gateway("doctor", "--policy", policy, "--tokens", str(scene.folder / "tokens.yaml"), *flags)
    for kind, why in WHY.items():
        assert f"upstream {kind} at {scene.servers[kind].url}: {why}" in done.stdout, done.stdout
    assert f"upstream_ca {scene.folder / 'both.pem'}: it has expired" in done.stdout


@pytest.mark.parametrize("wrong", ["{url: 'http://127.0.0.1:9/v1', ca_file: both.pem}", "{url: X, verify: false}"])
def test_what_makes_no_sense_or_no_safety_is_refused(scene: Scene, wrong: str) -> None:
    path = scene.folder / "wrong.yaml"
    path.write_text(f"{POLICY}upstreams: {{own: {wrong.replace('X', scene.servers['good'].url)}}}\n")
    done = gateway("policy", "check", str(path))
    assert done.returncode == 1
    assert "ca_file is for upstreams at https://" in done.stdout + done.stderr or "verify" in done.stdout + done.stderr
