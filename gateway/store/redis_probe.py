"""Looks at a Redis and leaves nothing in it: whether it answers, how soon, what time it has, what it lets us do."""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from redis import exceptions
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode

from gateway.store.address import read_address
from gateway.store.port import Place, StoreUnavailable, Trouble
from gateway.store.redis import client_of, discover
from gateway.store.redis_deadline import Deadline, trouble_of
from gateway.store.redis_keys import channel, key

_PINGS = 11
_CONNECT_S = 2.0
"""More patience than a request has: a slow Redis is to be told from one that is away."""
_COMMANDS_S = 5.0
_NO_SCRIPT = "0" * 40
_EVICTION = re.compile(r"[a-z-]{1,32}")

_Node = Redis | ClusterNode


@dataclass(frozen=True, slots=True)
class Probe:
    """What was seen. `trouble`: nothing else is known. Times are in seconds."""

    trouble: Trouble | None = None
    pings_s: tuple[float, ...] = ()
    ahead_s: float = 0.0
    """How far Redis's clock is before ours."""
    eviction: str | None = None
    """`maxmemory-policy`; None if it may not be read."""
    denied: tuple[str, ...] = ()
    """Commands that the gateway needs and that its user may not use."""
    refuses: Trouble | None = None
    """Why it takes no entries: FULL or READ_ONLY."""


async def probe(url: str, wall_clock: Callable[[], float] = time.time) -> Probe:
    """Raises ConfigurationError if the address is wrong; all else is in what it gives."""
    client = client_of(read_address(url), _CONNECT_S)
    try:
        return await _probed(client, wall_clock)
    except StoreUnavailable as error:
        return Probe(error.trouble)
    finally:
        with contextlib.suppress(Exception):
            await client.aclose()


async def _probed(client: Redis | RedisCluster, wall_clock: Callable[[], float]) -> Probe:
    node: _Node | None = client if isinstance(client, Redis) else None
    if isinstance(client, RedisCluster):
        await discover(client)
        node = client.get_default_node()
    if node is None:
        raise StoreUnavailable(Trouble.UNREACHABLE)
    async with Deadline(_CONNECT_S + _COMMANDS_S):
        pings = await _pings(node)
        before = wall_clock()
        seconds, micros = await node.execute_command("TIME")
        ahead = int(seconds) + int(micros) / 1e6 - (before + wall_clock()) / 2
    async with Deadline(_COMMANDS_S):
        eviction = await _eviction(node)
        denied, refuses = await _tried(client, node)
    return Probe(None, pings, ahead, eviction, denied, refuses)


async def _pings(node: _Node) -> tuple[float, ...]:
    await node.execute_command("PING")  # connects
    times = []
    for _ in range(_PINGS):
        began = time.perf_counter()
        await node.execute_command("PING")
        times.append(time.perf_counter() - began)
    return tuple(times)


async def _eviction(node: _Node) -> str | None:
    """From where it may be read."""
    for command, name in (("CONFIG GET", "maxmemory-policy"), ("INFO", "memory")):
        try:
            answer = await node.execute_command(command, name)
        except exceptions.ResponseError:
            continue
        for word in _values(answer):
            if word == "noeviction" or word.startswith(("allkeys-", "volatile-")):
                return word if _EVICTION.fullmatch(word) else None
    return None


def _values(answer: Any) -> Iterator[str]:
    found = answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list | tuple) else ()
    for value in found:
        yield value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)


def _trials(name: str, topic: str) -> Iterator[tuple[str | int, ...]]:
    """Each command that the gateway needs, such that it changes nothing: no key is called so, and none is made."""
    yield "GET", name
    yield "SET", name, "", "XX", "PX", 1
    yield "DEL", name
    yield "UNLINK", name
    yield "STRLEN", name
    yield "PTTL", name
    yield "PEXPIRE", name, 1
    yield "INCRBY", name, "no number"
    yield "ZADD", name, "XX", 0, "x"
    yield "ZCARD", name
    yield "ZCOUNT", name, 0, 1
    yield "ZRANGEBYSCORE", name, 0, 1
    yield "ZREM", name, "x"
    yield "ZREMRANGEBYSCORE", name, 0, 1
    yield "ZSCORE", name, "x"
    yield "EVAL", "return 1", 1, name
    yield "EVALSHA", _NO_SCRIPT, 1, name
    yield "PUBLISH", topic, ""


async def _tried(client: Redis | RedisCluster, node: _Node) -> tuple[tuple[str, ...], Trouble | None]:
    word = f"doctor-{secrets.token_hex(8)}"
    denied: list[str] = []
    refuses: Trouble | None = None
    for command in _trials(key(Place(word, "x")), channel(word)):
        try:
            await client.execute_command(*command)
        except exceptions.ResponseError as error:
            # Any other answer means that the command was let through: a number that is none, a script not known.
            trouble = trouble_of(error)
            if trouble is Trouble.DENIED:
                denied.append(str(command[0]).lower())
            elif trouble in (Trouble.FULL, Trouble.READ_ONLY):
                refuses = trouble
    if not await _may_scan(node):
        denied.append("scan")
    if not await _may_subscribe(client, channel(word)):
        denied.append("subscribe")
    return tuple(denied), refuses


async def _may_scan(node: _Node) -> bool:
    try:
        await node.execute_command("SCAN", 0, "MATCH", "pgw:{doctor}:*", "COUNT", 1)
    except exceptions.NoPermissionError:
        return False
    return True


async def _may_subscribe(client: Redis | RedisCluster, topic: str) -> bool:
    pubsub = client.pubsub()
    try:
        await pubsub.subscribe(topic)
        await pubsub.get_message(timeout=_COMMANDS_S)
    except exceptions.NoPermissionError:
        return False
    finally:
        await pubsub.aclose()  # type: ignore[no-untyped-call]
    return True
