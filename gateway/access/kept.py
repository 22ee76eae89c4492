"""What the store has of tokens: where it is, under names that tell nothing, and how it is sealed.

All keys come from the keyset alone, not from the salts of the cache: those last a day, and are destroyed when a tenant
has its cache forgotten. So they follow a rotation of the keyset, and what is under an older key is found until that
key is retired.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.seal.envelope import RecordSealer
from gateway.seal.errors import SealError
from gateway.seal.keyring import Keyring
from gateway.store.port import Place

PURPOSE = "access tokens"
TOPIC = "tokens"
"""Messages say only that something has changed: they are empty."""
_OWNER_CHARS = 40


@dataclass(frozen=True, slots=True)
class Names:
    """Names made with one key of the keyset."""

    key: bytes = field(repr=False)

    def token(self, token_id: str) -> Place:
        return Place(self._owner("token", token_id), "record")

    def index(self, tenant: str) -> Place:
        return Place(self.tenant(tenant), "index")

    def tenant(self, tenant: str) -> str:
        """Owner of what is a tenant's."""
        return self._owner("tenant", tenant)

    def log(self) -> str:
        """Owner of the log of revocations, which is for all tenants."""
        return self._owner("revoked", "")

    def _owner(self, kind: str, name: str) -> str:
        return hmac.digest(self.key, json.dumps([kind, name]).encode("ascii"), "sha256").hex()[:_OWNER_CHARS]


class Kept:
    """The names and seals of a keyring, as it is at the moment."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._secrets: list[bytes] = []
        self._names: tuple[Names, ...] = ()
        self._sealer: RecordSealer | None = None

    def names(self) -> Sequence[Names]:
        """Those in use, then those under older keys, newest first."""
        self._follow()
        return self._names

    def seal(self, document: dict[str, Any] | list[Any], place: Place) -> bytes:
        """Plain values, for one place."""
        return self._follow().seal(json.dumps(document).encode("ascii"), _bound(place))

    def open(self, sealed: bytes, place: Place) -> Any:
        """Raises SealError, also if it is not what was sealed."""
        try:
            return json.loads(self._follow().open(sealed, _bound(place)))
        except ValueError:
            raise SealError from None

    def _follow(self) -> RecordSealer:
        secrets = self._keyring.secrets(PURPOSE)
        if self._sealer is None or secrets != self._secrets:
            self._secrets = secrets
            self._names = tuple(Names(_part(secret, b"names")) for secret in secrets)
            keys = {_number(secret): _part(secret, b"seal") for secret in secrets}
            self._sealer = RecordSealer(keys, _number(secrets[0]))
        return self._sealer

    def __repr__(self) -> str:
        return "<Kept>"


def _bound(place: Place) -> bytes:
    return f"{place.owner}:{place.name}".encode("ascii")


def _part(secret: bytes, what: bytes) -> bytes:
    return hmac.digest(secret, what, "sha256")


def _number(secret: bytes) -> int:
    """By which a seal says with which key it was made. It has to be stable, and tells nothing of the key."""
    return int.from_bytes(_part(secret, b"number")[:4], "big")
