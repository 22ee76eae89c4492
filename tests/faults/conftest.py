"""Gateways that things go wrong for, and the check that they have got over it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.conftest import POLICY
from tests.faults.wire import ask, chat
from tests.support.gateway import GatewayProcess, start_gateway
from tests.support.upstream import ScriptedUpstream

HASTY_S = 0.6
"""The limits of `hasty_gateway` on headers, bodies and clients that do not read."""


@pytest.fixture(autouse=True)
def _still_serves(gateway_process: GatewayProcess, _scripted: ScriptedUpstream) -> Iterator[None]:
    """Whatever a test does, the next normal request works."""
    yield
    assert_serves(gateway_process, _scripted)


def assert_serves(gateway: GatewayProcess, upstream: ScriptedUpstream) -> None:
    upstream.reset()
    answer = ask(gateway, chat("I am Ada Lovelace"))
    assert answer.status == 200
    assert answer.document["choices"][0]["message"]["content"] == "I am Ada Lovelace"
    assert upstream.bodies[0]["messages"][0]["content"] == "I am <PERSON_1>"


@pytest.fixture(scope="session")
def _hasty(_scripted: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    directory = tmp_path_factory.mktemp("hasty")
    policy = yaml.safe_load(POLICY.read_text("utf-8"))
    # Longer than any client may take, so that what ends a request is the limit under test.
    policy["limits"]["upstream"] = "20s"
    with _nobody() as gone, _slammer() as slamming:
        policy["upstreams"] = {"gone": gone, "slamming": slamming}
        for name in policy["upstreams"]:
            policy["models"][name] = {"upstream": name, "id": name}
        (directory / "policy.yaml").write_text(yaml.safe_dump(policy), "utf-8")
        limits = {f"{what}_timeout": HASTY_S for what in ("header", "body", "send")}
        (directory / "gateway.yaml").write_text(yaml.safe_dump(limits), "utf-8")
        process = start_gateway(
            directory, _scripted.url, directory / "policy.yaml", "--config", str(directory / "gateway.yaml")
        )
        yield process
        process.stop()


@pytest.fixture
def hasty_gateway(_hasty: GatewayProcess, upstream: ScriptedUpstream) -> Iterator[GatewayProcess]:
    """A gateway with short limits on clients, and two models whose upstreams are no use."""
    yield _hasty
    assert_serves(_hasty, upstream)


@contextmanager
def _nobody() -> Iterator[str]:
    """A port that is taken and that nobody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/v1"


@contextmanager
def _slammer() -> Iterator[str]:
    """A server that closes each connection as soon as it has it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def slam() -> None:
            try:
                while True:
                    listener.accept()[0].close()
            except OSError:
                return

        threading.Thread(target=slam, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


@pytest.fixture(scope="session")
def tokens_file(gateway_process: GatewayProcess) -> Path:
    return gateway_process.directory / "tokens.yaml"
