"""The policies that are in force, one for each principal, and how they follow their files.

All files are read before anything changes. If one of them is not valid, what was in force stays in force, and the log,
a metric and the body of /health/ready say so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from gateway.access.limits import LimitRules
from gateway.access.principal import Principal
from gateway.access.watch import Stamp, stamp_of
from gateway.edge.service import ActivePolicy
from gateway.errors import Forbidden
from gateway.settings import ConfigurationError

_LOOK_EVERY_S = 0.5
_LOG = logging.getLogger("gateway")


class Reading:
    """Which files are read for policies, and how each was just before."""

    def __init__(self) -> None:
        self.stamps: dict[Path, Stamp] = {}

    def note(self, path: Path) -> None:
        """The file will be read now. Raises ConfigurationError for what is no file."""
        self.stamps[path] = stamp_of(path)
        if path.exists() and not path.is_file():
            raise ConfigurationError(f"{path}: is not a file")


@dataclass(frozen=True, slots=True)
class PolicySet:
    """One reading of all files."""

    default: ActivePolicy
    by_name: Mapping[str, ActivePolicy]
    by_tenant: Mapping[str, str]
    """Names of policies."""


Build = Callable[[PolicySet | None, Reading], PolicySet]
"""Reads all files anew, and notes them. What has not changed since may be taken from the set before.

Raises ConfigurationError.
"""
Told = Callable[[Literal["reloaded", "refused"], str], None]
"""How a reading ended, and the digest of the policy that holds for all now."""


class Policies:
    """`told` is not told of the first reading, which raises."""

    def __init__(self, build: Build, told: Told) -> None:
        """Raises ConfigurationError."""
        self._build = build
        self._told = told
        reading = Reading()
        self._set = build(None, reading)
        # As the files were before they were read, so that no change falls between.
        self._read = reading.stamps
        self._seen = reading.stamps
        self._asked = asyncio.Event()
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

    def of(self, principal: Principal) -> ActivePolicy:
        """The policy of the token, of its tenant, or the one for all. Raises Forbidden if there is no such policy."""
        policy = self.named(principal.tenant, principal.policy)
        if policy is None:
            raise Forbidden("The policy of this token is not one of this gateway; ask its operator.")
        return policy

    def limits_of(self, principal: Principal, active: ActivePolicy, model: str) -> LimitRules | None:
        """Of a request under the bearer's policy. What a person and a tenant may use is said by the tenant's policy,
        whatever policy a token has: they are counted over all of their tokens."""
        own = active.limit_rules(principal.tenant, model)
        home = self.named(principal.tenant, "")
        if home is None or home is active:
            return own
        all_ = home.limit_rules(principal.tenant, model) or LimitRules()
        rules = replace(own or LimitRules(), subject=all_.subject, tenant=all_.tenant)
        return rules if rules != LimitRules() else None

    def look_now(self) -> None:
        """Read the files, whatever their stamps say."""
        self._asked.set()

    async def follow(self, offload: Callable[[Callable[[], PolicySet]], Awaitable[PolicySet]]) -> None:
        """Look at the files again and again, for as long as the gateway serves."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._asked.wait()
            asked = self._asked.is_set()
            self._asked.clear()
            before, self._seen = self._seen, {path: stamp_of(path) for path in self._read}
            # What somebody is still writing may be valid, and weaker: only a file that has come to rest is read.
            if asked or self._read != self._seen == before:
                await self._read_again(offload)

    async def _read_again(self, offload: Callable[[Callable[[], PolicySet]], Awaitable[PolicySet]]) -> None:
        before, reading = self._set, Reading()
        try:
            self._set = await offload(lambda: self._build(before, reading))
        except ConfigurationError as error:
            self._refused(str(error))
        except Exception as error:
            self._refused(type(error).__name__)
        else:
            self.problem = ""
            self._told("reloaded", self.default.digest)
            _LOG.info("policies were read again")
        # Also after a failure, and also files that nobody had named before: one of them may be what is to be mended.
        self._read = {**self._read, **reading.stamps} if self.problem else reading.stamps

    def _refused(self, problem: str) -> None:
        self.problem = problem
        self._told("refused", self.default.digest)
        _LOG.warning("policies are not valid, those before stay in force", extra={"problem": problem})
