"""Where an answer is kept: names that say nothing to whoever has no key, and that nobody can guess from a prompt.

An owner in the store is a tenant. A name begins with whose entry it is, so that one person's can be deleted.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.pipeline.ports import Call
from gateway.seal.keyring import Keyring
from gateway.store.port import Place

PURPOSE = "cache"
SHARED = "tenant"
"""Whose the entries are that all of a tenant share."""
_VERSION = "1"
_OWNER_BYTES = 16
_PREFIX_BYTES = 8


def person(subject: str) -> str:
    """Whose the entries of one person are. No subject can be called like what is shared."""
    return f"subject {subject}"


@dataclass(frozen=True, slots=True)
class Name:
    """Where an answer would be kept, and what its envelope is bound to."""

    place: Place
    tenant: str
    whose: str
    bound: tuple[str, ...]
    key: bytes = field(repr=False)
    """What the name was made with."""


class Names:
    """The names of one policy's entries. They change with it, with the keys and with the tenant's salts."""

    def __init__(self, keyring: Keyring, policy_digest: str) -> None:
        self._keyring = keyring
        self._digest = policy_digest

    def of(self, call: Call, whose: str) -> Name:
        """Raises what the keyring raises."""
        key = self._key(call.tenant, whose)
        asked = (_VERSION, call.endpoint, call.upstream, self._digest)
        mac = hmac.digest(key, orjson.dumps([asked, canonical(call.body)]), "sha256")
        owner, prefix = _labels(self._keyring.secret(PURPOSE), call.tenant, whose)
        name = prefix + mac.hex()
        return Name(
            Place(owner, name),
            call.tenant,
            whose,
            (call.tenant, whose, str(call.body.get("model")), self._digest, name),
            key,
        )

    def is_current(self, name: Name) -> bool:
        """Whether the same question has this name still: what it was made with is neither forgotten nor rotated.

        Raises what the keyring raises.
        """
        return hmac.compare_digest(self._key(name.tenant, name.whose), name.key)

    def _key(self, tenant: str, whose: str) -> bytes:
        return self._keyring.tenant_secret(PURPOSE, tenant, whose)


def owners(keyring: Keyring, tenant: str) -> list[str]:
    """The tenant's names in the store, under all keys that still open."""
    return [_owner(key, tenant) for key in keyring.secrets(PURPOSE)]


def labels(keyring: Keyring, tenant: str, whose: str) -> list[tuple[str, str]]:
    """The owner and how the names of all entries of one person begin, under all keys that still open."""
    return [_labels(key, tenant, whose) for key in keyring.secrets(PURPOSE)]


def canonical(body: Mapping[str, Any]) -> dict[str, Any]:
    """The request without what does not change the answer: whether it is streamed, and with its usage, and the order of
    its own fields and of each message's. Any other order may change it: models are shown tools, and fill in the
    properties of a schema, as they come."""
    asked = {name: body[name] for name in sorted(body) if name not in ("stream", "stream_options")}
    if "messages" in asked:
        asked["messages"] = [dict(sorted(message.items())) for message in asked["messages"]]
    options = {k: v for k, v in (body.get("stream_options") or {}).items() if k != "include_usage"}
    return {**asked, "stream_options": dict(sorted(options.items()))} if options else asked


def _labels(key: bytes, tenant: str, whose: str) -> tuple[str, str]:
    return _owner(key, tenant), hmac.digest(key, orjson.dumps([tenant, whose]), "sha256")[:_PREFIX_BYTES].hex()


def _owner(key: bytes, tenant: str) -> str:
    return hmac.digest(key, orjson.dumps([tenant]), "sha256")[:_OWNER_BYTES].hex()
