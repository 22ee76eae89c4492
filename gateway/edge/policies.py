"""The policies that are in force, one for each principal, and how they follow their files.

All files are read before anything changes. If one of them is not valid, what was in force stays in force, and the log,
a metric and the body of /health/ready say so.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gateway.access.principal import Principal
from gateway.edge.service import ActivePolicy
from gateway.errors import Forbidden
from gateway.settings import ConfigurationError

_LOOK_EVERY_S = 0.5
_LOG = logging.getLogger("gateway")
Stamps = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class PolicySet:
    """One reading of all files."""

    default: ActivePolicy
    by_name: Mapping[str, ActivePolicy]
    by_tenant: Mapping[str, str]
    """Names of policies."""
    files: tuple[Path, ...]
    """Policies, and all that they name."""


Build = Callable[[PolicySet | None], PolicySet]
"""Reads all files anew. What has not changed since may be taken from there. Raises ConfigurationError."""
Told = Callable[[Literal["reloaded", "refused"], str], None]
"""How a reading ended, and the digest of the policy that holds for all now."""


class Policies:
    """`told` is not told of the first reading, which raises."""

    def __init__(self, build: Build, told: Told) -> None:
        """Raises ConfigurationError."""
        self._build = build
        self._told = told
        self._set = build(None)
        self._read = stamps_of(self._set.files)
        """As the files were before they were read."""
        self._seen = self._read
        self._now = asyncio.Event()
        self.problem = ""
        """What is wrong with the files, if they are not those in force."""

    @property
    def default(self) -> ActivePolicy:
        return self._set.default

    def named(self, tenant: str, name: str) -> ActivePolicy | None:
        """A policy by its name, None if there is none; without a name the tenant's, or else the one for all."""
        now = self._set
        name = name or now.by_tenant.get(tenant, "")
        return now.by_name.get(name) if name else now.default

    def __contains__(self, name: object) -> bool:
        return name in self._set.by_name

    def __iter__(self) -> Iterator[str]:
        return iter(self._set.by_name)

    def __len__(self) -> int:
        return len(self._set.by_name)

    def of(self, principal: Principal) -> ActivePolicy:
        """The policy of the token, of its tenant, or the one for all. Raises Forbidden if there is no such policy."""
        policy = self.named(principal.tenant, principal.policy)
        if policy is None:
            raise Forbidden("The policy of this token is not one of this gateway; ask its operator.")
        return policy

    def look_now(self) -> None:
        """Read the files, whatever their stamps say."""
        self._read = ()
        self._now.set()

    async def follow(self, offload: Callable[[Callable[[], PolicySet]], Awaitable[PolicySet]]) -> None:
        """Look at the files again and again, for as long as the gateway serves."""
        while True:
            try:
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._now.wait()
            except TimeoutError:
                pass
            asked = self._now.is_set()
            self._now.clear()
            seen, before = stamps_of(self._set.files), self._seen
            self._seen = seen
            # What somebody is still writing may be valid, and weaker: only a file that has come to rest is read.
            if seen != self._read and (asked or seen == before):
                await self._read_again(seen, offload)

    async def _read_again(
        self, seen: Stamps, offload: Callable[[Callable[[], PolicySet]], Awaitable[PolicySet]]
    ) -> None:
        before, self._read = self._set, seen
        try:
            self._set = await offload(lambda: self._build(before))
        except ConfigurationError as error:
            self._refused(str(error))
        except Exception as error:
            self._refused(type(error).__name__)
        else:
            self.problem = ""
            if self._set.files != before.files:
                self._read = self._seen = stamps_of(self._set.files)
            self._told("reloaded", self.default.digest)
            _LOG.info("policies were read again")

    def _refused(self, problem: str) -> None:
        self.problem = problem
        self._told("refused", self.default.digest)
        _LOG.warning("policies are not valid, those before stay in force", extra={"problem": problem})


def stamps_of(files: tuple[Path, ...]) -> Stamps:
    """What changes with a file; None for one that is not there."""
    return tuple(_stamp(path) for path in files)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
