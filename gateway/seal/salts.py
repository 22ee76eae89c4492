"""Random salts, without which no key of a tenant or subject can be derived again. To destroy one makes every copy of
what was sealed under it unreadable, in backups and replicas too, even for somebody who has the keyset.

Two groups. `text`: of what the action `encrypt` puts into texts; lives until the tenant is shredded. `cache`: of what
is kept for a short time; lives a day, then another takes its place, so that old copies become unreadable by themselves.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from gateway.seal.derive import KEY_BYTES
from gateway.seal.errors import SaltsUnavailable, SealError
from gateway.seal.salt_file import Change, Entry, Place, Record, SaltFile
from gateway.settings import ConfigurationError

WallClock = Callable[[], float]
"""Seconds since the epoch. Somebody may set it."""

LIFE_S = 86_400.0
_SWEEP_S = 3_600.0
_HASTE_S = 0.1
"""How long a request waits for another process that writes: all requests of this one wait with it."""


Group = Literal["text", "cache"]
"""What a salt is for."""
TEXT: Group = "text"
CACHE: Group = "cache"


class Salts:
    """The salts of a file, as all processes of the host see them: each call follows what the others changed.

    Not safe for threads: the keyring that owns it takes care.
    """

    def __init__(self, path: Path, master: bytes, clock: WallClock, *, read_only: bool = False) -> None:
        """Raises ConfigurationError if the file is there and cannot be read. `read_only`: make and drop none."""
        self._path = path
        self._file = SaltFile(path, master)
        self._clock = clock
        self._read_only = read_only
        self._table: dict[tuple[str, str, str], Entry] = {}
        self._lines = 0
        self._swept = 0.0
        self.generation = 0
        """Another number whenever a salt has gone."""
        try:
            self._follow()
        except SaltsUnavailable as error:
            raise ConfigurationError(str(error)) from None
        except SealError:
            raise ConfigurationError(
                f"{path}: does not open with this master key: it belongs to another one, or the file was changed; "
                "take both from one backup, or remove the file if all that was sealed may be lost"
            ) from None
        if not read_only:
            self._sweep()

    def salt(self, group: Group, tenant: str, subject: str = "") -> bytes:
        """The tenant's salt, followed by the subject's if there is one; 32 or 64 bytes. Makes what is missing.

        Raises SealError if the file was changed by somebody else, SaltsUnavailable if it cannot be written.
        """
        self._follow()
        now = self._clock()
        if not self._read_only and not 0 <= now - self._swept < _SWEEP_S:
            self._sweep()
        salt = self._fresh(group, tenant, "", now)
        if subject and salt is not None:
            own = self._fresh(group, tenant, subject, now)
            salt = salt + own if own is not None else None
        return self._made(group, tenant, subject) if salt is None else salt

    def destroy(self, group: Group | None, tenant: str, subject: str | None = None) -> int:
        """Destroy a subject's salts, or the tenant's and those of all its subjects; None: of all groups. How many.

        Raises SealError, SaltsUnavailable.
        """
        if self._read_only:
            raise SaltsUnavailable(self._path, "they were opened to be read only")
        with self._file.writing():
            self._follow()
            entries = list(self._table.values())
            kept = [entry for entry in entries if not _is_chosen(entry.record.place, group, tenant, subject)]
            if len(kept) < len(entries):
                self._rewrite(kept)
        return len(entries) - len(kept)

    def _follow(self) -> None:
        change = self._file.look()
        if change is not None:
            self._apply(change)

    def _apply(self, change: Change) -> None:
        if change.anew:
            self._table, self._lines = {}, 0
            self.generation += 1
        for entry in change.entries:
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        place = entry.record.place
        if place in self._table:
            self.generation += 1
        self._table[place] = entry
        self._lines += 1

    def _fresh(self, group: Group, tenant: str, subject: str, now: float) -> bytes | None:
        entry = self._table.get((group, tenant, subject))
        return None if entry is None or _is_stale(entry.record, now) else entry.record.salt

    def _made(self, group: Group, tenant: str, subject: str) -> bytes:
        if self._read_only:
            raise SealError
        with self._file.writing(_HASTE_S):
            # Another process may have made them since.
            self._follow()
            now = self._clock()
            salts = []
            for whose in ("", subject) if subject else ("",):
                salt = self._fresh(group, tenant, whose, now)
                if salt is None:
                    salt = secrets.token_bytes(KEY_BYTES)
                    record = Record(Place(group, tenant, whose), salt, now)
                    self._add(self._file.append(record, durable=group == TEXT))
                salts.append(salt)
            if self._lines >= 2 * len(self._table):
                self._rewrite(list(self._table.values()))
        return b"".join(salts)

    def _sweep(self) -> None:
        """Drop what is too old. It waits for another time if the file cannot be written."""
        self._swept = now = self._clock()
        try:
            if not self._is_due(now):
                return
            with self._file.writing(_HASTE_S):
                self._file.remove_leftover()
                self._follow()
                if self._is_due(now):
                    self._rewrite(list(self._table.values()))
        except SaltsUnavailable:
            logging.getLogger("gateway").warning("salts that are too old could not be destroyed")

    def _is_due(self, now: float) -> bool:
        return (
            self._file.has_leftover()
            or self._lines > len(self._table)
            or any(_is_stale(entry.record, now) for entry in self._table.values())
        )

    def _rewrite(self, kept: list[Entry]) -> None:
        """The file without stale lines, too."""
        now = self._clock()
        moved = self._file.rewrite([entry for entry in kept if not _is_stale(entry.record, now)])
        self._apply(Change(True, moved))

    def __repr__(self) -> str:
        return "<Salts>"


def _is_stale(record: Record, now: float) -> bool:
    """A day old, or from a future that is further away than that: the clock was set back."""
    return abs(now - record.created) >= LIFE_S and record.place.group == CACHE


def _is_chosen(place: Place, group: Group | None, tenant: str, subject: str | None) -> bool:
    return place.tenant == tenant and group in (None, place.group) and subject in (None, place.subject)
