"""What the load goes through: nginx as the model server, nginx as a plain proxy before it, the gateway before it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.processes import BenchError, Processes, Running, free_port, wait_for_port, wait_for_url, wait_until_quiet
from bench.regurgitation import Author

Server = tuple[Running, str]
"""A process and its URL."""
CONTENT = "I have written to <EMAIL_ADDRESS_1> and will call <PHONE_NUMBER_1> tomorrow morning."
POLICY = Path(__file__).with_name("policy.yaml")
STREAMS_POLICY = Path(__file__).with_name("streams.yaml")
GATEWAY_WORKERS = 2
_COMPLETION = {
    "id": "chatcmpl-bench",
    "object": "chat.completion",
    "created": 1750000000,
    "model": "bench-model",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": CONTENT}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 190, "completion_tokens": 24, "total_tokens": 214},
}
_MODELS = {"object": "list", "data": [{"id": "bench-model", "object": "model", "created": 0, "owned_by": "bench"}]}
_NGINX = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
{content}
}}
"""
_MODEL_SERVER = """
  server {{
    listen 127.0.0.1:{port};
    default_type application/json;
    location = /v1/chat/completions {{ return 200 '{completion}'; }}
    location = /v1/models {{ return 200 '{models}'; }}
  }}
"""
_PROXY = """
  upstream model {{
    server {target};
    keepalive 64;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://model;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}
"""


def missing_tools() -> list[str]:
    """The names of the programs that are not installed."""
    return [name for name in ("nginx", "wrk", "timeout") if _tool(name) is None]


def _tool(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def tool(name: str) -> str:
    """Where a program is."""
    found = _tool(name)
    if found is None:
        raise BenchError(f"{name} is not installed")
    return found


def start_model_server(processes: Processes, directory: Path) -> Server:
    """nginx that answers each chat with the same completion."""
    port = free_port()
    content = _MODEL_SERVER.format(port=port, completion=json.dumps(_COMPLETION), models=json.dumps(_MODELS))
    return _start_nginx(processes, directory / "model", port, content)


def start_proxy(processes: Processes, directory: Path, target: str) -> Server:
    """nginx that passes everything to another server on kept connections."""
    port = free_port()
    address = target.removeprefix("http://")
    return _start_nginx(processes, directory / "proxy", port, _PROXY.format(port=port, target=address))


def _start_nginx(processes: Processes, directory: Path, port: int, content: str) -> Server:
    directory.mkdir()
    configuration = directory / "nginx.conf"
    configuration.write_text(_NGINX.format(directory=directory, content=content), "utf-8")
    command = [tool("nginx"), "-e", str(directory / "error.log"), "-p", str(directory), "-c", str(configuration)]
    running = processes.start(f"nginx-{directory.name}", command)
    wait_for_port(running, port)
    return running, f"http://127.0.0.1:{port}"


@dataclass(frozen=True, slots=True)
class Setup:
    """What a gateway is started with, as operators run it: a policy and its files, a keyset, tokens, an audit log."""

    directory: Path

    @classmethod
    def make(cls, directory: Path) -> Setup:
        """Raises BenchError if a command fails."""
        setup = cls(directory)
        for policy in (POLICY, STREAMS_POLICY):
            shutil.copy(policy, directory)
        corpus = directory / "corpus.txt"
        corpus.write_text("\n".join(Author(1).text(2_000, seed) for seed in range(50)), "utf-8")
        _cli("key", "init", setup.keyset)
        _cli("canary", "make", "--canaries", str(directory / "canaries.yaml"), "--keyset", setup.keyset)
        _cli("index", "build", str(corpus), "-o", str(directory / "corpus.gri"), "--keyset", setup.keyset)
        return setup

    @property
    def keyset(self) -> str:
        return str(self.directory / "keys.json")

    @property
    def tokens(self) -> str:
        return str(self.directory / "tokens.yaml")

    def mint(self) -> str:
        """A token of the gateway."""
        return _cli("token", "mint", "--tokens", self.tokens, "--tenant", "bench").strip()


def _cli(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        raise BenchError(f"gateway {' '.join(arguments[:2])} failed: {done.stderr}")
    return done.stdout


def start_gateway(
    processes: Processes,
    setup: Setup,
    upstream: str,
    *more: str,
    stages: bool = True,
    policy: Path = POLICY,
    workers: int = GATEWAY_WORKERS,
) -> Server:
    """The gateway as operators run it, or the same without stages. Returns when all its workers wait for work."""
    module = "gateway" if stages else "bench.pass_through"
    command = [sys.executable, "-m", module, "serve", "--host", "127.0.0.1", "--port", "0", "--workers", str(workers)]
    command += ["--policy", str(setup.directory / policy.name), "--upstream", upstream, "--tokens", setup.tokens]
    command += ["--keyset", setup.keyset, "--audit", str(setup.directory / "audit.jsonl"), *more]
    running = processes.start("gateway", command)
    url = wait_for_url(running)
    wait_until_quiet(running)
    return running, url


def start_redis(processes: Processes, directory: Path) -> str:
    """Redis that keeps everything in memory. Returns its URL."""
    port = free_port()
    command = [tool("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
    running = processes.start("redis", command)
    wait_for_port(running, port)
    return f"redis://127.0.0.1:{port}/0"


def start_stream_server(processes: Processes, pace_ms: float, chunks: int) -> Server:
    """The model server that streams so many chunks at a fixed pace."""
    running = processes.start("streams", [sys.executable, "-m", "bench.stream_server", str(pace_ms), str(chunks)])
    return running, wait_for_url(running)
