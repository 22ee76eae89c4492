"""Private files: for their owner's eyes only, written as a whole or not at all, by one writer at a time."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.settings import ConfigurationError

_OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO
LOCK_S = 5.0
_LOCK_PAUSE_S = 0.005

Identity = tuple[int, int, int]
"""What changes when a file does: its inode, its size, when it was written."""


def identity(path: Path | str) -> Identity | None:
    """None: there is no such file. Raises OSError."""
    try:
        return identity_of(os.stat(path))
    except FileNotFoundError:
        return None


def identity_of(status: os.stat_result) -> Identity:
    """Of a file that is open already."""
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def is_open_to_others(status: os.stat_result) -> bool:
    """Whether others than its owner may do anything with it."""
    return bool(status.st_mode & _OPEN_TO_OTHERS)


def read_private(path: Path, missing: str) -> bytes:
    """Raises ConfigurationError; `missing` says what to do if there is no such file."""
    try:
        with path.open("rb") as file:
            if is_open_to_others(os.fstat(file.fileno())):
                raise ConfigurationError(
                    f"{path}: others than its owner may read it; `chmod 600 {path}`, and make a new key if they did"
                )
            return file.read()
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: there is no such file; {missing}") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from None


@contextmanager
def written_beside(path: Path, content: bytes) -> Iterator[Path]:
    """`content` in a file beside `path`, on the disk and readable by its owner only (mkstemp sees to that), to be
    moved or linked to `path` within the block. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            keep_owner(handle, path)
            os.fsync(handle)
        yield temporary
        sync_directory(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_new(path: Path, content: bytes) -> None:
    """Write a file where none is. Raises FileExistsError or another OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_beside(path, content) as temporary:
        # Unlike a rename, a link never takes the place of a file.
        os.link(temporary, path)


def keep_owner(handle: int, path: Path) -> None:
    """Root at the command line must not take a file away from the gateway that runs as somebody else."""
    if os.geteuid() == 0:
        with suppress(OSError):
            whose = os.stat(path if path.exists() else path.parent)
            os.fchown(handle, whose.st_uid, whose.st_gid)


def sync_directory(path: Path) -> None:
    """A name is on the disk only when its directory is. Raises OSError."""
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path, wait_s: float = LOCK_S) -> Iterator[None]:
    """One at a time, over all processes of the host. Raises OSError, also if another one holds it for longer."""
    handle = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        keep_owner(handle, path)
        until = time.monotonic() + wait_s
        while not _taken(handle):
            if time.monotonic() > until:
                raise TimeoutError(0, "another process holds its lock")
            time.sleep(_LOCK_PAUSE_S)
        yield
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
