"""How long an operation in Redis may take, and what went wrong with it."""

from __future__ import annotations

import asyncio
import contextlib
from contextvars import ContextVar
from types import TracebackType

from redis import exceptions

from gateway.store.port import StoreUnavailable, Trouble

COMMAND_S = 0.1
"""How long one command may take, and wait for others that are under way, unless the operator says otherwise."""
_LIMIT: ContextVar[asyncio.Timeout | None] = ContextVar("_LIMIT", default=None)


class Deadline:
    """A limit on time that connections can raise, and StoreUnavailable for all that goes wrong.

    Use it with `async with`. One made of a generator would cost 10 µs more for each command.
    """

    __slots__ = ("_limit", "_token")

    def __init__(self, seconds: float) -> None:
        self._limit = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        self._token = _LIMIT.set(await self._limit.__aenter__())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _LIMIT.reset(self._token)
        try:
            await self._limit.__aexit__(kind, error, trace)
        except TimeoutError as late:
            raise StoreUnavailable(trouble_of(late)) from None
        if isinstance(error, Exception) and not isinstance(error, StoreUnavailable):
            raise StoreUnavailable(trouble_of(error)) from None


def allow(seconds: float) -> None:
    """The operation under way here gets so much more time, on top of one command's, if it has not got it yet."""
    limit = _LIMIT.get()
    if limit is None or (until := limit.when()) is None:
        return
    with contextlib.suppress(RuntimeError):  # it is over: this is a task that outlives the operation that began it
        limit.reschedule(max(until, asyncio.get_running_loop().time() + seconds + COMMAND_S))


ANSWERS = (
    exceptions.AuthenticationError,
    exceptions.AuthorizationError,
    exceptions.BusyLoadingError,
    exceptions.MaxConnectionsError,
)
"""What redis-py counts among connection errors although the server was reached, and said why not."""
# The first that fits holds.
_TROUBLES: tuple[tuple[type[BaseException], Trouble], ...] = (
    (TimeoutError, Trouble.TIMEOUT),
    (exceptions.TimeoutError, Trouble.TIMEOUT),
    (exceptions.AuthenticationError, Trouble.DENIED),
    (exceptions.AuthorizationError, Trouble.DENIED),
    (exceptions.NoPermissionError, Trouble.DENIED),
    (exceptions.OutOfMemoryError, Trouble.FULL),
    (exceptions.ReadOnlyError, Trouble.READ_ONLY),
    (exceptions.BusyLoadingError, Trouble.FAILED),
    (exceptions.MaxConnectionsError, Trouble.FAILED),
    (exceptions.ConnectionError, Trouble.UNREACHABLE),
    (OSError, Trouble.UNREACHABLE),
)
# Codes that redis-py does not know, or that Redis 6 wraps when they come from within a script.
_CODES = (
    ("OOM", Trouble.FULL),
    ("READONLY", Trouble.READ_ONLY),
    ("MISCONF", Trouble.READ_ONLY),
    ("NOREPLICAS", Trouble.READ_ONLY),
)


def trouble_of(error: BaseException) -> Trouble:
    """What went wrong."""
    if isinstance(error, exceptions.RedisClusterException) and error.__cause__ is not None:
        return trouble_of(error.__cause__)  # no node of a cluster could be asked; the cause is that of the last
    for kind, trouble in _TROUBLES:
        if isinstance(error, kind):
            return trouble
    if isinstance(error, exceptions.ResponseError):
        text = str(error)
        for code, trouble in _CODES:
            if text.startswith(code) or f"-{code} " in text:
                return trouble
    return Trouble.FAILED
