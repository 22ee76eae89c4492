"""A command of ours that stays, warm, for the next question about what a stranger sent, and answers each in a line.

It takes seconds to start, and somebody who types asks again and again. What bounds a question is the command's own
doing: it answers each in a process that nobody else has seen. Here it is ended when it takes too long.
"""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Sequence
from contextlib import suppress

from gateway.edge.child import ChildFailed, kept

_FAILED = b"null\n"
"""What a trial says that came to no answer."""


class Standby:
    """`idle_s`: it ends when nobody has asked for so long. It ends with the gateway too, which closes what it reads
    from. A question and an answer have at most `most_bytes`."""

    def __init__(self, command: Sequence[str], *, idle_s: float, most_bytes: int) -> None:
        self._command = command
        self._idle_s = idle_s
        self._most_bytes = most_bytes
        self._process: Process | None = None
        self._starting = asyncio.Lock()
        self._end: asyncio.TimerHandle | None = None

    async def prepare(self) -> None:
        """Somebody will ask soon: start it if it does not run."""
        await self._running()

    async def ask(self, line: str, limit_s: float) -> str:
        """One at a time. It is ended, with all that it has begun, when who waits for it goes. Raises ChildFailed."""
        process = await self._running()
        answer = b""
        try:
            async with asyncio.timeout(limit_s):
                answer = await _answer(process, line)
        except (TimeoutError, OSError, ValueError):
            raise ChildFailed from None
        finally:
            # Also when one has failed: then nobody knows whether it has said something before.
            if answer == _FAILED or not answer.endswith(b"\n"):
                self._kill(process)
                await process.wait()
        if answer == _FAILED or not answer.endswith(b"\n"):
            raise ChildFailed
        return answer.decode("utf-8", "replace")

    async def _running(self) -> Process:
        async with self._starting:
            process = self._process
            if process is None or process.returncode is not None:
                process = self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL,
                    env=kept(os.environ),
                    limit=self._most_bytes,
                    start_new_session=True,
                )
        if self._end is not None:
            self._end.cancel()
        self._end = asyncio.get_running_loop().call_later(self._idle_s, self._kill, process)
        return process

    def _kill(self, process: Process) -> None:
        # The number of one that has ended may be another's by now.
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        if self._process is process:
            self._process = None


async def _answer(process: Process, line: str) -> bytes:
    if process.stdin is None or process.stdout is None:
        return b""
    process.stdin.write(line.encode() + b"\n")
    await process.stdin.drain()
    return await process.stdout.readline()
