"""The keys as a running gateway uses them: a keyset and the salts beside it, both followed while it runs.

A key that is added seals within a second, one that is retired opens nothing within a second, and what was forgotten is
gone at the next call, in all workers of the host.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

from gateway.seal.derive import KEY_BYTES, derived
from gateway.seal.envelope import EntrySealer
from gateway.seal.errors import SealError
from gateway.seal.files import Identity, identity
from gateway.seal.keyset import Keyset
from gateway.seal.salts import CACHE, TEXT, Group, Salts, WallClock
from gateway.seal.text import TextSealer
from gateway.settings import ConfigurationError

TEXT_PURPOSE = "redact encrypt"
"""The purpose of the sealers for values within texts."""

_LOOK_S = 1.0
_DERIVED = 4096

Made = TypeVar("Made")


class Keyring:
    """Sealers and secrets by purpose, tenant and subject. It never shows its keys. Safe for threads.

    It can be pickled for worker processes: they open the same files. Whoever made it closes it.
    """

    def __init__(
        self,
        path: Path,
        master: bytes,
        *,
        keyset: Keyset | None = None,
        read_only: bool = False,
        clock: WallClock = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`keyset`: one that is in no file. Use `open` or `ephemeral`."""
        self._path = path
        self._master = master
        self._given = keyset
        self._read_only = read_only
        self._monotonic = monotonic
        self._seen = _seen(path)
        self._looked = monotonic()
        self._keyset = keyset or Keyset.load(path, master)
        self._salts = Salts(salts_file(path), master, clock, read_only=read_only)
        self._generation = self._salts.generation
        self._lock = threading.Lock()
        self._texts = _Recent[TextSealer](_DERIVED)
        self._entries = _Recent[EntrySealer](_DERIVED)
        self._secrets = _Recent[bytes](_DERIVED)
        self._made_by: int | None = None

    @classmethod
    def open(
        cls,
        path: Path,
        master: bytes,
        *,
        read_only: bool = False,
        clock: WallClock = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> Keyring:
        """Of a keyset file and the salts beside it. `read_only`: for a tenant without salts it raises SealError.

        Raises ConfigurationError, which says what to do.
        """
        return cls(path, master, read_only=read_only, clock=clock, monotonic=monotonic)

    @classmethod
    def ephemeral(cls, clock: WallClock = time.time, monotonic: Callable[[], float] = time.monotonic) -> Keyring:
        """Of new keys that are in no file, with salts in a directory that `close` removes."""
        directory = Path(tempfile.mkdtemp(prefix="gateway-"))
        master = secrets.token_bytes(KEY_BYTES)
        made = cls(directory / "keys", master, keyset=Keyset.fresh(), clock=clock, monotonic=monotonic)
        made._made_by = os.getpid()
        return made

    def texts(self, tenant: str) -> TextSealer:
        """What the action `encrypt` seals a tenant's values with. Raises SealError, SaltsUnavailable."""
        with self._lock:
            salt = self._salt(TEXT, tenant, "")
            return self._texts.get((tenant, salt), lambda: self._new_texts(tenant, salt))

    def opened(self, tenant: str, sealed: bytes, bound: bytes) -> bytes | None:
        """What `texts` sealed for the tenant; None if it does not open, for whatever reason."""
        try:
            return self.texts(tenant).open(sealed, bound)
        except SealError:
            return None

    def entries(self, purpose: str, tenant: str, subject: str) -> EntrySealer:
        """What seals entries that are stored. Raises SealError, SaltsUnavailable."""
        with self._lock:
            salt = self._salt(CACHE, tenant, subject)
            place = (purpose, tenant, subject)
            return self._entries.get((*place, salt), lambda: self._new_entries(place, salt))

    @property
    def created_s(self) -> float:
        """When the key was made with which is sealed now, in seconds since 1970."""
        keyset = self._keyset
        return next(key.created.timestamp() for key in keyset.keys if key.id == keyset.active)

    def secret(self, purpose: str) -> bytes:
        """32 bytes that no tenant's salt is in. They change when the keyset is rotated."""
        with self._lock:
            self._follow()
            return self._secrets.get((purpose,), lambda: self._keyset.secret(purpose))

    def secrets(self, purpose: str) -> list[bytes]:
        """The same for each key that may still open, the one that seals first."""
        with self._lock:
            self._follow()
            return self._keyset.secrets(purpose)

    def key_for(self, purpose: str, key_id: str | None = None) -> tuple[str, bytes]:
        """A key's id and 32 bytes of it for files that outlive a rotation: of the key that seals, or of the one named.

        Raises ConfigurationError if there is no such key, or if it is retired.
        """
        with self._lock:
            self._follow()
            return self._keyset.key_for(purpose, key_id)

    def tenant_secret(self, purpose: str, tenant: str, subject: str = "") -> bytes:
        """32 bytes that change when the keyset is rotated, when they are forgotten, and at least once a day.

        Raises SealError, SaltsUnavailable.
        """
        with self._lock:
            salt = self._salt(CACHE, tenant, subject)
            place = (purpose, tenant, subject)
            return self._secrets.get((*place, salt), lambda: self._new_secret(place, salt))

    def forget(self, tenant: str, subject: str | None = None) -> int:
        """Make what is stored for a subject unreadable for ever, or for a tenant and all its subjects.

        How many salts were destroyed. Raises SealError, SaltsUnavailable.
        """
        with self._lock:
            return self._destroyed(CACHE, tenant, subject)

    def shred(self, tenant: str) -> int:
        """The same for all that was ever sealed for a tenant, values within texts too."""
        with self._lock:
            return self._destroyed(None, tenant, None)

    def close(self) -> None:
        """Remove what `ephemeral` made. A copy in another process removes nothing."""
        if self._made_by == os.getpid():
            shutil.rmtree(self._path.parent, ignore_errors=True)
            self._made_by = None

    def _destroyed(self, group: Group | None, tenant: str, subject: str | None) -> int:
        try:
            return self._salts.destroy(group, tenant, subject)
        finally:
            self._drop_old()

    def _salt(self, group: Group, tenant: str, subject: str) -> bytes:
        self._follow()
        salt = self._salts.salt(group, tenant, subject)
        self._drop_old()
        return salt

    def _drop_old(self) -> None:
        if self._generation != self._salts.generation:
            self._generation = self._salts.generation
            self._forget_derived()

    def _follow(self) -> None:
        """Take the keyset anew if its file has changed."""
        now = self._monotonic()
        if now - self._looked < _LOOK_S or self._given is not None:
            return
        self._looked = now
        seen = _seen(self._path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._keyset = Keyset.load(self._path, self._master)
        except ConfigurationError:
            # Not what it says: a path may name somebody.
            logging.getLogger("gateway").warning("the keyset file cannot be used; the keys from before stay in force")
            return
        self._forget_derived()

    def _forget_derived(self) -> None:
        for recent in (self._texts, self._entries, self._secrets):
            recent.clear()

    def _new_texts(self, tenant: str, salt: bytes) -> TextSealer:
        return TextSealer(((key.id, key.secret) for key in self._keyset.usable()), TEXT_PURPOSE, tenant, salt)

    def _new_entries(self, place: tuple[str, str, str], salt: bytes) -> EntrySealer:
        usable = self._keyset.usable()
        return EntrySealer({key.number: derived(key.secret, place, salt=salt) for key in usable}, usable[0].number)

    def _new_secret(self, place: tuple[str, str, str], salt: bytes) -> bytes:
        # One word more than a sealer's place has: what is handed out is never the key of a sealer.
        return derived(self._keyset.usable()[0].secret, ("secret", *place), salt=salt)

    def __enter__(self) -> Keyring:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _opened, (self._path, self._master, self._given, self._read_only)

    def __repr__(self) -> str:
        return "<Keyring>"


class _Recent(Generic[Made]):
    """What was made last, so many of them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._made: dict[tuple[str | bytes, ...], Made] = {}

    def get(self, key: tuple[str | bytes, ...], make: Callable[[], Made]) -> Made:
        made = self._made.pop(key, None)
        if made is None:
            made = make()
            if len(self._made) >= self._size:
                del self._made[next(iter(self._made))]
        self._made[key] = made
        return made

    def clear(self) -> None:
        self._made.clear()


def salts_file(keyset: Path) -> Path:
    """Where the salts of a keyset are."""
    return keyset.with_name(keyset.name + ".salts")


def _opened(path: Path, master: bytes, keyset: Keyset | None, read_only: bool) -> Keyring:
    return Keyring(path, master, keyset=keyset, read_only=read_only)


def _seen(path: Path) -> Identity | None:
    try:
        return identity(path)
    except OSError:
        return None
