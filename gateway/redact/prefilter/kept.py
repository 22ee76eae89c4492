"""The folder where is kept what takes seconds to make, under names that are digests of all that it is made of.

What is kept decides what is found, and some of it is machine code of a kind. So a file is read only if nobody but this
user could have written it; whatever is wrong with it, what it holds is made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path

_FOLDER = "privacy-gateway"
_DIGEST_BYTES = 32
_MOST_KEPT = 32
_MOST_BYTES = 256 * 2**20


def cache_folder() -> Path:
    """Where it is, whether it exists or not."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / _FOLDER


def read_kept(path: Path) -> bytes | None:
    """None unless the file is whole and could only have been written by this user."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        if not (_is_own(os.fstat(descriptor)) and _is_own_folder(path.parent)):
            return None
        try:
            kept = file.read(_MOST_BYTES)
        except OSError:
            return None
    digest, content = kept[:_DIGEST_BYTES], kept[_DIGEST_BYTES:]
    return content if hashlib.sha256(content).digest() == digest else None


def keep(path: Path, content: bytes) -> None:
    """Written beside its place and moved there, so that nobody reads half of it. What cannot be kept is not."""
    with contextlib.suppress(OSError):
        _keep(path, content)


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not _is_own_folder(path.parent):
        return
    # Made for this user alone (0600).
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with open(descriptor, "wb") as file:
            file.write(hashlib.sha256(content).digest() + content)
        os.replace(name, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    # Those of policies and versions of long ago.
    oldest_first = sorted(path.parent.glob(f"*{path.suffix}"), key=lambda kept: kept.stat().st_mtime)
    for old in oldest_first[:-_MOST_KEPT]:
        old.unlink(missing_ok=True)


def _is_own(status: os.stat_result) -> bool:
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _is_own_folder(folder: Path) -> bool:
    try:
        return _is_own(folder.stat())
    except OSError:
        return False
