"""What becomes of the errors of redis-py: each has one Trouble, and nothing of its text goes any further."""

from __future__ import annotations

import asyncio
import socket

import pytest
from redis import exceptions

from gateway.store import redis_deadline
from gateway.store.port import StoreUnavailable, Trouble


def wrapped(cause: BaseException) -> BaseException:
    error = exceptions.RedisClusterException("no node of secret:6379 can be reached")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (exceptions.ConnectionError("secret:6379"), Trouble.UNREACHABLE),
        (ConnectionResetError(), Trouble.UNREACHABLE),
        (socket.gaierror(), Trouble.UNREACHABLE),
        (exceptions.TimeoutError("secret"), Trouble.TIMEOUT),
        (TimeoutError(), Trouble.TIMEOUT),
        (exceptions.AuthenticationError("secret"), Trouble.DENIED),
        (exceptions.AuthorizationError("secret"), Trouble.DENIED),
        (exceptions.NoPermissionError("secret"), Trouble.DENIED),
        (exceptions.OutOfMemoryError("secret"), Trouble.FULL),
        (exceptions.ReadOnlyError("secret"), Trouble.READ_ONLY),
        (exceptions.BusyLoadingError("secret"), Trouble.FAILED),
        (exceptions.MaxConnectionsError("secret"), Trouble.FAILED),
        (exceptions.ClusterDownError("secret"), Trouble.FAILED),
        (exceptions.ResponseError("WRONGTYPE secret"), Trouble.FAILED),
        (exceptions.ResponseError("MISCONF Redis is configured to save RDB snapshots, but …"), Trouble.READ_ONLY),
        (exceptions.ResponseError("NOREPLICAS Not enough good replicas to write."), Trouble.READ_ONLY),
        (exceptions.ResponseError("Error running script: @user_script:2: -OOM command not allowed …"), Trouble.FULL),
        (exceptions.ResponseError("Error running script: @user_script:2: -READONLY You can't …"), Trouble.READ_ONLY),
        (exceptions.RedisClusterException("secret"), Trouble.FAILED),
        (wrapped(exceptions.ConnectionError("secret")), Trouble.UNREACHABLE),
        (wrapped(exceptions.AuthenticationError("secret")), Trouble.DENIED),
        (exceptions.DataError("secret"), Trouble.FAILED),
        (RuntimeError("the handler is closed"), Trouble.FAILED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value,
)
async def test_each_error_has_its_trouble(error: BaseException, trouble: Trouble) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        async with redis_deadline.Deadline(5):
            raise error
    assert caught.value.trouble is trouble
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


async def test_cancelling_is_no_trouble_of_the_store() -> None:
    with pytest.raises(asyncio.CancelledError):
        async with redis_deadline.Deadline(5):
            raise asyncio.CancelledError


async def test_connecting_gets_time_of_its_own_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_deadline, "COMMAND_S", 0.05)
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def connect() -> None:
        async with redis_deadline.Deadline(0.05):
            redis_deadline.allow(0.3)
            await asyncio.sleep(30)

    with pytest.raises(StoreUnavailable) as caught:
        await connect()
    assert caught.value.trouble is Trouble.TIMEOUT
    assert 0.3 < loop.time() - began < 10
    redis_deadline.allow(1)  # outside of any operation it does nothing
