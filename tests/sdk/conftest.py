"""The real OpenAI SDK, pointed at a real gateway."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from openai import AsyncOpenAI, AuthenticationError, OpenAI

from tests.support.gateway import GatewayProcess, mint, start_gateway
from tests.support.upstream import ScriptedUpstream

_QUOTING = Path(__file__).parent / "policy.yaml"


def sdk(gateway: GatewayProcess, token: str | None = None) -> OpenAI:
    """Without retries, so that a test sees the gateway's first answer."""
    return OpenAI(base_url=f"{gateway.url}/v1", api_key=token or gateway.token, max_retries=0, timeout=30)


@pytest.fixture
def client(gateway_process: GatewayProcess) -> Iterator[OpenAI]:
    with sdk(gateway_process) as opened:
        yield opened


@pytest.fixture
async def async_client(gateway_process: GatewayProcess) -> AsyncIterator[AsyncOpenAI]:
    url = f"{gateway_process.url}/v1"
    async with AsyncOpenAI(base_url=url, api_key=gateway_process.token, max_retries=0, timeout=30) as opened:
        yield opened


@pytest.fixture(scope="session")
def quoting_gateway(_scripted: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway whose policy knows a person with quotes and a backslash in the name."""
    process = start_gateway(tmp_path_factory.mktemp("quoting"), _scripted.url, _QUOTING)
    yield process
    process.stop()


@pytest.fixture
def quoting_client(quoting_gateway: GatewayProcess) -> Iterator[OpenAI]:
    with sdk(quoting_gateway) as opened:
        yield opened


@pytest.fixture(scope="session")
def narrow_token(gateway_process: GatewayProcess) -> str:
    """A token that may use only the model `other`."""
    token = mint(gateway_process.directory / "tokens.yaml", "acme", "--model", "other")
    with sdk(gateway_process, token) as client:
        # The gateway looks at its tokens file once a second.
        for _ in range(50):
            try:
                client.models.list()
            except AuthenticationError:
                time.sleep(0.1)
            else:
                return token
    raise AssertionError("the gateway does not know the new token")
