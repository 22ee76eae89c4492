"""What is asked of limits in Redis while something is under way goes together, in its order, and each gets its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.store.port import Correction, Lease, Rate, StoreUnavailable, Trouble
from gateway.store.redis_limits import RedisLimits
from gateway.store.redis_scripts import RENEW, SETTLE, TAKE, Command


class Wire:
    """Answers what TAKE does, with the first word of what it was sent as the time; slowly."""

    def __init__(self) -> None:
        self.sent: list[list[Command]] = []
        self.go_on = asyncio.Event()
        self.fails: dict[int, StoreUnavailable] = {}

    async def __call__(self, commands: Sequence[Command]) -> list[Any]:
        self.sent.append(list(commands))
        await self.go_on.wait()
        if error := self.fails.get(len(self.sent)):
            raise error
        return [self.answer(command) for command in commands]

    def answer(self, command: Command) -> Any:
        if command[1] == SETTLE.digest:
            return 0
        if command[1] == RENEW.digest:
            return [1]
        amount = int(str(command[-1]).split()[1])
        return StoreUnavailable(Trouble.FULL) if amount == 13 else [amount, 0, 0, 0, 0]


def take(limits: RedisLimits, amount: int) -> asyncio.Task[int]:
    async def taken() -> int:
        return (await limits.take("o", [Rate("r", amount, 1000, 1000)])).now_ms

    return asyncio.create_task(taken())


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_waits_goes_together_in_its_order() -> None:
    wire = Wire()
    limits = RedisLimits(wire)
    first = take(limits, 1)
    await turns()
    rest = [take(limits, amount) for amount in range(2, 100)]
    lease = Lease("l", "a", 1, 1)
    settled = asyncio.create_task(limits.settle("o", [Correction(lease)]))
    renewed = asyncio.create_task(limits.renew("o", [lease]))
    await turns()
    assert len(wire.sent) == 1
    wire.go_on.set()
    answers = await asyncio.gather(first, *rest[:11], *rest[12:])
    assert answers == [amount for amount in range(1, 100) if amount != 13]
    await settled
    assert await renewed == [True]
    with pytest.raises(StoreUnavailable) as caught:
        await rest[11]
    assert caught.value.trouble is Trouble.FULL
    assert [len(commands) for commands in wire.sent] == [1, 64, 36]
    digests = [command[1] for commands in wire.sent for command in commands]
    assert digests == [TAKE.digest] * 99 + [SETTLE.digest, RENEW.digest]
    # And then one by one again.
    assert await take(limits, 5) == 5


async def test_a_connection_that_breaks_is_told_to_all_who_were_on_it() -> None:
    wire = Wire()
    limits = RedisLimits(wire)
    wire.fails = {1: StoreUnavailable(Trouble.TIMEOUT), 2: StoreUnavailable(Trouble.UNREACHABLE)}
    first = take(limits, 1)
    await turns()
    second = [take(limits, amount) for amount in range(3)]
    await turns()
    wire.go_on.set()
    told = await asyncio.gather(first, *second, return_exceptions=True)
    troubles = [error.trouble for error in told if isinstance(error, StoreUnavailable)]
    assert troubles == [Trouble.TIMEOUT] + [Trouble.UNREACHABLE] * 3
    assert await take(limits, 7) == 7


async def test_what_nobody_waits_for_is_not_sent_and_stops_nobody() -> None:
    wire = Wire()
    limits = RedisLimits(wire)
    first = take(limits, 1)
    await turns()
    second = [take(limits, amount) for amount in range(2, 6)]
    await turns()
    for task in (first, second[0], second[2]):
        task.cancel()
    await turns()
    third = take(limits, 9)
    second[1].cancel()  # under way by now
    await turns()
    wire.go_on.set()
    assert [await second[3], await third] == [5, 9]
    assert [[str(command[-1]).split()[1] for command in commands] for commands in wire.sent] == [
        ["1"],
        ["3", "5"],
        ["9"],
    ]
    assert all(task.cancelled() for task in (first, *second[:3]))
