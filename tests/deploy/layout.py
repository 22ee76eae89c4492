"""The layout of docker-compose.yml as processes of this host: the same files, with this host's paths and ports."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import yaml

from deploy.prepare import prepare
from tests.conftest import ROOT
from tests.support.redis import _DIE_WITH_THE_TESTS, free_port

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
_START_S = 90
_REDIS_START_S = 15
TENANT = "acme"


@dataclass
class Layout:
    """What the prepare command made in `state`, and the folder for what is derived from it."""

    folder: Path
    state: Path
    token: str
    redis_port: int

    @property
    def data(self) -> Path:
        """Where Redis would write."""
        return self.folder / "data"

    @property
    def secrets(self) -> Path:
        return self.state / "secrets"

    def at_home(self, text: str, service: str) -> str:
        """Paths of a container, as docker-compose.yml mounts them there, become those of this host."""
        described = COMPOSE["services"][service]
        for secret in described.get("secrets", []):
            source, target = (secret, secret) if isinstance(secret, str) else (secret["source"], secret["target"])
            file = Path(COMPOSE["secrets"][source]["file"]).name
            text = text.replace(f"/run/secrets/{target}", str(self.secrets / file))
        for volume in described.get("volumes", []):
            source, target = volume.replace("${GATEWAY_STATE:-./deploy/state}", str(self.state)).split(":")[:2]
            if source.startswith(str(self.state)):
                text = text.replace(target, source)
        return text

    def redis_configuration(self) -> str:
        """deploy/redis/redis.conf, with this host's paths."""
        text = self.at_home((ROOT / "deploy" / "redis" / "redis.conf").read_text("utf-8"), "redis")
        self.data.mkdir(exist_ok=True)
        return text.replace("dir /data", f"dir {self.data}")

    @contextmanager
    def redis(self, maxmemory: str = "512mb") -> Iterator[None]:
        """Redis with deploy/redis/redis.conf, but for where it listens."""
        configuration, log = self.folder / "redis.conf", self.folder / "redis.log"
        text = self.redis_configuration()
        text = text.replace("tls-port 6379", f"tls-port {self.redis_port}").replace("bind * -::*", "bind 127.0.0.1")
        text = text.replace("maxmemory 512mb", f"maxmemory {maxmemory}")
        configuration.write_text(text)
        with log.open("w") as output:
            command = [*_DIE_WITH_THE_TESTS, "redis-server", str(configuration)]
            process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            until = time.monotonic() + _REDIS_START_S
            while self.cli("PING", user="health", password="any") != "PONG":
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(10)

    def cli(self, *command: str, user: str = "", password: str = "", tls: bool = True, certificate: bool = True) -> str:
        """What redis-cli says, errors and all."""
        arguments = ["redis-cli", "-h", "127.0.0.1", "-p", str(self.redis_port), "--no-auth-warning"]
        if tls:
            arguments += ["--tls", "--cacert", str(self.secrets / "ca.pem")]
        if tls and certificate:
            arguments += ["--cert", str(self.secrets / "gateway.pem"), "--key", str(self.secrets / "gateway.key")]
        if user:
            arguments += ["--user", user, "--pass", password]
        done = subprocess.run([*arguments, *command], capture_output=True, text=True, check=False, timeout=20)
        return (done.stdout + done.stderr).strip()

    def as_gateway(self, *command: str) -> str:
        return self.cli(*command, user="gateway", password=self.password)

    @property
    def password(self) -> str:
        store = yaml.safe_load((self.secrets / "gateway.yaml").read_text())["store"]
        return str(store.split("gateway:", 1)[1].split("@", 1)[0])

    def own_environment(self) -> dict[str, str]:
        """Of the gateway: deploy/gateway.env, with this host's paths."""
        lines = self.at_home((ROOT / "deploy" / "gateway.env").read_text("utf-8"), "gateway").splitlines()
        named = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        # Compiling all patterns anew takes a while; the tests share a folder. How busy this host is shall not matter.
        named |= {"XDG_CACHE_HOME": str(ROOT / ".cache"), "GATEWAY_STORE_TIMEOUT": "5"}
        return named | {"PATH": "/usr/bin:/bin", "HOME": str(self.folder)}

    def environment(self, upstream: str, **more: str) -> dict[str, str]:
        """The same for a gateway that shares this host's network with others."""
        named = {"GATEWAY_HOST": "127.0.0.1", "GATEWAY_PORT": "0", "GATEWAY_METRICS_PORT": str(free_port())}
        return self.own_environment() | named | {"GATEWAY_UPSTREAM": upstream} | more

    def settings_file(self, redis: str = "") -> Path:
        """The secret settings, with this host's paths. `redis`: where it is, by default the one of this layout."""
        text = self.at_home((self.secrets / "gateway.yaml").read_text(), "gateway")
        path = self.folder / "gateway.yaml"
        path.write_text(text.replace("@redis:6379", f"@{redis or f'127.0.0.1:{self.redis_port}'}"))
        return path

    def command(self, redis: str = "") -> list[str]:
        words = [str(word) for word in COMPOSE["services"]["gateway"]["command"]]
        assert words == ["serve", "--config", "/run/secrets/gateway.yaml"]
        return [sys.executable, "-m", "gateway", "serve", "--config", str(self.settings_file(redis))]


@contextmanager
def running(command: Sequence[str], environment: dict[str, str], log: Path, begin: Sequence[str] = ()) -> Iterator[str]:
    """A gateway that is ready: where it is. `begin`: what the command is run by."""
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*_DIE_WITH_THE_TESTS, *begin, *command],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
            cwd=ROOT,
        )
    try:
        line = _line(process)
        assert line.startswith("ready http://"), f"{line!r} {log.read_text()}"
        yield line.split()[1]
    finally:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _line(process: subprocess.Popen[str]) -> str:
    lines: Queue[str] = Queue()
    stdout = process.stdout
    assert stdout is not None
    threading.Thread(target=lambda: lines.put(stdout.readline()), daemon=True).start()
    try:
        return lines.get(timeout=_START_S)
    except Empty:
        return ""


def make(folder: Path, profile: str = "cpu") -> Layout:
    """What `python -m deploy.prepare` makes."""
    state = folder / "state"
    told = prepare(state, folder / "env", profile, TENANT)
    token = next(line.rsplit(" ", 1)[1] for line in told if "token" in line)
    return Layout(folder, state, token, free_port())
