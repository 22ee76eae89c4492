"""What the tests of tokens that are minted at run time share: workers with one store, and clocks to turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gateway.access.authenticate import Authenticator
from gateway.access.brake import Brake
from gateway.access.desk import TokenDesk
from gateway.access.entrance import Entrance
from gateway.access.kept import Kept
from gateway.access.limits import NO_LIMITS, Limits
from gateway.access.principal import Principal, Scope
from gateway.access.revocations import Revocations
from gateway.access.token import Token, mint
from gateway.access.token_file import TokenRecord, edit_tokens
from gateway.access.token_store import TokenStore
from gateway.seal.keyring import Keyring
from gateway.store.memory import MemoryStore
from gateway.store.port import Place, Store, StoreUnavailable, Trouble

POLICIES: Mapping[str, Limits] = {"": NO_LIMITS, "strict": Limits(requests_per_minute=5), "lax": NO_LIMITS}
STRICTLY_HELD = "initech"
"""A tenant whose policy is the strict one."""


def limits_of_policy(tenant: str, name: str) -> Limits | None:
    """What a policy has as limits of a token."""
    return POLICIES.get("strict" if tenant == STRICTLY_HELD and not name else name)


class Clock:
    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Wall(Clock):
    """Unix time."""

    def __init__(self) -> None:
        super().__init__(datetime.now(UTC).timestamp())

    def date(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)


class Breakable(MemoryStore):
    """A store in memory that can be made to fail, and counts what it is asked."""

    def __init__(self) -> None:
        super().__init__(1 << 26, Clock())
        self.broken = False
        self.gets = 0
        self.deaf = False

    def _check(self) -> None:
        if self.broken:
            raise StoreUnavailable(Trouble.UNREACHABLE)

    async def get(self, place: Place) -> bytes | None:
        self._check()
        self.gets += 1
        return await super().get(place)

    async def put(self, place: Place, value: bytes, ttl_s: float) -> None:
        self._check()
        await super().put(place, value, ttl_s)

    async def add(self, place: Place, amount: int, ttl_s: float) -> int:
        self._check()
        return await super().add(place, amount, ttl_s)

    async def delete(self, place: Place) -> bool:
        self._check()
        return await super().delete(place)

    async def publish(self, topic: str, message: bytes) -> None:
        self._check()
        if not self.deaf:
            await super().publish(topic, message)


@dataclass
class Worker:
    """One process of a gateway."""

    store: Store
    keyring: Keyring
    tokens_file: Path
    clock: Clock = field(default_factory=Clock)
    wall: Wall = field(default_factory=Wall)
    policies: Mapping[str, Limits] = field(default_factory=lambda: POLICIES)

    def __post_init__(self) -> None:
        self.told: list[str] = []
        if not self.tokens_file.exists():
            self.tokens_file.write_text("version: 1\n")
        self.kept = Kept(self.keyring)
        self.tokens = TokenStore(self.store, self.kept, clock=self.clock, wall_clock=self.wall, report=self.told.append)
        self.revocations = Revocations(
            self.store,
            self.kept,
            clock=self.clock,
            wall_clock=self.wall,
            report=self.told.append,
            changed=self.tokens.stale,
        )
        self.authenticator = Authenticator(self.tokens_file, self.clock, self.tokens, self.wall.date)
        self.entrance = Entrance(self.authenticator.admit, Brake(self.clock), self.revocations, self.policies)
        self.desk = TokenDesk(
            self.tokens,
            self.authenticator,
            self.revocations,
            self.store,
            self.kept,
            limits_of_policy,
            self.wall,
        )

    async def who(self, token: Token) -> Principal:
        return await self.entrance.principal(f"Bearer {token.text}".encode())

    def peer(self) -> Worker:
        """Another process with the same store and keys, at the same time."""
        return Worker(self.store, self.keyring, self.tokens_file, self.clock, self.wall, self.policies)


@contextmanager
def worker(folder: Path, store: Store | None = None) -> Iterator[Worker]:
    with Keyring.ephemeral() as keyring:
        yield Worker(store or Breakable(), keyring, folder / "tokens.yaml")


def admin(tenant: str = "acme", *scopes: str, token_id: str = "boss0000", **more: object) -> Principal:
    """Somebody who may do everything, or what is said."""
    fields: dict[str, object] = {"models": frozenset("*"), **more}
    all_scopes = frozenset(scopes or (*Scope, "docs:hr"))
    return Principal(token_id, tenant, "boss", all_scopes, **fields)  # type: ignore[arg-type]


def filed(path: Path, **more: object) -> Token:
    """A token of the tokens file."""
    token = mint()
    given = {"id": token.id, "sha256": token.digest, "tenant": "acme", "created": datetime.now(UTC), **more}
    with edit_tokens(path) as records:
        records[token.id] = TokenRecord.model_validate(given)
    return token
