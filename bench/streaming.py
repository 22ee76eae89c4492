"""How much later a streamed answer comes through the gateway than straight from the model server."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle

import aiohttp
import orjson
import uvloop

from bench.load import PATH
from bench.processes import BenchError
from bench.prompts import PromptCase
from bench.stream_server import timed_chunks

_TIME = re.compile(rb"at (\d+) ")
_TIMEOUT_S = 60
_WARM_UP_S = 1.0
_TURNS = 2
_STAGGER_S = 0.2


@dataclass(frozen=True, slots=True)
class Pace:
    """So many streams at once, each of so many chunks, one every `pace_ms` milliseconds."""

    streams: int
    chunks: int
    pace_ms: float


PACES = (Pace(1, 100, 2.0), Pace(16, 100, 5.0), Pace(64, 500, 20.0))
"""One stream as fast as it goes, and what a model server gives to many at once: 3,200 chunks a second."""


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds from the request to the first text, and of each chunk from its sender to its receiver."""

    first_p50_ms: float
    first_p99_ms: float
    chunk_p50_ms: float
    chunk_p99_ms: float
    chunk_most_ms: float
    chunks: int


@dataclass(frozen=True, slots=True)
class Streaming:
    """Streams at a pace, straight and through the gateway."""

    pace: Pace
    direct: Times
    gateway: Times

    def added(self, name: str) -> float:
        """The difference in one of the figures, in milliseconds."""
        return float(getattr(self.gateway, name)) - float(getattr(self.direct, name))


@dataclass(slots=True)
class _Samples:
    first_ns: list[int] = field(default_factory=list)
    chunk_ns: list[int] = field(default_factory=list)

    def times(self) -> Times:
        return Times(
            first_p50_ms=percentile_ms(self.first_ns, 50),
            first_p99_ms=percentile_ms(self.first_ns, 99),
            chunk_p50_ms=percentile_ms(self.chunk_ns, 50),
            chunk_p99_ms=percentile_ms(self.chunk_ns, 99),
            chunk_most_ms=percentile_ms(self.chunk_ns, 100),
            chunks=len(self.chunk_ns),
        )


def percentile_ms(values_ns: Sequence[int], percent: int) -> float:
    """The value that so many percent do not exceed (nearest rank)."""
    ordered = sorted(values_ns)
    return round(ordered[max(0, -(-len(ordered) * percent // 100) - 1)] / 1e6, 3)


def check_stream(url: str, token: str, case: PromptCase) -> None:
    """Raises BenchError unless the values of the prompt come back in the stream and no placeholder is left."""
    lines = uvloop.run(_lines(url, token, case))
    events = [orjson.loads(line[6:]) for line in lines if line.startswith(b"data: {")]
    text = "".join(choice["delta"].get("content", "") for event in events for choice in event["choices"])
    if f"Mail {case.values.email} and call {case.values.phone} now." not in text or "<" in text:
        raise BenchError(f"the values of a prompt did not come back in a stream: {(text or str(lines))[:500]}")


async def _lines(url: str, token: str, case: PromptCase) -> list[bytes]:
    async with _session(token) as session, session.post(url + PATH, json=case.body(stream=True)) as response:
        return (await response.read()).split(b"\n")


def measure(urls: tuple[str, str], token: str, cases: Sequence[PromptCase], pace: Pace, seconds: int) -> Streaming:
    """`urls`: of the model server and of the gateway. Both are measured in turns, for at least `seconds` each."""
    return uvloop.run(_measure(urls, token, cases, pace, seconds))


async def _measure(
    urls: tuple[str, str], token: str, cases: Sequence[PromptCase], pace: Pace, seconds: int
) -> Streaming:
    prompts = cycle(cases)
    samples = (_Samples(), _Samples())
    async with _session(token) as session:
        for url in urls:
            await _turn(session, url, prompts, pace, _WARM_UP_S, _Samples())
        for _ in range(_TURNS):
            for url, sample in zip(urls, samples, strict=True):
                await _turn(session, url, prompts, pace, seconds / _TURNS, sample)
    return Streaming(pace, samples[0].times(), samples[1].times())


def _session(token: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        headers={"authorization": f"Bearer {token}"},
        timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
    )


async def _turn(
    session: aiohttp.ClientSession,
    url: str,
    prompts: Iterator[PromptCase],
    pace: Pace,
    seconds: float,
    samples: _Samples,
) -> None:
    """So many clients at once, each with one stream after the other. They begin at different times."""
    end = time.monotonic() + seconds

    async def client(number: int) -> None:
        await asyncio.sleep(_STAGGER_S * number / pace.streams)
        while time.monotonic() < end:
            await _stream(
                session, url, orjson.dumps(next(prompts).body(stream=True)), timed_chunks(pace.chunks), samples
            )

    await asyncio.gather(*(client(number) for number in range(pace.streams)))


async def _stream(session: aiohttp.ClientSession, url: str, body: bytes, expected: int, samples: _Samples) -> None:
    asked_ns = time.monotonic_ns()
    first_ns = 0
    timed: list[int] = []
    async with session.post(url + PATH, data=body, headers={"content-type": "application/json"}) as response:
        if response.status != 200:
            raise BenchError(f"a stream began with status {response.status}")
        async for line in response.content:
            now_ns = time.monotonic_ns()
            found = _TIME.findall(line)
            if found and not first_ns:
                first_ns = now_ns - asked_ns
            timed.extend(now_ns - int(sent) for sent in found)
    if len(timed) != expected:
        raise BenchError(f"a stream had {len(timed)} timed chunks instead of {expected}")
    samples.first_ns.append(first_ns)
    samples.chunk_ns += timed
