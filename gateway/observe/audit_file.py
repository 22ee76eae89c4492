"""The file of the audit log, which several processes write to: whole lines or none, and its turn to another file.

Who writes holds flock(2) on the file, for the microseconds that it takes. So what a full disk left of a line can be cut
off again, and what a killed process left of one gets a newline before the next is written.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.settings import ConfigurationError

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Written:
    """How many lines are in the file now, and why not all; no error and too few lines: somebody else is writing."""

    lines: int
    error: OSError | None = None


class AuditFile:
    """Appends to a file or, for `-` or what is no regular file, to a stream. Not safe for threads."""

    def __init__(self, target: str, max_bytes: int = 0) -> None:
        """`max_bytes`: from this size on the file is moved aside; 0: never. Raises ConfigurationError."""
        self.path = None if target == "-" else target
        self._max_bytes = max_bytes
        self._end = -1
        self._rest = b""
        self._inode = (0, 0)
        try:
            self._file = sys.stdout.fileno() if self.path is None else self._open(self.path)
            self._is_regular = self.path is not None and _is_plain(self.path, self._file)
            if self._is_regular:
                fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                fcntl.flock(self._file, fcntl.LOCK_UN)
        except BlockingIOError:
            pass
        except OSError as error:
            raise ConfigurationError(f"setting audit: {target} cannot be written ({error.strerror})") from None

    @property
    def is_regular(self) -> bool:
        """Whether it is a file with a name, that can be read again."""
        return self._is_regular

    def append(self, lines: Sequence[bytes], *, wait: bool) -> Written:
        """Write lines, each with its newline. `wait`: for another process that writes, however long."""
        if not self._is_regular:
            return self._stream(lines)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return Written(0)
        except OSError as error:
            return Written(0, error)
        try:
            return self._append(lines)
        except OSError as error:
            return Written(0, error)
        finally:
            with suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_UN)

    @property
    def is_full(self) -> bool:
        """Whether it is time for another file."""
        return self._is_regular and 0 < self._max_bytes <= self._end

    def turn(self) -> bool:
        """Move a file aside that is full, and go on in a new one if this has gone from its place: by this process, by
        another, or by logrotate. Whether there is another file now. Raises OSError, and stays with the file it has."""
        if self.path is None or not self._is_regular:
            return False
        if self.is_full:
            self._move_aside(self.path)
        if self._is_in_place(self.path):
            return False
        old, was = self._file, self._inode
        try:
            self._file = self._open(self.path)
        except OSError:
            self._file, self._inode = old, was
            raise
        self._end = -1
        os.close(old)
        return True

    def sync(self) -> None:
        """On the disk. Raises OSError."""
        try:
            os.fsync(self._file)
        except OSError as error:
            # A pipe or a terminal has no disk.
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EROFS):
                raise

    def close(self) -> None:
        if self.path is not None:
            os.close(self._file)

    def _open(self, path: str) -> int:
        try:
            handle = os.open(path, _FLAGS, _MODE)
        except OSError as error:
            # A pipe is not read from, and a socket cannot be opened at all.
            if error.errno not in (errno.EACCES, errno.EPERM) or not _is_stream(path):
                raise
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        status = os.fstat(handle)
        self._inode = (status.st_dev, status.st_ino)
        return handle

    def _append(self, lines: Sequence[bytes]) -> Written:
        """Raises OSError if nothing was written. The lock is held."""
        end = os.fstat(self._file).st_size
        data = b"".join(lines)
        # Where this process has not been the last to write, another may have died in the middle of a line.
        mends = end not in (self._end, 0) and os.pread(self._file, 1, end - 1) != b"\n"
        self._end = end
        if mends:
            data = b"\n" + data
        done, trouble = _written(self._file, data)
        if done == len(data):
            self._end = end + done
            return Written(len(lines))
        # With RLIMIT_FSIZE or a full disk the line at the end is cut; what of it is there goes again.
        whole, count = data.rfind(b"\n", 0, done) + 1, data.count(b"\n", 0, done) - mends
        self._end = end + whole
        if done > whole:
            try:
                os.ftruncate(self._file, end + whole)
            except OSError:
                # The next one to write sees that the last line has no end.
                self._end = -1
        return Written(max(0, count), trouble)

    def _stream(self, lines: Sequence[bytes]) -> Written:
        """What has begun to leave cannot be taken back: the rest of it goes first next time."""
        done, trouble = _written(self._file, self._rest)
        self._rest = self._rest[done:]
        if self._rest:
            return Written(0, trouble)
        data = b"".join(lines)
        done, trouble = _written(self._file, data)
        if done == len(data):
            return Written(len(lines))
        end = data.find(b"\n", done) + 1 if done and data[done - 1] != ord("\n") else done
        self._rest = data[done:end]
        return Written(data.count(b"\n", 0, end), trouble)

    def _is_in_place(self, path: str) -> bool:
        try:
            status = os.stat(path)
        except FileNotFoundError:
            return False
        return (status.st_dev, status.st_ino) == self._inode

    def _move_aside(self, path: str) -> None:
        """One of several processes does it; whoever comes later finds another file in its place. Raises OSError."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            if not self._is_in_place(path):
                return
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
            # Unlike a rename, a link never takes the place of a file.
            os.link(path, f"{path}.{stamp}")
            os.unlink(path)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)


def _written(handle: int, data: bytes) -> tuple[int, OSError | None]:
    """How many bytes were written, and why not all."""
    done = 0
    while done < len(data):
        try:
            done += os.write(handle, data[done:] if done else data)
        except OSError as error:
            return done, error
    return done, None


def _is_plain(path: str, handle: int) -> bool:
    # /dev/stdout may be a file, but none with a place of its own beside it.
    return stat.S_ISREG(os.fstat(handle).st_mode) and not os.path.abspath(path).startswith(("/dev/", "/proc/"))


def _is_stream(path: str) -> bool:
    mode = os.stat(path).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
