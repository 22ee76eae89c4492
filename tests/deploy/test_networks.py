"""The model's network has no way out: tried with namespaces of this machine in the place of containers.

Three of them stand for the gateway, for vLLM and for the world. The gateway's has a cable to each of the other two and
passes nothing on, as Docker's internal networks do; a stand-in for vLLM has the way to the gateway's and no other.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.deploy.layout import Layout, make, running
from tests.deploy.namespaces import can_be_made, connect, inside, ip, namespace, reaches
from tests.support.redis import _DIE_WITH_THE_TESTS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("layout")]
GATEWAY, MODEL, WORLD_SIDE, WORLD = "10.213.7.1", "10.213.7.2", "10.213.8.1", "10.213.8.2"
PORT = 8000
_START_S = 20


@dataclass(frozen=True)
class Namespaces:
    """Names of those that were made."""

    gateway: str
    model: str
    world: str


@contextmanager
def _stand_in(place: str, address: str) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.deploy.stand_in", address, str(PORT)]
    process = subprocess.Popen([*_DIE_WITH_THE_TESTS, *inside(place, *command)], cwd=ROOT)
    try:
        until = time.monotonic() + _START_S
        while not reaches(place, address, PORT):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def namespaces() -> Iterator[Namespaces]:
    if not can_be_made():
        pytest.skip("network namespaces cannot be made here: that takes root and iproute2")
    made = Namespaces(*(f"pgw-{secrets.token_hex(3)}-{part}" for part in ("gateway", "model", "world")))
    with ExitStack() as stack:
        for name in (made.gateway, made.model, made.world):
            stack.enter_context(namespace(name))
        connect(made.gateway, GATEWAY, made.model, MODEL)
        connect(made.gateway, WORLD_SIDE, made.world, WORLD)
        # The world would answer: what does not come back was not let through.
        ip("-n", made.world, "route", "add", "default", "via", WORLD_SIDE)
        stack.enter_context(_stand_in(made.model, MODEL))
        stack.enter_context(_stand_in(made.world, WORLD))
        yield made


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return make(tmp_path_factory.mktemp("networks"))


def test_the_model_reaches_nothing_outside(namespaces: Namespaces) -> None:
    assert reaches(namespaces.gateway, MODEL, PORT)
    assert reaches(namespaces.gateway, WORLD, PORT)
    assert not reaches(namespaces.model, WORLD, PORT)
    # Not even if somebody within it tells it that the gateway is the way.
    ip("-n", namespaces.model, "route", "add", "default", "via", GATEWAY)
    try:
        assert not reaches(namespaces.model, WORLD, PORT)
    finally:
        ip("-n", namespaces.model, "route", "del", "default")


def test_the_gateway_reaches_the_model_there(namespaces: Namespaces, layout: Layout, tmp_path: Path) -> None:
    environment = layout.environment(f"http://{MODEL}:{PORT}/v1", GATEWAY_STORE="memory://", GATEWAY_WORKERS="1")
    command = [sys.executable, "-m", "gateway", "serve"]
    body = '{"model": "llama", "messages": [{"role": "user", "content": "Write to jane.doe@example.org."}]}'
    ask = (
        "import sys, urllib.request as u; url, token, body = sys.argv[1:]; "
        "headers = {'authorization': 'Bearer ' + token, 'content-type': 'application/json'}; "
        "request = u.Request(url + '/v1/chat/completions', body.encode(), headers); "
        "print(u.build_opener(u.ProxyHandler({})).open(request, timeout=30).read().decode())"
    )
    with running(command, environment, tmp_path / "log", inside(namespaces.gateway)) as url:
        client = inside(namespaces.gateway, sys.executable, "-c", ask, url, layout.token, body)
        done = subprocess.run(client, capture_output=True, text=True, check=False)
    assert "jane.doe@example.org" in done.stdout, done.stderr
