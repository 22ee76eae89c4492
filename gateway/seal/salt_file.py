"""The file in which salts are kept: one sealed record a line, appended to, and written anew when salts are destroyed.

The first line is the file's own mark, sealed anew whenever the file is written anew: its bytes tell a reader whether
the lines that it knows are still the file's lines, or whether it has to begin again. Readers take no lock. Writers do.
"""

from __future__ import annotations

import base64
import binascii
import errno
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gateway.seal.derive import KEY_BYTES, derived
from gateway.seal.envelope import RecordSealer
from gateway.seal.errors import SaltsUnavailable, SealError
from gateway.seal.files import (
    LOCK_S,
    Identity,
    identity,
    identity_of,
    is_open_to_others,
    keep_owner,
    locked,
    sync_directory,
)

_MASTER_NUMBER = 0
_AAD = b"gateway salts 1"
_MARK = b"gateway salts 1"
_UNREAD: Identity = (-1, -1, -1)
_TRIES = 10


class Place(NamedTuple):
    """Whose a salt is. A subject of "" is the tenant itself."""

    group: str
    tenant: str
    subject: str


class Record(NamedTuple):
    """A line: 32 random bytes, and when they were drawn in seconds since the epoch."""

    place: Place
    salt: bytes
    created: float

    def __repr__(self) -> str:
        return "<Record>"


class Entry(NamedTuple):
    """A record and where its line is in the file."""

    record: Record
    start: int
    end: int


class Change(NamedTuple):
    """What a look at the file gave: lines that came to it, or all of its lines if it was written anew."""

    anew: bool
    entries: list[Entry]


