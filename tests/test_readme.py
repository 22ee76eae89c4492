"""Every command and example of the README is run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import vllm
from gateway.policy.load import load_policy
from tests.conftest import ROOT
from tests.support.gateway import GatewayProcess, gateway
from tests.support.redis import RedisServer, redis_server
from tests.support.upstream import ScriptedUpstream
from tests.unit.guard.reading.files import pdf

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    line for kind, block in BLOCKS if kind == "bash" for line in block.replace("\\\n", "").splitlines() if line.strip()
]
MAKE = [command.split("#")[0].split()[1] for command in COMMANDS if command.startswith("make ")]
GATEWAY = [shlex.split(command, comments=True)[1:] for command in COMMANDS if command.startswith("gateway ")]


def block(kind: str) -> str:
    return str(next(text for found, text in BLOCKS if found == kind))


def test_every_command_is_one_that_is_run_here() -> None:
    assert len(MAKE) + len(GATEWAY) == len(COMMANDS)
    assert MAKE == ["demo", "test"]


@pytest.mark.parametrize(
    "target", [*MAKE, "bench", "test-fast", "lint", "golden", "lock", "schema", "model", "loadtest", "screenshots"]
)
def test_make_knows_its_targets(target: str) -> None:
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


# What needs servers has tests of its own: tests/e2e/test_probe.py measures what a model has memorised.
@pytest.mark.parametrize("command", [c for c in GATEWAY if c[0] not in ("serve", "probe")], ids=" ".join)
def test_gateway_commands_do_what_they_say(
    command: list[str], redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "policies").symlink_to(ROOT / "policies")
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "lease.txt").write_text("The tenant pays the rent on the first day of every month. " * 9)
    (tmp_path / "handbook.pdf").write_bytes(pdf("Nobody leaves the harbour before the bell has been rung twice."))
    monkeypatch.chdir(tmp_path)
    assert gateway("token", "mint", "--tokens", "tokens.yaml", "--tenant", "acme").returncode == 0
    if command[:2] != ["key", "init"]:
        assert gateway("key", "init", "keys.json").returncode == 0
    done = gateway(*(word.replace(":6379", f":{redis.port}") for word in command))
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_serve_takes_the_options_of_the_readme() -> None:
    commands = [c for c in GATEWAY if c[0] == "serve"]
    assert len(commands) == 4
    help_text = gateway("serve", "--help").stdout
    assert all(option in help_text for command in commands for option in command if option.startswith("--"))


def test_the_python_example_gets_its_value_back(gateway_process: GatewayProcess, upstream: ScriptedUpstream) -> None:
    code = block("python").replace("http://127.0.0.1:8080", gateway_process.url).replace("pgw_…", gateway_process.token)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "jane@example.org" in done.stdout
    assert b"jane@example.org" not in upstream.raw[-1]


def test_the_policy_of_ten_lines_is_valid(tmp_path: Path) -> None:
    text = block("yaml")
    assert len(text.splitlines()) == 10
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    assert load_policy(path).policy.name == "example"
    assert gateway("policy", "check", str(path)).returncode == 0


def test_all_lines_of_policies_are_valid_together(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("".join(text for kind, text in BLOCKS if kind == "yaml"))
    policy = load_policy(path).policy
    assert policy.answers.regurgitation is not None
    assert policy.answers.links.hosts == ("example.com",)
    assert policy.limits.token.requests_per_minute == 60


def test_the_tests_that_are_named_exist() -> None:
    for document in (README, (ROOT / "docs" / "security.md").read_text()):
        for name in re.findall(r"\btests/[\w/]+(?:\.py)?", document):
            assert (ROOT / name).exists(), name


def test_files_that_the_documents_link_to_exist() -> None:
    for document in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        prose = re.sub(r"`[^`\n]*`|```.*?```", "", document.read_text(), flags=re.DOTALL)
        for link in re.findall(r"\]\(([^)#]+)\)", prose):
            assert "://" in link or (document.parent / link).exists(), f"{document.name}: {link}"


@pytest.mark.vllm
@pytest.mark.xdist_group("vllm")
def test_make_demo_shows_a_chat_in_which_nothing_private_reached_the_model() -> None:
    if not (vllm.ENVIRONMENT / "installed").exists():
        pytest.skip("no vLLM environment; `make test` installs it")
    environment = {**os.environ, "ONESHOT": "1", "COLUMNS": "160"}
    environment.pop("MAKEFLAGS", None)
    done = subprocess.run(
        ["make", "demo"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for title in ("what the client sent", "what the model saw", "what the model said", "what the client got"):
        assert title in done.stdout
    assert "<EMAIL_ADDRESS_1>" in done.stdout
