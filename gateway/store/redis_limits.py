"""Limits in Redis: which script is run for what, and many of them in one go."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from gateway.store.port import Correction, Demand, Lease, StoreUnavailable, Taken, check_demands
from gateway.store.redis_scripts import RENEW, SETTLE, TAKE, Command, call, taken

_MOST = 64
"""How many scripts go together: they take some 20 µs each, in which Redis does nothing else."""

Send = Callable[[Sequence[Command]], Awaitable[list[Any]]]
"""Runs scripts; gives for each its answer, or the StoreUnavailable that became of it."""


class RedisLimits:
    """See the LimitStore protocol.

    What is asked while something is under way waits for that, and then goes together in one write: most of what a
    script costs is sending it. So they are also run in the order in which they were asked for.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._busy = False
        self._waiting: list[tuple[Command, asyncio.Future[Any]]] = []
        self._sender: asyncio.Task[None] | None = None

    async def take(self, owner: str, demands: Sequence[Demand]) -> Taken:
        check_demands(owner, demands)
        return taken(await self._in_turn(call(TAKE, owner, demands)))

    async def settle(self, owner: str, corrections: Sequence[Correction]) -> None:
        await self._in_turn(call(SETTLE, owner, corrections))

    def settle_now(self, owner: str, corrections: Sequence[Correction]) -> bool:
        return False

    async def renew(self, owner: str, leases: Sequence[Lease]) -> list[bool]:
        return [answer == 1 for answer in await self._in_turn(call(RENEW, owner, leases))]

    async def _in_turn(self, command: Command) -> Any:
        if self._busy:
            future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            self._waiting.append((command, future))
            return await future
        self._busy = True
        try:
            answer = (await self._send([command]))[0]
        finally:
            self._busy = False
            if self._waiting:
                self._busy = True
                self._sender = asyncio.create_task(self._send_waiting())
        if isinstance(answer, StoreUnavailable):
            raise answer
        return answer

    async def _send_waiting(self) -> None:
        """Until nothing waits. What nobody waits for any more is not sent."""
        try:
            while self._waiting:
                calls, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                if wanted := [waiting for waiting in calls if not waiting[1].done()]:
                    await self._send_all(wanted)
        finally:
            self._busy = False

    async def _send_all(self, calls: Sequence[tuple[Command, asyncio.Future[Any]]]) -> None:
        try:
            answers = await self._send([command for command, _ in calls])
        except StoreUnavailable as error:
            answers = [error] * len(calls)
        for (_, future), answer in zip(calls, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, StoreUnavailable):
                future.set_exception(StoreUnavailable(answer.trouble))
            else:
                future.set_result(answer)
