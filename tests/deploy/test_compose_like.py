"""All of docker-compose.yml's profile `cpu` at once, as processes: Redis, vLLM, the gateway and a client.

Each has a network namespace of its own in the place of its container. The files, commands, settings, ports and names of
hosts are those of the containers; only paths are this host's. `make compose-like` runs this.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo import vllm
from tests.conftest import ROOT
from tests.deploy.layout import COMPOSE, Layout, make, running
from tests.deploy.namespaces import can_be_made, connect, inside, namespace, reaches
from tests.support.redis import _DIE_WITH_THE_TESTS

# One after the other with the tests that share a vLLM: each takes what processors there are.
pytestmark = [pytest.mark.slow, pytest.mark.vllm, pytest.mark.xdist_group("vllm")]
MODEL, REDIS, GATEWAY, CLIENT = "10.213.17.2", "10.213.18.2", "10.213.19.1", "10.213.19.2"
_START_S = 300
_DESCRIBED = COMPOSE["services"]["vllm-cpu"]
_ASK = """
import sys
from openai import OpenAI
url, token, content = sys.argv[1:]
client = OpenAI(base_url=url + "/v1", api_key=token, max_retries=0, timeout=120)
asked = dict(model="llama", messages=[{"role": "user", "content": content}], temperature=0, max_tokens=40)
whole = client.chat.completions.with_raw_response.create(**asked)
print(whole.headers.get("x-cache"))
print(repr(whole.parse().choices[0].message.content))
pieces = [event.choices[0].delta.content or "" for event in client.chat.completions.create(stream=True, **asked)]
print(repr("".join(pieces)))
"""
_GET = """
import sys, urllib.request
print(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=10).read().decode())
"""


@dataclass(frozen=True)
class Places:
    """Names of the namespaces, and what was made in them."""

    gateway: str
    model: str
    store: str
    client: str
    layout: Layout
    url: str
    """Of the gateway, as its client sees it."""

    def ask(self, content: str) -> list[str]:
        """What the OpenAI client says: whether the cache had it, the answer, and the answer as a stream."""
        command = [sys.executable, "-c", _ASK, self.url, self.layout.token, content]
        return _said(inside(self.client, *command)).splitlines()


def _said(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def _process(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*_DIE_WITH_THE_TESTS, *command], stdout=output, stderr=output, env=environment, cwd=ROOT
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until(check: Sequence[str], process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_S
    while subprocess.run(check, check=False, capture_output=True, timeout=30).returncode:
        assert process.poll() is None, log.read_text()[-4000:]
        assert time.monotonic() < until, log.read_text()[-4000:]
        time.sleep(0.5)


@contextmanager
def _redis(place: str, layout: Layout) -> Iterator[None]:
    configuration, log = layout.folder / "redis.conf", layout.folder / "redis.log"
    configuration.write_text(layout.redis_configuration())
    check = layout.at_home(COMPOSE["services"]["redis"]["healthcheck"]["test"][1], "redis")
    with _process(inside(place, "redis-server", str(configuration)), log, dict(os.environ)) as process:
        _until(inside(place, "sh", "-c", check), process, log)
        yield


@contextmanager
def _vllm(place: str, layout: Layout) -> Iterator[None]:
    serve, log = layout.folder / "serve.sh", layout.folder / "vllm.log"
    text = (ROOT / "deploy" / "vllm" / "serve.sh").read_text("utf-8")
    serve.write_text(layout.at_home(text, "vllm-cpu"))
    words = [str(word).replace("/models/tiny-llama", str(vllm.TINY_LLAMA)) for word in _DESCRIBED["command"]]
    named = {name: str(value) for name, value in _DESCRIBED["environment"].items()}
    home = {"HOME": str(layout.folder), "HF_HOME": str(layout.folder / "huggingface")}
    environment = named | home | {"PATH": f"{vllm.ENVIRONMENT / 'bin'}:{os.environ['PATH']}"}
    _, *check = _DESCRIBED["healthcheck"]["test"]
    with _process(inside(place, "sh", str(serve), *words), log, environment) as process:
        _until(inside(place, *check), process, log)
        yield


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    if not can_be_made():
        pytest.skip("network namespaces cannot be made here: that takes root and iproute2")
    if not (vllm.ENVIRONMENT / "installed").exists():
        pytest.skip("no vLLM environment; `make compose-like` installs it")
    layout, tag = make(tmp_path_factory.mktemp("compose-like")), secrets.token_hex(3)
    with ExitStack() as stack:
        gateway = stack.enter_context(namespace(f"pgw-{tag}-gateway", {"vllm": MODEL, "redis": REDIS}))
        model, store, client = (stack.enter_context(namespace(f"pgw-{tag}-{n}")) for n in ("model", "store", "client"))
        # As in docker-compose.yml: `models` and `store` are networks of two each, `edge` is for whoever asks.
        connect(gateway, "10.213.17.1", model, MODEL)
        connect(gateway, "10.213.18.1", store, REDIS)
        connect(gateway, GATEWAY, client, CLIENT)
        stack.enter_context(_redis(store, layout))
        stack.enter_context(_vllm(model, layout))
        command, environment = layout.command("redis:6379"), layout.own_environment()
        stack.enter_context(running(command, environment, layout.folder / "gateway.log", inside(gateway)))
        port = environment["GATEWAY_PORT"]
        yield Places(gateway, model, store, client, layout, f"http://{GATEWAY}:{port}")


def test_a_client_is_answered_by_the_model_and_from_redis(places: Places) -> None:
    cache, whole, stream = places.ask("Please write to jane.doe@example.org.")
    assert cache == "miss"
    assert len(whole) > 2
    assert "<EMAIL" not in whole
    # The same question again, as a stream: kept in Redis, given back in pieces.
    assert stream == whole
    assert places.ask("Please write to jane.doe@example.org.")[0] == "hit"
    # About somebody else it is the same question, and the answer has that person's address.
    cache, other, _ = places.ask("Please write to john.roe@example.net.")
    assert cache == "hit"
    assert other == whole.replace("jane.doe@example.org", "john.roe@example.net")


def test_nothing_went_wrong_between_them(places: Places) -> None:
    places.ask("Good morning.")
    port = places.layout.own_environment()["GATEWAY_METRICS_PORT"]
    told = _said(inside(places.gateway, sys.executable, "-c", _GET, f"http://127.0.0.1:{port}/metrics"))
    assert "gateway_requests_total{" in told
    assert "_mishaps_total{" not in told
    assert "jane" not in (places.layout.folder / "gateway.log").read_text()
    assert "jane" not in (places.layout.folder / "vllm.log").read_text()


def test_nobody_reaches_what_is_not_theirs(places: Places) -> None:
    assert reaches(places.client, GATEWAY, 8080)
    assert reaches(places.gateway, MODEL, 8000)
    assert reaches(places.gateway, REDIS, 6379)
    for place, address, port in (
        (places.client, MODEL, 8000),
        (places.client, REDIS, 6379),
        (places.model, REDIS, 6379),
        (places.store, MODEL, 8000),
        # The address that the gateway has for clients, which they do not share.
        (places.model, GATEWAY, 8080),
        (places.store, GATEWAY, 8080),
    ):
        assert not reaches(place, address, port)


def test_the_model_answers_nobody_without_the_key(places: Places) -> None:
    with pytest.raises(AssertionError, match="401"):
        _said(inside(places.gateway, sys.executable, "-c", _GET, f"http://{MODEL}:8000/v1/models"))
