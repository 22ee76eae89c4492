"""`make demo`: starts a model and the gateway, sends one chat, and shows it from all sides.

Environment: MODEL (a Hugging Face id or a directory), UPSTREAM_URL (a running vLLM, ending in /v1),
ONESHOT=1 (end after the example; exit code 0 only if nothing private reached the model and the client got its own).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from demo import vllm
from demo.recorder import Recorder

WORK = vllm.ROOT / ".demo"
POLICY = vllm.ROOT / "policies" / "default.yaml"
VALUES = ("jane.doe@example.org", "+1 212 555 0187", "DE89 3704 0044 0532 0130 00")
QUESTION = (
    f"Please write a letter. My e-mail address is {VALUES[0]}, my phone number is {VALUES[1]}, "
    f"and the refund goes to the account {VALUES[2]}."
)
_READY_TIMEOUT_S = 1800
_GATEWAY_PORT = 8080
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Gateway:
    """The gateway's process, from its command to its `ready` line."""

    def __init__(self, upstream: str, model_id: str) -> None:
        policy = WORK / "policy.yaml"
        text = POLICY.read_text("utf-8").replace("id: tiny-llama", f"id: {json.dumps(model_id)}")
        policy.write_text(text.replace("$schema=policy.schema.json", f"$schema={POLICY.parent}/policy.schema.json"))
        self.tokens = WORK / "tokens.yaml"
        self.log = WORK / "gateway.log"
        self.token = self._command("token", "mint", "--tokens", str(self.tokens), "--tenant", "demo", "--expires", "1d")
        port = _GATEWAY_PORT if _is_free(_GATEWAY_PORT) else vllm.free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "gateway", "serve", "--port", str(port), "--policy", str(policy)]
        command += ["--upstream", upstream, "--tokens", str(self.tokens), "--store", "memory://"]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    @staticmethod
    def _command(*arguments: str) -> str:
        command = [sys.executable, "-m", "gateway", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def is_ready(self) -> bool:
        if self._process.poll() is not None:
            raise vllm.VllmError(f"the gateway ended before it was ready; its log is {self.log}")
        return vllm.answers(f"{self.url}/health/live")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)

    def chat(self, question: str) -> str:
        body = {"model": "llama", "messages": [{"role": "user", "content": question}], "temperature": 0}
        request = urllib.request.Request(
            f"{self.url}/v1/chat/completions",
            json.dumps({**body, "max_tokens": 120}).encode(),
            {"authorization": f"Bearer {self.token}", "content-type": "application/json"},
        )
        try:
            with _DIRECT.open(request, timeout=300) as response:
                return str(json.load(response)["choices"][0]["message"]["content"])
        except urllib.error.HTTPError as error:
            raise vllm.VllmError(f"the gateway answered {error.code}: {error.read().decode()}") from None


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _upstream_model(url: str) -> str:
    """The first model that a running vLLM lists."""
    with _DIRECT.open(f"{url.rstrip('/')}/models", timeout=10) as response:
        return str(json.load(response)["data"][0]["id"])


def _wait(console: Console, waits: dict[str, Callable[[], bool]]) -> None:
    """Show what is being waited for, with the time it has taken."""
    columns = (SpinnerColumn(finished_text="[green]✓"), TextColumn("{task.description}"), TimeElapsedColumn())
    until = time.monotonic() + _READY_TIMEOUT_S
    with Progress(*columns, console=console) as progress:
        tasks = {name: progress.add_task(name, total=1) for name in waits}
        while tasks:
            for name in list(tasks):
                if waits[name]():
                    progress.update(tasks.pop(name), completed=1)
            if time.monotonic() > until:
                raise vllm.VllmError(f"not ready within {_READY_TIMEOUT_S} s: {', '.join(tasks)}")
            time.sleep(0.2)


def _message(document: bytes) -> str:
    return str(json.loads(document)["messages"][-1]["content"])


def _answer(document: bytes) -> str:
    return str(json.loads(document)["choices"][0]["message"]["content"])


def _show(console: Console, sides: dict[str, str]) -> None:
    width = max(36, console.width // 2 - 2)
    panels = [Panel(Text(text), title=title, width=width) for title, text in sides.items()]
    console.print(Columns(panels))


def _verdict(console: Console, saw: str, said: str, got: str) -> bool:
    hidden = [value for value in VALUES if value not in saw]
    returned = [value for value in VALUES if value in got]
    console.print(f"values hidden from the model: {len(hidden)} of {len(VALUES)}; given back: {len(returned)}")
    return len(hidden) == len(VALUES) and len(returned) == len(VALUES) and not any(value in said for value in VALUES)


def _paste(console: Console, gateway: Gateway) -> None:
    body = '{"model": "llama", "messages": [{"role": "user", "content": "Write to jane.doe@example.org"}]}'
    console.print("\nThe gateway stays up. Try it:\n", style="bold")
    console.out(
        f"curl {gateway.url}/v1/chat/completions \\\n  -H 'Authorization: Bearer {gateway.token}' \\\n"
        f"  -H 'Content-Type: application/json' \\\n  -d '{body}'\n"
    )
    console.out(
        "from openai import OpenAI\n"
        f'client = OpenAI(base_url="{gateway.url}/v1", api_key="{gateway.token}")\n'
        'print(client.chat.completions.create(model="llama", messages=[\n'
        '    {"role": "user", "content": "Write to jane.doe@example.org"}]).choices[0].message.content)\n'
    )
    console.print("Ctrl-C stops the gateway and the model.")


def _stop_on_signals() -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def main() -> int:
    console = Console()
    oneshot = os.environ.get("ONESHOT", "") not in ("", "0")
    running = os.environ.get("UPSTREAM_URL", "")
    model = os.environ.get("MODEL", "") or str(vllm.TINY_LLAMA)
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(mode=0o700)
    _stop_on_signals()
    stops: list[Callable[[], None]] = []
    try:
        if not running:
            console.print("installing vLLM (once)…" if not vllm.ENVIRONMENT.exists() else "starting…")
            vllm.install()
            served = vllm.start(model, WORK / "vllm.log")
            stops.append(served.stop)
        recorder = Recorder(running or served.url)
        recorder.start()
        stops.append(recorder.stop)
        gateway = Gateway(recorder.url, _upstream_model(running) if running else vllm.SERVED_NAME)
        stops.append(gateway.stop)
        waits = {"gateway": gateway.is_ready}
        if not running:
            waits[f"vLLM with {Path(model).name} (imports, engine start, model)"] = served.is_ready
        _wait(console, waits)
        got = gateway.chat(QUESTION)
        seen = next(s for s in reversed(recorder.seen) if s.path.endswith("/chat/completions"))
        saw, said = _message(seen.request), _answer(bytes(seen.answer))
        sides = {"what the client sent": QUESTION, "what the model saw": saw}
        _show(console, {**sides, "what the client got": got, "what the model said": said})
        good = _verdict(console, saw, said, got)
        if oneshot:
            return 0 if good else 1
        _paste(console, gateway)
        signal.pause()
    except vllm.VllmError as error:
        console.print(str(error), style="red", markup=False)
        return 2
    except KeyboardInterrupt:
        console.print("\nstopping…")
    finally:
        for stop in reversed(stops):
            stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
