"""One request to the model for all who ask the same at the same time.

A flight belongs to nobody: who started it may go, and those who stay see its events as they come. When the last one
goes before the end, the request to the model is broken off.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, Generic, TypeVar

_MAX_LEAD = 256
"""So many events a model may be ahead of the fastest reader."""

Event = dict[str, Any]
Origin = TypeVar("Origin")
Produce = Callable[["Flight[Origin]"], AsyncGenerator[Event]]


class Flight(Generic[Origin]):
    """Events that one task fetches and any number of passengers read, each from the beginning."""

    def __init__(self, produce: Produce[Origin]) -> None:
        self.events: list[Event] = []
        self.origin: Origin | None = None
        """What the producer says about its events before the first of them."""
        self.passengers = 0
        self.closed = False
        """Whether nobody may board any more: it failed, or its answer turned out to be one that is not given."""
        self._error: BaseException | None = None
        self.ended = False
        self._furthest = 0
        self._changed = asyncio.Event()
        self._read_on = asyncio.Event()
        self._task = asyncio.create_task(self._fly(produce))

    async def _fly(self, produce: Produce[Origin]) -> None:
        try:
            async with aclosing(produce(self)) as events:
                async for event in events:
                    self.events.append(event)
                    self._wake()
                    while len(self.events) - self._furthest > _MAX_LEAD:
                        self._read_on.clear()
                        await self._read_on.wait()
        except BaseException as error:  # kept for the passengers, all of whom raise it
            self._error, self.closed = error if self.passengers else None, True
            if isinstance(error, asyncio.CancelledError):
                raise
        finally:
            self.ended = True
            self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def at(self, position: int) -> Event | None:
        """The event of that number as soon as it is there, None after the last. Raises what the producer raised."""
        while position == len(self.events) and not self.ended:
            await self._changed.wait()
        if position < len(self.events):
            if position >= self._furthest:
                self._furthest = position + 1
                self._read_on.set()
            return self.events[position]
        if self._error is not None:
            raise _again(self._error)
        return None

    def abandon(self) -> None:
        """Nobody reads any more."""
        self._task.cancel()
        # Its traceback leads back here: without this both would stay until somebody collects them.
        self._error = None


def _again(error: BaseException) -> BaseException:
    """The same error for one more passenger. The one that is raised gets the frames of who raises it, with all that a
    request knows: they must not outlive it with the flight."""
    again = type(error).__new__(type(error), *error.args)
    again.__dict__.update(error.__dict__)
    return again.with_traceback(error.__traceback__)


class Flights(Generic[Origin]):
    """The flights that are under way, by what they fetch. `is_over`: whether a flight is of no use to who comes now."""

    def __init__(self, is_over: Callable[[Flight[Origin]], bool] = lambda _: False) -> None:
        self._is_over = is_over
        self._flights: dict[object, Flight[Origin]] = {}

    @asynccontextmanager
    async def board(self, what: object, produce: Produce[Origin]) -> AsyncIterator[tuple[Flight[Origin], bool]]:
        """The flight that fetches `what`, and whether it has just been started. It lasts until its last passenger
        leaves, so that what it fetched has been kept before somebody asks for it again."""
        flight = self._flights.get(what)
        started = False
        if flight is None or flight.closed or self._is_over(flight):
            flight, started = Flight(produce), True
            self._flights[what] = flight
        flight.passengers += 1
        try:
            yield flight, started
        finally:
            flight.passengers -= 1
            if flight.passengers == 0:
                if self._flights.get(what) is flight:
                    del self._flights[what]
                flight.abandon()
