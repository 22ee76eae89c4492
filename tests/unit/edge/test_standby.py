"""A command that stays for the next question, and is ended when one takes too long."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.edge.child import ChildFailed
from gateway.edge.standby import Standby

PYTHON = (sys.executable, "-c")
ECHO = "import os, sys\nfor line in sys.stdin:\n    print(os.getpid(), line.strip()[::-1], flush=True)"


Make = Callable[..., Standby]


@pytest.fixture
async def standby() -> AsyncIterator[Make]:
    """Makes them of Python code, and ends them."""
    made: list[Standby] = []

    def make(*code: str, idle_s: float = 60, most_bytes: int = 1000) -> Standby:
        command = ("-c", *code) if len(code) == 1 else code
        made.append(Standby((sys.executable, *command), idle_s=idle_s, most_bytes=most_bytes))
        return made[-1]

    yield make
    for one in made:
        if (process := one._process) is not None:
            one._kill(process)
            await process.wait()


async def test_one_process_answers_one_question_after_the_other(standby: Make) -> None:
    command = standby(ECHO)
    first, second = await command.ask("abc", 30), await command.ask("xyz", 30)
    assert (first.split()[1], second.split()[1]) == ("cba", "zyx")
    assert first.split()[0] == second.split()[0]


async def test_it_knows_no_secrets(monkeypatch: pytest.MonkeyPatch, standby: Make) -> None:
    monkeypatch.setitem(os.environ, "GATEWAY_MASTER_KEY", "secret")
    answer = await standby("import os; print(input(), dict(os.environ))", most_bytes=100_000).ask("x", 30)
    assert "secret" not in answer


@pytest.mark.parametrize(
    ("code", "limit_s"),
    [
        ("import time; time.sleep(60)", 0.5),
        ("print('x' * 3000)", 30),
        ("print('null')", 30),
        ("print('half', end='')", 30),
        ("1 / 0", 30),
    ],
)
async def test_whatever_is_no_answer_in_time_is_none(code: str, limit_s: float, standby: Make) -> None:
    with pytest.raises(ChildFailed):
        await standby(code).ask("x", limit_s)


async def test_after_a_failure_another_one_answers(standby: Make) -> None:
    code = "import os, sys\nfor line in sys.stdin:\n    print(os.getpid(), flush=True) if 'a' in line else os.abort()"
    command = standby(code)
    before = await command.ask("a", 30)
    with pytest.raises(ChildFailed):
        await command.ask("b", 30)
    assert await command.ask("a", 30) != before


async def test_it_ends_with_all_that_it_has_begun_when_nobody_waits(standby: Make) -> None:
    code = (
        "import os, sys, time\nfor line in sys.stdin:\n    child = os.fork()\n"
        "    if child == 0: time.sleep(60)\n    print(child, flush=True)\n    os.waitpid(child, 0)"
    )
    command = standby(code)
    child = int(await command.ask("x", 30))
    task = asyncio.create_task(command.ask("y", 60))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _ended(child)


async def test_it_ends_when_nobody_has_asked_for_long(standby: Make) -> None:
    command = standby(ECHO, idle_s=0.3)
    await _ended(int((await command.ask("x", 30)).split()[0]))
    assert await command.ask("x", 30)


async def test_it_ends_with_whoever_started_it() -> None:
    code = (
        "import asyncio, sys\nfrom gateway.edge.standby import Standby\n"
        f"async def main():\n    standby = Standby((sys.executable, '-c', {ECHO!r}), idle_s=60, most_bytes=1000)\n"
        "    print(await standby.ask('x', 30), end='', flush=True)\n    await asyncio.sleep(60)\nasyncio.run(main())"
    )
    process = await asyncio.create_subprocess_exec(*PYTHON, code, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    pid = int((await process.stdout.readline()).split()[0])
    process.kill()
    await process.wait()
    await _ended(pid)


async def _ended(pid: int) -> None:
    async with asyncio.timeout(30):
        while (stat := Path(f"/proc/{pid}/stat")).exists() and stat.read_text().split()[2] != "Z":
            await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_the_trial_of_a_policy_answers_line_by_line(standby: Make) -> None:
    command = standby("-m", "gateway.trial", most_bytes=1 << 20)
    policy = "version: 1\nname: x\nmodels: {a: {id: b}}\nredact: {nlp: {engine: patterns}}\n"
    asked = json.dumps({"policy": policy, "text": "Write to jané@example.org\u2028now"})
    for _ in range(2):
        told = json.loads(await command.ask(asked, 60))
        assert told["problems"] == []
        assert told["inspection"]["pieces"][1]["becomes"] == "<EMAIL_ADDRESS_1>"
    # What breaks one answer is not the end of the next.
    with pytest.raises(ChildFailed):
        await command.ask("{}", 60)
    assert json.loads(await command.ask(asked, 60))["inspection"]["blocked"] == ""
    wrong = json.loads(await command.ask(json.dumps({"policy": policy + "x: 1", "text": ""}), 60))
    assert wrong["problems"][0].startswith("policy.yaml:5:1: unknown key x")


async def test_what_a_failed_one_says_late_is_no_answer_to_the_next(standby: Make) -> None:
    command = standby("for line in iter(input, None): print('null' if line == 'bad' else line, flush=True)")
    with pytest.raises(ChildFailed):
        await command.ask("bad", 30)
    assert await command.ask("good", 30) == "good\n"
    late = standby("input(); print('null\\nlate', flush=True); print(input(), flush=True)")
    with pytest.raises(ChildFailed):
        await late.ask("bad", 30)
    with pytest.raises(ChildFailed):
        await late.ask("null", 30)
