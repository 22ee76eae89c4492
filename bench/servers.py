"""What the load goes through: nginx as the model server, nginx as a plain proxy before it, the gateway before it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.processes import BenchError, Processes, Running, free_port, wait_for_port, wait_for_url, wait_until_quiet

Server = tuple[Running, str]
"""A process and its URL."""
CONTENT = "I have written to <EMAIL_ADDRESS_1> and will call <PHONE_NUMBER_1> tomorrow morning."
POLICY = Path(__file__).with_name("policy.yaml")
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


def mint(tokens: Path) -> str:
    """A token of the gateway."""
    command = [sys.executable, "-m", "gateway", "token", "mint", "--tokens", str(tokens), "--tenant", "bench"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise BenchError(f"gateway token mint failed: {done.stderr}")
    return done.stdout.strip()


def start_gateway(processes: Processes, tokens: Path, upstream: str, *more: str, stages: bool) -> Server:
    """The gateway as operators run it, or the same without stages. Returns when all its workers wait for work."""
    module = "gateway" if stages else "bench.pass_through"
    command = [sys.executable, "-m", module, "serve", "--host", "127.0.0.1", "--port", "0", "--policy", str(POLICY)]
    command += ["--upstream", upstream, "--tokens", str(tokens), "--workers", str(GATEWAY_WORKERS), *more]
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


def start_stream_server(processes: Processes, pace_ms: float) -> str:
    """The model server that streams at a fixed pace. Returns its URL."""
    running = processes.start("streams", [sys.executable, "-m", "bench.stream_server", str(pace_ms)])
    return wait_for_url(running)
