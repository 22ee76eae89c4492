"""Random keys and the file that keeps them: sealed under the master key, written as a whole or not at all.

One way to rotate: a new key seals from now on, the ones before it still open. A key that is retired opens nothing any
more: its bytes are deleted from the file, and what it sealed is lost, on purpose.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from gateway.seal.derive import KEY_BYTES, derived
from gateway.seal.envelope import EntrySealer
from gateway.seal.errors import SealError
from gateway.seal.files import locked, read_private, write_new, written_beside
from gateway.settings import ConfigurationError

_VERSION = 2
_PLAIN_VERSION = 1
_MASTER_NUMBER = 0
_AAD = b"gateway keyset 2"
_ID = re.compile(r"k[1-9][0-9]{0,5}")


class State(StrEnum):
    """What a key may still do."""

    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """32 random bytes, or none once it is retired."""

    id: str
    created: datetime
    state: State
    secret: bytes

    @property
    def number(self) -> int:
        """7 for `k7`."""
        return int(self.id[1:])

    def __repr__(self) -> str:
        return f"<Key {self.id}>"


class Keyset:
    """Keys, oldest first, and which of them seals. It never shows them."""

    __slots__ = ("active", "keys")

    def __init__(self, keys: tuple[Key, ...], active: str) -> None:
        self.keys = keys
        self.active = active

    @classmethod
    def fresh(cls) -> Keyset:
        """A keyset with one new key."""
        return cls((_new_key("k1"),), "k1")

    @classmethod
    def load(cls, path: Path, master: bytes) -> Keyset:
        """Raises ConfigurationError, which says what to do: also if others than the owner may read the file."""
        raw = read_private(path, f"`gateway key init {path}` makes it")
        try:
            document = json.loads(raw)
            if document["version"] == _PLAIN_VERSION:
                raise ConfigurationError(
                    f"{path}: is of version 1, whose keys were not sealed; `gateway key init` makes a new one"
                )
            sealed = base64.b64decode(document["sealed"], validate=True)
        except (ValueError, RecursionError, KeyError, TypeError, binascii.Error):
            raise ConfigurationError(f"{path}: is not a keyset; `gateway key init` makes one") from None
        if document["version"] != _VERSION:
            raise ConfigurationError(f"{path}: is of a version that this gateway does not know; take a newer gateway")
        try:
            return _read(json.loads(_sealer(master).open(sealed, _AAD)))
        except SealError:
            raise ConfigurationError(
                f"{path}: does not open with this master key: it belongs to another one, or the file was changed"
            ) from None
        except (KeyError, TypeError, ValueError, binascii.Error):
            raise ConfigurationError(f"{path}: is not a whole keyset; take it from your backup") from None

    def usable(self) -> list[Key]:
        """The key that seals, then those that may still open, newest first."""
        usable = [key for key in reversed(self.keys) if key.state is State.ACTIVE]
        return sorted(usable, key=lambda key: key.id != self.active)

    def secret(self, purpose: str) -> bytes:
        """32 bytes for a purpose that needs a key and seals nothing. They change when the keyset is rotated."""
        return self.secrets(purpose)[0]

    def secrets(self, purpose: str) -> list[bytes]:
        """Those of all keys that may still open, the newest first: what was named with one of them can be found."""
        return [derived(key.secret, (purpose, "")) for key in self.usable()]

    def key_for(self, purpose: str, key_id: str | None = None) -> tuple[str, bytes]:
        """A key's id and 32 bytes of it for a purpose; of the one that seals unless an id is given.

        What is made with it keeps the id, so that the same key can be asked for again after the keyset was rotated.
        Raises ConfigurationError if there is no such key, or if it is retired.
        """
        key = next((key for key in self.keys if key.id == (key_id or self.active)), None)
        if key is None:
            raise ConfigurationError(f"the keyset has no key {key_id}; `gateway key list` shows its keys")
        if key.state is not State.ACTIVE:
            raise ConfigurationError(f"the key {key_id} is retired, and what was made with it cannot be used any more")
        return key.id, derived(key.secret, ("key", purpose))

    def rotated(self) -> Keyset:
        """With one more key, which seals from now on."""
        new = _new_key(f"k{max(key.number for key in self.keys) + 1}")
        return Keyset((*self.keys, new), new.id)

    def retired(self, key_id: str) -> Keyset:
        """Without the bytes of a key. Raises ConfigurationError if there is no such key or it still seals."""
        if key_id not in {key.id for key in self.keys}:
            raise ConfigurationError("there is no such key; `gateway key list` shows their ids")
        if key_id == self.active:
            raise ConfigurationError(f"{key_id} is the key that seals; `gateway key rotate` first makes another")
        gone = {key.id: replace(key, state=State.RETIRED, secret=b"") for key in self.keys if key.id == key_id}
        return Keyset(tuple(gone.get(key.id, key) for key in self.keys), self.active)

    def __repr__(self) -> str:
        return f"<Keyset of {len(self.keys)} keys>"


def create_keyset(path: Path, master: bytes) -> Keyset:
    """Write a new keyset where no file is. Raises ConfigurationError if one is there: its keys would be lost."""
    refuse_existing(path)
    keyset = Keyset.fresh()
    try:
        write_new(path, _file(keyset, master))
    except OSError as error:
        refuse_existing(path)
        raise ConfigurationError(f"{path}: cannot be written ({error.strerror})") from None
    return keyset


def refuse_existing(path: Path) -> None:
    """Raises ConfigurationError if there is a file already."""
    if os.path.lexists(path):
        raise ConfigurationError(f"{path}: there is a file already; `gateway key rotate` adds a key to it")


@contextmanager
def changed_keyset(path: Path, master: bytes) -> Iterator[list[Keyset]]:
    """The keyset as the only item of a list; what stands there when the block ends well is written. One at a time."""
    Keyset.load(path, master)
    try:
        with locked(path):
            held = [Keyset.load(path, master)]
            yield held
            with written_beside(path, _file(held[0], master)) as temporary:
                os.replace(temporary, path)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written ({error.strerror})") from None


def _sealer(master: bytes) -> EntrySealer:
    return EntrySealer({_MASTER_NUMBER: derived(master, ("keyset file",))}, _MASTER_NUMBER)


def _file(keyset: Keyset, master: bytes) -> bytes:
    sealed = _sealer(master).seal(json.dumps(_document(keyset)).encode(), _AAD)
    return json.dumps({"version": _VERSION, "sealed": base64.b64encode(sealed).decode()}).encode() + b"\n"


def _new_key(key_id: str) -> Key:
    return Key(key_id, datetime.now(UTC).replace(microsecond=0), State.ACTIVE, secrets.token_bytes(KEY_BYTES))


def _document(keyset: Keyset) -> dict[str, Any]:
    keys = [
        {
            "id": key.id,
            "created": key.created.isoformat(),
            "state": key.state.value,
            "key": base64.urlsafe_b64encode(key.secret).decode().rstrip("="),
        }
        for key in keyset.keys
    ]
    return {"active": keyset.active, "keys": keys}


def _read(document: Any) -> Keyset:
    """Raises KeyError, TypeError or ValueError if it is not what `_document` makes."""
    keys = tuple(_read_key(raw) for raw in document["keys"])
    states = {key.id: key.state for key in keys}
    if len(states) != len(keys) or states[document["active"]] is not State.ACTIVE:
        raise ValueError("keys")
    return Keyset(keys, document["active"])


def _read_key(raw: Any) -> Key:
    text = raw["key"]
    secret = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    key = Key(raw["id"], datetime.fromisoformat(raw["created"]), State(raw["state"]), secret)
    if not _ID.fullmatch(key.id) or len(secret) != (KEY_BYTES if key.state is State.ACTIVE else 0):
        raise ValueError("key")
    return key
