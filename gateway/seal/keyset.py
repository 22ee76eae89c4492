"""Random keys and the file that keeps them: JSON, for its owner's eyes only, written as a whole or not at all.

One way to rotate: a new key seals from now on, the ones before it still open. A key that is retired opens nothing any
more: its bytes are deleted from the file, and what it sealed is lost, on purpose.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import json
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from gateway.seal.aead import KEY_BYTES, Sealer, derived
from gateway.settings import ConfigurationError

_VERSION = 1
_OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO
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
    def load(cls, path: Path) -> Keyset:
        """Raises ConfigurationError, which says what to do: also if others than the owner may read the file."""
        try:
            with path.open(encoding="utf-8") as file:
                if os.fstat(file.fileno()).st_mode & _OPEN_TO_OTHERS:
                    raise ConfigurationError(
                        f"{path}: others than its owner may read it; `chmod 600 {path}`, and rotate if they did"
                    )
                document = json.load(file)
        except FileNotFoundError:
            raise ConfigurationError(f"{path}: there is no such file; `gateway key init {path}` makes it") from None
        except OSError as error:
            raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from None
        except (ValueError, RecursionError):
            raise ConfigurationError(f"{path}: is not a keyset; `gateway key init` makes one") from None
        try:
            return _read(document)
        except (KeyError, TypeError, ValueError, binascii.Error):
            raise ConfigurationError(f"{path}: is not a whole keyset; take it from your backup") from None

    def sealer(self, purpose: str, tenant: str) -> Sealer:
        """What seals and opens for one purpose and one tenant, and for no other."""
        return Sealer(((key.id, key.secret) for key in self._usable()), purpose, tenant)

    def secret(self, purpose: str) -> bytes:
        """32 bytes for a purpose that needs a key and seals nothing. They change when the keyset is rotated."""
        return derived(self._usable()[0].secret, purpose, "", KEY_BYTES)

    def rotated(self) -> Keyset:
        """With one more key, which seals from now on."""
        new = _new_key(f"k{max(int(key.id[1:]) for key in self.keys) + 1}")
        return Keyset((*self.keys, new), new.id)

    def retired(self, key_id: str) -> Keyset:
        """Without the bytes of a key. Raises ConfigurationError if there is no such key or it still seals."""
        if key_id not in {key.id for key in self.keys}:
            raise ConfigurationError("there is no such key; `gateway key list` shows their ids")
        if key_id == self.active:
            raise ConfigurationError(f"{key_id} is the key that seals; `gateway key rotate` first makes another")
        gone = {key.id: replace(key, state=State.RETIRED, secret=b"") for key in self.keys if key.id == key_id}
        return Keyset(tuple(gone.get(key.id, key) for key in self.keys), self.active)

    def _usable(self) -> list[Key]:
        """The key that seals, then those that may still open, newest first."""
        usable = [key for key in reversed(self.keys) if key.state is State.ACTIVE]
        return sorted(usable, key=lambda key: key.id != self.active)

    def __repr__(self) -> str:
        return f"<Keyset of {len(self.keys)} keys>"


def create_keyset(path: Path) -> Keyset:
    """Write a new keyset where no file is. Raises ConfigurationError if one is there: its keys would be lost."""
    keyset = Keyset.fresh()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _written(path, keyset) as temporary:
            # Unlike a rename, a link never takes the place of a file.
            os.link(temporary, path)
    except OSError as error:
        if path.exists():
            raise ConfigurationError(
                f"{path}: there is a file already; `gateway key rotate` adds a key to it"
            ) from None
        raise ConfigurationError(f"{path}: cannot be written ({error.strerror})") from None
    return keyset


@contextmanager
def changed_keyset(path: Path) -> Iterator[list[Keyset]]:
    """The keyset as the only item of a list; what stands there when the block ends well is written. One at a time."""
    held = [Keyset.load(path)]
    try:
        lock = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written ({error.strerror})") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        held[0] = Keyset.load(path)
        yield held
        with _written(path, held[0]) as temporary:
            os.replace(temporary, path)
    finally:
        os.close(lock)


@contextmanager
def _written(path: Path, keyset: Keyset) -> Iterator[Path]:
    """The keyset in a file beside `path`, on the disk and readable by its owner only (mkstemp sees to that)."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(_document(keyset), file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


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
    return {"version": _VERSION, "active": keyset.active, "keys": keys}


def _read(document: Any) -> Keyset:
    """Raises KeyError, TypeError or ValueError if it is not what `_document` makes."""
    if document["version"] != _VERSION:
        raise ValueError("version")
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
