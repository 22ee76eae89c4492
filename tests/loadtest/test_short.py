"""The load test in short: with chaos, nothing leaks and everybody gets their own values. And it can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtest.report import summary, write
from loadtest.run import ROOT, Plan, locust_python, run

pytestmark = [
    pytest.mark.slow,
    # One after another: what they measure is not how they get in each other's way.
    pytest.mark.xdist_group("loadtest"),
    pytest.mark.skipif(locust_python() is None, reason="Locust is not installed: make .venv-loadtest/installed"),
]
OFF = ROOT / "loadtest" / "policy-off.yaml"
_KINDS = {"chat", "stream", "tools", "turns", "cached", "embeddings", "abusive: bad token", "abusive: oversize"}


def test_nothing_leaks_and_everybody_gets_their_own_values(tmp_path: Path) -> None:
    plan = Plan(seconds=60, users=20, chaos=True)
    outcome = run(plan, print)
    assert outcome.failures() == [], summary(outcome)
    assert set(outcome.tally.kinds) >= _KINDS
    assert {harm.kind for harm in outcome.harms} >= {"redis", "model", "worker"}
    assert len(outcome.memory) >= 3, "a worker was replaced"
    write(tmp_path / "report.html", plan, outcome)
    assert "0 leaks, 0 wrong restores" in (tmp_path / "report.html").read_text()


def test_a_gateway_that_hides_nothing_is_seen_to_leak() -> None:
    """The search can find something: the same users under a policy that allows everything."""
    outcome = run(Plan(seconds=8, users=12, policy=OFF), print)
    assert outcome.search.leaks["bodies at the model"] > 100, summary(outcome)
    assert {"email", "phone", "card", "iban", "name"} <= {line.split()[4] for line in outcome.search.examples}
    assert any(failure.endswith(" leaks") for failure in outcome.failures())
    assert outcome.tally.wrongs == 0, summary(outcome)


def test_a_model_that_mixes_up_its_users_is_seen_to_restore_wrongly() -> None:
    outcome = run(Plan(seconds=8, users=12, policy=OFF, swap=True), print)
    assert outcome.tally.wrongs > 20, summary(outcome)
    assert any("a foreign email" in line for line in outcome.tally.wrong)
    assert any(failure.endswith(" wrong restores") for failure in outcome.failures())
