"""A real vLLM on the CPU that serves models/tiny-llama, and a real gateway in front of it. Started once."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from demo import vllm
from demo.recorder import Recorder
from tests.conftest import ROOT
from tests.support.gateway import GatewayProcess, start_gateway

_TIMEOUT_S = 300


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder share one vLLM, so they run in one process."""
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.vllm)
            item.add_marker(pytest.mark.xdist_group("vllm"))


@pytest.fixture(scope="session")
def vllm_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL (…/v1) of a vLLM that serves models/tiny-llama as `tiny-llama`."""
    if running := os.environ.get("VLLM_URL"):
        yield running
        return
    if not (vllm.ENVIRONMENT / "installed").exists():
        pytest.skip("no vLLM environment; `make test` installs it")
    log = tmp_path_factory.mktemp("vllm") / "vllm.log"
    served = vllm.start(str(vllm.TINY_LLAMA), log, "--enable-auto-tool-choice", "--tool-call-parser", "pythonic")
    try:
        served.wait(_TIMEOUT_S)
        yield served.url
    finally:
        served.stop()


@pytest.fixture(scope="session")
def recorder(vllm_url: str) -> Iterator[Recorder]:
    """Between the gateway and vLLM: remembers what the model saw and said."""
    proxy = Recorder(vllm_url)
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture(scope="session")
def gateway(recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway with the shipped default policy, in front of vLLM."""
    process = start_gateway(tmp_path_factory.mktemp("gateway"), recorder.url, ROOT / "policies" / "default.yaml")
    yield process
    process.stop()
