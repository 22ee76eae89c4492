"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.gateway import GatewayProcess, start_gateway
from tests.support.upstream import Background, ScriptedUpstream

ROOT = Path(__file__).parent.parent
# Tests leave nothing outside the checkout.
os.environ.setdefault("XDG_CACHE_HOME", str(ROOT / ".cache"))
POLICY = ROOT / "tests" / "support" / "policy.yaml"
# How fast a busy machine is, is nothing that a test can fail of.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


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


END_TO_END = pytest.StashKey[list[int]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[END_TO_END] = [0, 0]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in which fewer end-to-end tests passed than REQUIRED_E2E asks for."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(session.config, "workerinput"):
        return
    passed = reporter.stats.get("passed", [])
    counts = session.config.stash[END_TO_END]
    counts[0] = sum(len(reporter.stats.get(kind, [])) for kind in ("passed", "failed"))
    counts[1] = sum("vllm" in report.keywords for report in passed)
    if counts[1] < int(os.environ.get("REQUIRED_E2E", "0")):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    ran, end_to_end = config.stash[END_TO_END]
    required = int(os.environ.get("REQUIRED_E2E", "0"))
    terminalreporter.write_line(f"{ran} tests ran, {end_to_end} of them end to end with vLLM passed")
    if end_to_end < required:
        terminalreporter.write_line(f"at least {required} end-to-end tests must pass", red=True)
