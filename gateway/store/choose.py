"""From the setting `store` to a store."""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.settings import ConfigurationError
from gateway.store.address import FORMS
from gateway.store.memory import MemoryStore
from gateway.store.port import Store
from gateway.store.redis import RedisStore
from gateway.store.redis_deadline import COMMAND_S

_MIB = 1 << 20
_MEMORY_MIB = 64
_MEMORY = re.compile(r"memory://(?:\?mib=([1-9][0-9]{0,5}))?")


def store_of(url: str, clock: Callable[[], float], command_s: float = COMMAND_S) -> Store:
    """A store that is not open yet. `clock` gives seconds and never goes back. `command_s`: time limit of a command.

    Raises ConfigurationError, which does not quote the address: it may hold a password.
    """
    if match := _MEMORY.fullmatch(url):
        return MemoryStore(int(match[1] or _MEMORY_MIB) * _MIB, clock)
    if url.startswith(("redis://", "rediss://")):
        return RedisStore(url, clock, command_s)
    raise ConfigurationError(f"setting store: write memory://, memory://?mib=256 (its size), {FORMS}")
