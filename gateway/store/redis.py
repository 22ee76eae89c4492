"""A store in Redis or Redis Cluster, 6.0 or newer, shared by all processes and hosts of a gateway.

An entry is the key `pgw:{owner}:name`: the braces put all entries of an owner into one slot of a cluster. A user of
Redis's access control lists needs `~pgw:* &pgw:*` and the commands `+get +set +del +unlink +scan +strlen +eval
+evalsha +incrby +pttl +pexpire +time +zadd +zcard +zcount +zrangebyscore +zrem +zremrangebyscore +zscore +publish
+subscribe +ping +hello +client +select`, and in a cluster `+cluster|slots +command`.

What is used of limits is in keys of its own (see redis_scripts.py). A Redis that evicts keys when its memory is full
starts limits anew: with limits use `maxmemory-policy noeviction`.

What redis-py would do by itself is switched off where it is in the way: its socket timeouts make a task for each
command (and lose cancellations on Python 3.11), and its maintenance notifications switch off the check that a
connection from the pool has no unread reply.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from ssl import SSLContext
from typing import Any, TypeVar

from redis import exceptions
from redis.asyncio import Connection, ConnectionPool, Redis, RedisCluster
from redis.asyncio.client import PubSub
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from gateway.store.address import Address, read_address
from gateway.store.breaker import Breaker
from gateway.store.port import (
    Place,
    StoreUnavailable,
    Trouble,
    Usage,
    check_prefix,
    milliseconds,
)
from gateway.store.redis_deadline import ANSWERS, COMMAND_S, Deadline, allow, trouble_of
from gateway.store.redis_keys import channel, key, start
from gateway.store.redis_limits import RedisLimits
from gateway.store.redis_line import Line
from gateway.store.redis_scripts import ADD, TEXTS, Command

CONNECT_S = 0.25
"""How long connecting may take, with TLS, on top of the command that it is done for."""
DISCOVERY_S = 2.0
"""How long a cluster may take to say which of its nodes has what."""
SCAN_S = 10.0
"""How long those operations may take that walk through all keys."""
SILENCE_S = 10.0
"""After so long without a message a subscriber asks whether its connection still works, and waits as long again."""
COMMANDS = 32
"""How many commands may be under way at a time, in a cluster too: one connection each."""
_CONNECTIONS = 2 * COMMANDS  # scans and subscribers have connections of the same pool
_BATCH = 1000

_T = TypeVar("_T")
_Client = Redis | RedisCluster


class RedisStore(RedisLimits):
    """See the Store protocol. It connects when it is first used, and again whenever it has to.

    Limits on time are on the whole of an operation. Where a command is broken off, by them or because the request that
    wanted it is cancelled, redis-py closes its connection: a late reply is never taken for that of another command.
    """

    def __init__(self, url: str, clock: Callable[[], float], command_s: float = COMMAND_S) -> None:
        """Raises ConfigurationError."""
        super().__init__(self._run_scripts)
        self._command_s = command_s
        # Who gives commands more time has a slow network or a busy machine.
        self._connect_s = max(CONNECT_S, command_s)
        self._address = read_address(url)
        self._breaker = Breaker(clock)
        self._slots = asyncio.Semaphore(COMMANDS)
        self._client: _Client | None = None
        self._line: Line | None = None
        """For scripts; None for a cluster, where each node would need one."""
        self._discovery: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._slots = asyncio.Semaphore(COMMANDS)
        self._client = client_of(self._address, self._connect_s)
        self._line = Line(self._client.connection_pool) if isinstance(self._client, Redis) else None

    async def close(self) -> None:
        client, self._client = self._client, None
        if self._discovery is not None:
            self._discovery.cancel()
        if client is not None:
            with contextlib.suppress(Exception):  # it is of no use to know that a broken connection cannot be closed
                await client.aclose()

    async def get(self, place: Place) -> bytes | None:
        value: bytes | None = await self._ask("GET", key(place))
        return value

    async def put(self, place: Place, value: bytes, ttl_s: float) -> None:
        await self._ask("SET", key(place), value, "PX", milliseconds(ttl_s))

    async def delete(self, place: Place) -> bool:
        return bool(await self._ask("DEL", key(place)))

    async def delete_all(self, owner: str, prefix: str = "") -> int:
        """What is put while it runs may stay. Entries of a slot that moves to another node right now may stay too."""
        check_prefix(owner, prefix)

        async def delete() -> int:
            deleted = 0
            for node in await self._nodes(owner):
                async for keys in _scan(node, f"{start(owner)}{prefix}*"):
                    deleted += await node.execute_command("UNLINK", *keys)
            return deleted

        return await self._walk(delete)

    async def add(self, place: Place, amount: int, ttl_s: float) -> int:
        # Not tried again when the connection breaks: it may have been done already, and would count twice.
        return int(await self._ask("EVAL", ADD, 1, key(place), amount, milliseconds(ttl_s), again=False))

    async def usage(self, owner: str | None = None) -> Usage:
        if owner is not None:
            check_prefix(owner, "")

        async def count() -> Usage:
            client = await self._ready()
            seen: set[int] = set()  # SCAN may give a key twice
            size = 0
            for node in await self._nodes(owner):
                async for keys in _scan(node, "pgw:{*" if owner is None else f"{start(owner)}*"):
                    new = {hash(key): key for key in keys if hash(key) not in seen}
                    seen.update(new)
                    pipeline = client.pipeline(transaction=False)
                    for name in new.values():
                        pipeline.execute_command("STRLEN", name)
                    size += sum(await pipeline.execute()) + sum(len(key) - len("pgw:{}:") for key in new.values())
            return Usage(len(seen), size)

        return await self._walk(count)

    async def publish(self, topic: str, message: bytes) -> None:
        await self._ask("PUBLISH", channel(topic), message)

    @contextlib.asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[AsyncIterator[bytes]]:
        name = channel(topic)
        async with Deadline(self._command_s):
            client = await self._ready()
            pubsub: PubSub = client.pubsub()
        try:
            async with Deadline(self._command_s):
                await pubsub.subscribe(name)
                while await _next(pubsub, self._command_s + self._connect_s) is None:
                    pass  # what is published after this function has returned will be heard
            async with contextlib.aclosing(_messages(pubsub)) as messages:
                yield messages
        finally:
            await pubsub.aclose()  # type: ignore[no-untyped-call]

    async def _ask(self, *command: str | bytes | int, again: bool = True) -> Any:
        """Send a command, and once more on a new connection if the old one turns out to be closed."""
        return await self._do(lambda client: client.execute_command(*command), again=again)

    async def _run_scripts(self, commands: Sequence[Command]) -> list[Any]:
        return await self._do(lambda client: _run_scripts(client, self._line, commands), again=False)

    async def _do(self, operation: Callable[[_Client], Awaitable[_T]], *, again: bool) -> _T:
        self._breaker.check()
        await self._slot()
        try:
            with self._breaker.attempt():
                async with Deadline(self._command_s):
                    client = await self._ready()
                    try:
                        return await operation(client)
                    except exceptions.ConnectionError as error:
                        if not again or isinstance(error, ANSWERS):
                            raise
                        return await operation(client)
        finally:
            self._slots.release()

    async def _slot(self) -> None:
        """A limit on time costs as much as a quarter of a command, so only who has to wait has one."""
        if not self._slots.locked():
            await self._slots.acquire()
            return
        try:
            async with asyncio.timeout(self._command_s):
                await self._slots.acquire()
        except TimeoutError:
            raise StoreUnavailable(Trouble.TIMEOUT) from None

    async def _walk(self, operation: Callable[[], Awaitable[_T]]) -> _T:
        self._breaker.check()
        async with Deadline(SCAN_S):
            return await operation()

    async def _ready(self) -> _Client:
        """The client. That of a cluster has to know which node has what, which no cancelled request may break off."""
        client = self._client
        if client is None:
            raise StoreUnavailable(Trouble.FAILED)  # not open
        if isinstance(client, RedisCluster) and client.get_default_node() is None:
            allow(self._connect_s)
            if self._discovery is None or self._discovery.done():
                self._discovery = asyncio.create_task(discover(client))
            await asyncio.shield(self._discovery)
        return client

    async def _nodes(self, owner: str | None) -> Sequence[Redis | ClusterNode]:
        """Those that hold what an owner has, or what all have."""
        client = await self._ready()
        if isinstance(client, Redis):
            return [client]
        if owner is None:
            return client.get_primaries()
        node = client.get_node_from_key(start(owner))
        return [] if node is None else [node]


class _Connection(Connection):
    """A connection that gives the operation it is made for the time that connecting takes, and shares one TLS context.

    redis-py would make a context for each connection, which reads all of the system's certificates each time.
    """

    def __init__(self, *, tls: SSLContext | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._tls = tls

    async def _connect(self) -> None:
        allow(float(self.socket_connect_timeout or CONNECT_S))
        await super()._connect()  # type: ignore[no-untyped-call]

    def _connection_arguments(self) -> Mapping[str, Any]:
        arguments = super()._connection_arguments()
        return arguments if self._tls is None else {**arguments, "ssl": self._tls}


def client_of(address: Address, connect_s: float) -> Redis | RedisCluster:
    """A client that connects when it is first used."""
    return (_cluster if address.cluster else _server)(address, connect_s)


def _options(address: Address, connect_s: float) -> dict[str, Any]:
    return {
        "host": address.host,
        "port": address.port,
        "username": address.username,
        "password": address.password,
        "protocol": 3,
        "client_name": "gateway",
        "driver_info": None,
        "socket_timeout": None,
        "socket_connect_timeout": connect_s,
        "retry": Retry(NoBackoff(), 0),
        "max_connections": _CONNECTIONS,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }


def _server(address: Address, connect_s: float) -> Redis:
    # Not the pool that blocks: it loses connections when requests are cancelled while they wait. The slots bound it.
    pool = ConnectionPool(connection_class=_Connection, db=address.db, tls=address.tls, **_options(address, connect_s))
    return Redis.from_pool(pool)


def _cluster(address: Address, connect_s: float) -> RedisCluster:
    client = RedisCluster(**_options(address, connect_s))
    # There is no parameter for this; nodes that are found later are made with the client's own options.
    client.connection_kwargs.update(connection_class=_Connection, tls=address.tls)
    for node in client.startup_nodes:
        node.connection_class = _Connection
        node.connection_kwargs["tls"] = address.tls
    return client


async def discover(client: RedisCluster) -> None:
    """Let the client of a cluster learn which node has what. Raises StoreUnavailable."""
    async with Deadline(DISCOVERY_S):
        await client.initialize()


async def _run_scripts(client: _Client, line: Line | None, commands: Sequence[Command]) -> list[Any]:
    """In one write. What became of each, be it an error; errors of the connection are raised."""
    if line is not None:
        answers = await line.ask(commands)
    elif len(commands) == 1:
        try:
            return [await client.execute_command(*commands[0])]
        except exceptions.ResponseError as error:
            answers = [error]
    else:
        pipeline = client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        answers = await pipeline.execute(raise_on_error=False)
    for number, (_, digest, *rest) in enumerate(commands):
        if isinstance(answers[number], exceptions.NoScriptError):  # nothing was done: Redis is new, or forgot it
            answers[number] = await client.execute_command("EVAL", TEXTS[str(digest)], *rest)
    return [StoreUnavailable(trouble_of(one)) if isinstance(one, Exception) else one for one in answers]


async def _scan(node: Redis | ClusterNode, pattern: str) -> AsyncIterator[list[bytes]]:
    cursor = 0
    while True:
        cursor, keys = await node.execute_command("SCAN", cursor, "MATCH", pattern, "COUNT", _BATCH)
        if keys:
            yield keys
        if cursor == 0:
            return


async def _next(pubsub: PubSub, timeout_s: float) -> dict[str, Any] | None:
    message: dict[str, Any] | None = await pubsub.get_message(timeout=timeout_s)
    return message


async def _messages(pubsub: PubSub) -> AsyncGenerator[bytes, None]:
    asked = False
    while True:
        try:
            message = await _next(pubsub, SILENCE_S)
            if message is None:
                if asked:
                    raise TimeoutError
                await pubsub.ping()
        except Exception as error:
            raise StoreUnavailable(trouble_of(error)) from None
        asked = message is None
        if message is not None and message["type"] == "message":
            yield message["data"]
