"""What a stranger sent is read in a process that cannot hurt."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from gateway.edge.child import ChildFailed, run

PYTHON = (sys.executable, "-c")


async def test_it_reads_and_writes() -> None:
    code = "import sys; print(sys.stdin.read()[::-1], end='')"
    assert await run((*PYTHON, code), "añb", limit_s=30, most_bytes=100) == "bña"


async def test_it_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "GATEWAY_MASTER_KEY", "secret")
    written = await run((*PYTHON, "import os; print(dict(os.environ))"), "", limit_s=30, most_bytes=10_000)
    assert "secret" not in written


@pytest.mark.parametrize(
    ("code", "limit_s"),
    [
        ("import time; time.sleep(60)", 0.5),
        ("print('x' * 101)", 30),
        ("1 / 0", 30),
        ("import os; os.abort()", 30),
    ],
)
async def test_what_it_may_not_is_its_end(code: str, limit_s: float) -> None:
    with pytest.raises(ChildFailed):
        await run((*PYTHON, code), "", limit_s=limit_s, most_bytes=100)


async def test_it_ends_with_who_waits_for_it(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    task = asyncio.create_task(run((*PYTHON, code), "", limit_s=60, most_bytes=100))
    while not (pid.exists() and pid.read_text()):
        await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
