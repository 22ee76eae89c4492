"""One connection to Redis for scripts, which are sent one batch after the other: to borrow one from the pool for each
takes as long as Redis takes for the script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hiredis import pack_command
from redis import exceptions
from redis.asyncio import ConnectionPool

from gateway.store.redis_scripts import Command


class Line:
    """Not for two at a time. What is broken off, for whatever reason, closes the connection: a late reply is never
    taken for that of another command. The next time it connects anew."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._connection: Any = None

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """What became of each, be it a ResponseError; errors of the connection are raised."""
        connection = self._connection
        if connection is None:
            connection = self._connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
        else:
            await self._pool.ensure_connection(connection)
        # redis-py would pack them itself, in Python, which takes forty times as long.
        packed = b"".join(pack_command(tuple(command)) for command in commands)  # type: ignore[arg-type]
        await connection.send_packed_command(packed, check_health=False)
        answers: list[Any] = []
        for _ in commands:
            try:
                answers.append(await connection.read_response())
            except exceptions.ResponseError as error:
                answers.append(error)
        return answers
