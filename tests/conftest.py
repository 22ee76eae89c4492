"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gateway import GatewayProcess, start_gateway
from tests.support.upstream import Background, ScriptedUpstream

ROOT = Path(__file__).parent.parent
POLICY = ROOT / "tests" / "support" / "policy.yaml"


@pytest.fixture(scope="session")
def _scripted() -> Iterator[ScriptedUpstream]:
    with Background(ScriptedUpstream()) as upstream:
        yield upstream


@pytest.fixture
def upstream(_scripted: ScriptedUpstream) -> ScriptedUpstream:
    """The scripted upstream behind `gateway_process`, with nothing recorded yet."""
    _scripted.reset()
    return _scripted


@pytest.fixture(scope="session")
def gateway_process(_scripted: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A real gateway in front of the scripted upstream, under tests/support/policy.yaml."""
    process = start_gateway(tmp_path_factory.mktemp("gateway"), _scripted.url, POLICY)
    yield process
    process.stop()
