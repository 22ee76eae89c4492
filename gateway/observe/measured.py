"""The upstream and the store, measured: the same objects with a clock around them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, contextmanager
from typing import Any

from gateway.errors import GatewayError
from gateway.observe.series import SHORT_SECONDS, Series
from gateway.pipeline.ports import Call, Clock, Upstream
from gateway.store.port import Correction, Demand, Lease, Place, Store, StoreUnavailable, Taken, Usage

_OK, _BROKEN_OFF = "ok", "broken_off"


class UpstreamMeter:
    """What is measured of upstreams, by their names in the policy."""

    def __init__(self, series: Series, clock: Clock) -> None:
        self.clock = clock
        self.seconds = series.histogram(
            "gateway_upstream_seconds",
            "Requests to an upstream, to the end of the answer; outcome: ok, broken_off or the code of the error",
            ("upstream", "outcome"),
        )
        self.first = series.histogram(
            "gateway_upstream_first_event_seconds", "From a request to the first event of its stream", ("upstream",)
        )
        self._retries = series.counter(
            "gateway_upstream_retries", "Requests sent again since a kept connection was closed", ("upstream",)
        )
        self.in_flight: dict[str, int] = {}
        self._gauge = series.gauge(
            "gateway_upstream_in_flight", "Requests that are with an upstream now", ("upstream",)
        )
        series.pourers.append(self._sample)
        self._waits = series.histogram("gateway_queue_seconds", "How long requests waited for a place; none if not")
        self._refused = series.counter(
            "gateway_queue_refusals", "Requests without a place: full, displaced or timeout", ("reason",)
        )

    def _sample(self) -> None:
        for name, count in tuple(self.in_flight.items()):
            self._gauge.labels(name).set(count)

    def retried(self, upstream: str) -> None:
        """A request was sent again."""
        self._retries.of(upstream).count += 1

    def waited(self, seconds: float) -> None:
        """For a place in the queue."""
        self._waits.of().observe(seconds)

    def refused(self, reason: str) -> None:
        """There was no place."""
        self._refused.of(reason).count += 1


class MeasuredUpstream:
    """Another upstream."""

    def __init__(self, upstream: Upstream, meter: UpstreamMeter) -> None:
        self._upstream = upstream
        self._meter = meter

    async def complete(self, call: Call) -> dict[str, Any]:
        """Raises what the upstream raises."""
        began_s, outcome = self._begin(call), _BROKEN_OFF
        try:
            answer = await self._upstream.complete(call)
            outcome = _OK
        except GatewayError as error:
            outcome = error.code
            raise
        finally:
            self._end(call, began_s, outcome)
        return answer

    async def stream(self, call: Call) -> AsyncGenerator[dict[str, Any]]:
        """Raises what the upstream raises."""
        began_s, outcome, is_first = self._begin(call), _BROKEN_OFF, True
        try:
            async with aclosing(self._upstream.stream(call)) as events:
                async for event in events:
                    if is_first:
                        is_first = False
                        self._came(call, began_s)
                    yield event
            outcome = _OK
        except GatewayError as error:
            outcome = error.code
            raise
        finally:
            self._end(call, began_s, outcome)

    def _begin(self, call: Call) -> float:
        meter, name = self._meter, call.upstream
        meter.in_flight[name] = meter.in_flight.get(name, 0) + 1
        began_s = meter.clock()
        if call.times is not None:
            call.times.name, call.times.asked_s = name, began_s
            call.times.model = str(call.body.get("model", ""))
            call.times.first_s = call.times.done_s = None
        return began_s

    def _came(self, call: Call, began_s: float) -> None:
        now_s = self._meter.clock()
        self._meter.first.of(call.upstream).observe(now_s - began_s)
        if call.times is not None:
            call.times.first_s = now_s

    def _end(self, call: Call, began_s: float, outcome: str) -> None:
        now_s = self._meter.clock()
        self._meter.in_flight[call.upstream] -= 1
        self._meter.seconds.of(call.upstream, outcome).observe(now_s - began_s)
        if call.times is not None:
            call.times.done_s = now_s


class MeasuredStore:
    """Another store: how long what requests wait for takes, and how it ends."""

    def __init__(self, store: Store, series: Series, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._seconds = series.histogram(
            "gateway_store_seconds",
            "Operations of the store; outcome: ok or what was wrong",
            ("operation", "outcome"),
            SHORT_SECONDS,
        )

    @contextmanager
    def _timed(self, operation: str) -> Iterator[None]:
        began_s, outcome = self._clock(), _BROKEN_OFF
        try:
            yield
            outcome = _OK
        except StoreUnavailable as error:
            outcome = error.trouble.value
            raise
        finally:
            self._seconds.of(operation, outcome).observe(self._clock() - began_s)

    async def open(self) -> None:
        await self._store.open()

    async def close(self) -> None:
        await self._store.close()

    async def get(self, place: Place) -> bytes | None:
        with self._timed("get"):
            return await self._store.get(place)

    async def put(self, place: Place, value: bytes, ttl_s: float) -> None:
        with self._timed("put"):
            await self._store.put(place, value, ttl_s)

    async def delete(self, place: Place) -> bool:
        with self._timed("delete"):
            return await self._store.delete(place)

    async def delete_all(self, owner: str, prefix: str = "") -> int:
        with self._timed("delete_all"):
            return await self._store.delete_all(owner, prefix)

    async def add(self, place: Place, amount: int, ttl_s: float) -> int:
        with self._timed("add"):
            return await self._store.add(place, amount, ttl_s)

    async def usage(self, owner: str | None = None) -> Usage:
        with self._timed("usage"):
            return await self._store.usage(owner)

    async def publish(self, topic: str, message: bytes) -> None:
        with self._timed("publish"):
            await self._store.publish(topic, message)

    def subscribe(self, topic: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        return self._store.subscribe(topic)

    async def take(self, owner: str, demands: Sequence[Demand]) -> Taken:
        with self._timed("take"):
            return await self._store.take(owner, demands)

    async def settle(self, owner: str, corrections: Sequence[Correction]) -> None:
        with self._timed("settle"):
            await self._store.settle(owner, corrections)

    def settle_now(self, owner: str, corrections: Sequence[Correction]) -> bool:
        return self._store.settle_now(owner, corrections)

    async def renew(self, owner: str, leases: Sequence[Lease]) -> list[bool]:
        with self._timed("renew"):
            return await self._store.renew(owner, leases)
