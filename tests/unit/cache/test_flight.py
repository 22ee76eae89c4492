"""One request for all who ask the same at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from gateway.cache.flight import Event, Flight, Flights


class Source:
    """A producer that counts, and can be held and made to fail."""

    def __init__(self, events: int = 3, *, fails: bool = False, held: bool = False) -> None:
        self.events, self.fails = events, fails
        self.started = self.closed = self.given = 0
        self.gate = asyncio.Event()
        if not held:
            self.gate.set()

    async def produce(self, flight: Flight[str]) -> AsyncGenerator[Event]:
        self.started += 1
        flight.origin = "model"
        try:
            for number in range(self.events):
                await self.gate.wait()
                self.given += 1
                yield {"n": number}
            if self.fails:
                raise RuntimeError("no")
        finally:
            self.closed += 1


async def _read(flight: Flight[str]) -> list[int]:
    read: list[int] = []
    while (event := await flight.at(len(read))) is not None:
        read.append(event["n"])
    return read


async def _fly(flights: Flights[str], source: Source, what: str = "x") -> list[int]:
    async with flights.board(what, source.produce) as (flight, _):
        return await _read(flight)


async def test_a_hundred_make_one_request_and_all_read_all() -> None:
    flights, source = Flights[str](), Source(5, held=True)
    tasks = [asyncio.create_task(_fly(flights, source)) for _ in range(100)]
    await asyncio.sleep(0.01)
    source.gate.set()
    assert await asyncio.gather(*tasks) == [[0, 1, 2, 3, 4]] * 100
    assert source.started == source.closed == 1


async def test_what_is_asked_later_or_is_something_else_is_another_flight() -> None:
    flights, source = Flights[str](), Source()
    await _fly(flights, source)
    await asyncio.gather(_fly(flights, source), _fly(flights, source, "y"))
    assert source.started == 3


async def test_who_started_it_may_go() -> None:
    flights, source = Flights[str](), Source(3, held=True)
    first = asyncio.create_task(_fly(flights, source))
    second = asyncio.create_task(_fly(flights, source))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0.01)
    source.gate.set()
    assert await second == [0, 1, 2]
    assert first.cancelled()
    assert source.started == 1


async def test_when_the_last_one_goes_the_request_is_broken_off() -> None:
    flights, source = Flights[str](), Source(3, held=True)
    tasks = [asyncio.create_task(_fly(flights, source)) for _ in range(3)]
    await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0.01)
    assert source.started == source.closed == 1
    source.gate.set()
    assert await _fly(flights, source) == [0, 1, 2]


async def test_a_failure_reaches_all_and_nobody_after_them() -> None:
    flights, source = Flights[str](), Source(2, fails=True, held=True)
    tasks = [asyncio.create_task(_fly(flights, source)) for _ in range(3)]
    await asyncio.sleep(0.01)
    source.gate.set()
    assert [type(e) for e in await asyncio.gather(*tasks, return_exceptions=True)] == [RuntimeError] * 3
    async with flights.board("x", Source(2, fails=True).produce) as (failed, _):
        with pytest.raises(RuntimeError):
            await _read(failed)
        assert await _fly(flights, Source(1)) == [0]


async def test_who_comes_late_reads_from_the_beginning() -> None:
    flights, source = Flights[str](), Source(3)
    async with flights.board("x", source.produce) as (flight, first):
        assert first
        assert await _read(flight) == [0, 1, 2]
        async with flights.board("x", source.produce) as (same, started):
            assert not started
            assert same is flight
            assert await _read(same) == [0, 1, 2]


async def test_the_model_is_not_far_ahead_of_who_reads_first() -> None:
    flights, source = Flights[str](), Source(2000)
    async with flights.board("x", source.produce) as (flight, _):
        await flight.at(0)
        await asyncio.sleep(0.05)
        assert source.given < 400
        assert len(await _read(flight)) == 2000