class SaltFile:
    """One process's view of the file. Not safe for threads: whoever owns it takes care."""

    def __init__(self, path: Path, master: bytes) -> None:
        self._path = path
        self._text = os.fspath(path)
        self._sealer = RecordSealer({_MASTER_NUMBER: derived(master, ("salts file",))}, _MASTER_NUMBER)
        self._seen: Identity | None = _UNREAD
        self._broken: Identity | None = _UNREAD
        self._mark = b""
        self._end = 0
        # What lines said, by their hashes: a file that was written anew holds mostly lines that are known.
        self._known: dict[bytes, Record] = {}

    def look(self) -> Change | None:
        """None: nothing changed. Raises SealError if a line does not open, SaltsUnavailable if it cannot be read."""
        try:
            found = identity(self._text)
            if found == self._seen:
                return None
            if found is not None and found == self._broken:
                raise SealError
            return self._read()
        except OSError as error:
            raise SaltsUnavailable(self._path, str(error.strerror)) from None

    @contextmanager
    def writing(self, wait_s: float = LOCK_S) -> Iterator[None]:
        """Around each change. Raises SaltsUnavailable for whatever goes wrong with the file within, and if another
        process is writing for longer."""
        try:
            with locked(self._path, wait_s):
                yield
        except OSError as error:
            raise SaltsUnavailable(self._path, str(error.strerror)) from None

    def append(self, record: Record, durable: bool) -> Entry:
        """One more line; within `writing`, after a look. `durable`: on the disk before it is used."""
        if not self._mark:
            self.rewrite([])
        line, mark = self._line(_encoded(record)), self._mark
        start, end = self._end, self._end + len(line)
        handle = os.open(self._text, os.O_WRONLY | os.O_CLOEXEC)
        try:
            self._check(handle)
            self._unread()
            # What a writer that died has left of a line.
            os.ftruncate(handle, start)
            try:
                _write(handle, line, start)
                if durable:
                    os.fsync(handle)
            except OSError:
                os.ftruncate(handle, start)
                raise
            self._mark, self._end, self._seen = mark, end, identity_of(os.fstat(handle))
        finally:
            os.close(handle)
        self._known[sha256(line[:-1]).digest()] = record
        return Entry(record, start, end)

    def rewrite(self, kept: Sequence[Entry]) -> list[Entry]:
        """The file with these of its lines and no others; within `writing`, after a look. Gives where they are now."""
        try:
            old = os.open(self._text, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            if kept:
                raise
            return self._written(kept, None)
        try:
            self._check(old)
            return self._written(kept, old)
        finally:
            os.close(old)

    def has_leftover(self) -> bool:
        """Whether a writer died, and left what it wrote."""
        return os.path.lexists(self._leftover())

    def remove_leftover(self) -> None:
        """Within `writing`."""
        leftover = self._leftover()
        with suppress(FileNotFoundError):
            handle = os.open(leftover, os.O_RDWR | os.O_CLOEXEC)
            try:
                os.unlink(leftover)
                _overwrite(handle)
            finally:
                os.close(handle)

    def _written(self, kept: Sequence[Entry], old: int | None) -> list[Entry]:
        mark = self._line(_MARK)
        lines = [mark]
        moved = []
        end = len(mark)
        for entry in kept:
            line = os.pread(old, entry.end - entry.start, entry.start) if old is not None else b""
            moved.append(Entry(entry.record, end, end + len(line)))
            end += len(line)
            lines.append(line)
        # A fixed name: what is left of it after a crash is found and removed by the next one.
        temporary = self._leftover()
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(handle, 0o600)
            keep_owner(handle, self._path)
            _write(handle, b"".join(lines), 0)
            if old is not None:
                # Later than the old one by all means, so that no reader takes one for the other.
                status, before = os.fstat(handle), os.fstat(old)
                newest = max(status.st_mtime_ns, before.st_mtime_ns + 1)
                os.utime(handle, ns=(status.st_atime_ns, newest))
            os.fsync(handle)
            self._unread()
            os.replace(temporary, self._text)
            sync_directory(self._path)
            seen = identity_of(os.fstat(handle))
        finally:
            os.close(handle)
        self._known = {sha256(line[:-1]).digest(): m.record for line, m in zip(lines[1:], moved, strict=True)}
        self._mark, self._end, self._seen = mark, end, seen
        if old is not None:
            _overwrite(old)
        return moved

    def _check(self, handle: int) -> None:
        """Raises OSError if it is not the file that was looked at: somebody put another one there without the lock."""
        if self._seen is None or os.fstat(handle).st_ino != self._seen[0]:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    def _unread(self) -> None:
        """What is begun now may fail halfway: then the next look reads everything."""
        self._seen, self._mark = _UNREAD, b""

    def _leftover(self) -> str:
        return self._text + ".new"

    def _line(self, plain: bytes) -> bytes:
        return base64.b64encode(self._sealer.seal(plain, _AAD)) + b"\n"

    def _read(self) -> Change:
        """Raises OSError, SealError."""
        for _ in range(_TRIES):
            try:
                file = open(self._text, "rb")  # noqa: SIM115
            except FileNotFoundError:
                return self._emptied(None)
            with file:
                status = os.fstat(file.fileno())
                if is_open_to_others(status):
                    raise PermissionError(0, f"others than its owner may read it; `chmod 600 {self._path}`")
                mark, start, raw = self._raw(file, status.st_size)
                now = identity(self._text)
                # A file that was replaced meanwhile may have been overwritten while it was read.
                if now is not None and now[0] == status.st_ino:
                    return self._change(mark, start, raw, identity_of(status))
        raise TimeoutError(0, "it changes all the time")

    def _raw(self, file: BinaryIO, size: int) -> tuple[bytes, int, bytes]:
        """The first line, and what follows it or what was read before: from where on, and the bytes."""
        mark = file.readline()
        # One that has changed and not grown was not changed by a writer: it is read anew, and must open.
        start = self._end if mark == self._mark and self._end < size else len(mark)
        file.seek(start)
        return mark, start, file.read(size - start)

    def _change(self, mark: bytes, start: int, raw: bytes, seen: Identity) -> Change:
        if seen[1] == 0:
            return self._emptied(seen)
        anew = start != self._end or mark != self._mark or seen[1] <= self._end
        try:
            if anew and (self._plain(mark.removesuffix(b"\n")) != _MARK or not mark.endswith(b"\n")):
                raise SealError
            known: dict[bytes, Record] = {}
            entries = list(self._entries(raw, start, known))
        except SealError:
            self._broken = seen
            raise
        self._known = known if anew else self._known | known
        self._mark, self._seen = mark, seen
        self._end = entries[-1].end if entries else start
        return Change(anew, entries)

    def _emptied(self, seen: Identity | None) -> Change:
        self._seen, self._mark, self._end, self._known = seen, b"", 0, {}
        return Change(True, [])

    def _entries(self, raw: bytes, start: int, known: dict[bytes, Record]) -> Iterator[Entry]:
        """Of whole lines; what follows the last one is of a writer that is not done, or died. Raises SealError."""
        for line in raw.split(b"\n")[:-1]:
            key = sha256(line).digest()
            record = self._known.get(key) or _decoded(self._plain(line))
            known[key] = record
            yield Entry(record, start, start + len(line) + 1)
            start += len(line) + 1

    def _plain(self, line: bytes) -> bytes:
        """Raises SealError."""
        sealed = b""
        with suppress(binascii.Error):
            sealed = base64.b64decode(line, validate=True)
        return self._sealer.open(sealed, _AAD)

    def __repr__(self) -> str:
        return "<SaltFile>"


def _encoded(record: Record) -> bytes:
    salt = base64.b64encode(record.salt).decode()
    return json.dumps([*record.place, salt, record.created]).encode()


def _decoded(plain: bytes) -> Record:
    """Raises SealError if it is not what `_encoded` makes: a mark among the records, or a later gateway's."""
    try:
        group, tenant, subject, salt, created = json.loads(plain)
        record = Record(Place(str(group), str(tenant), str(subject)), base64.b64decode(salt), float(created))
    except (ValueError, TypeError):
        record = None
    if record is None or len(record.salt) != KEY_BYTES:
        raise SealError
    return record


def _write(handle: int, content: bytes, at: int) -> None:
    while content:
        done = os.pwrite(handle, content, at)
        content, at = content[done:], at + done


def _overwrite(handle: int) -> None:
    """Zeros over all bytes of a file that has no name any more.

    Best effort: SSDs, journals, snapshots and file systems that copy on write may still have the old blocks.
    """
    with suppress(OSError):
        _write(handle, bytes(os.fstat(handle).st_size), 0)
        os.fsync(handle)
