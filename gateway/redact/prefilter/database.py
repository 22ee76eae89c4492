"""Hyperscan databases, and the folder where they are kept: compiling takes seconds, loading milliseconds.

A database is named by the digest of all that it depends on. It is machine code of a kind, so one is loaded only from a
file that nobody but this user could have written; whatever is wrong with the file, the database is compiled anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

try:
    import hyperscan
except ImportError:  # There are no wheels for this platform: all patterns are run.
    hyperscan = None  # type: ignore[assignment]

_FOLDER = "privacy-gateway"
_DIGEST_BYTES = 32
_MOST_KEPT = 32
_MOST_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression over bytes."""

    source: bytes
    caseless: bool


def is_available() -> bool:
    return hyperscan is not None


def compiles(expression: Expression) -> bool:
    """Whether the expression is small enough for Hyperscan."""
    return _compiled([expression]) is not None


def database(expressions: Sequence[Expression], folder: Path | None = None) -> Any:
    """The database of the expressions, whose numbers are their places. None if one of them is too large."""
    folder = folder or cache_folder()
    path = folder / f"{_digest(expressions)}.hyperscan"
    kept = _load(path)
    if kept is not None:
        return kept
    made = _compiled(expressions)
    if made is None:
        return None
    with contextlib.suppress(OSError):
        _keep(path, hyperscan.dumpb(made))
    return made


def _compiled(expressions: Sequence[Expression]) -> Any:
    made = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    try:
        made.compile(
            expressions=[expression.source for expression in expressions],
            ids=list(range(len(expressions))),
            flags=[_flags(expression) for expression in expressions],
        )
    except hyperscan.error:
        return None
    return made


def scratch_for(made: Any) -> Any:
    """Space to scan in, for one thread."""
    return hyperscan.Scratch(made)


def cache_folder() -> Path:
    """Where databases are kept, whether it exists or not."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / _FOLDER


def _flags(expression: Expression) -> int:
    return hyperscan.HS_FLAG_CASELESS if expression.caseless else 0


def _digest(expressions: Sequence[Expression]) -> str:
    """A database fits the expressions, the library that made it and the processor that it was made for."""
    made_with = f"{version('hyperscan')} {platform.system()} {platform.machine()} {_processor()}"
    digest = hashlib.sha256(made_with.encode())
    for expression in expressions:
        digest.update(b"%d %d " % (_flags(expression), len(expression.source)) + expression.source)
    return digest.hexdigest()


def _processor() -> str:
    """What the processor can do, where the system says so; Hyperscan checks once more when it loads."""
    try:
        lines = Path("/proc/cpuinfo").read_text("ascii", "replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def _load(path: Path) -> Any:
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
            digest, serialised = kept[:_DIGEST_BYTES], kept[_DIGEST_BYTES:]
            if hashlib.sha256(serialised).digest() != digest:
                return None
            return hyperscan.loadb(serialised, hyperscan.HS_MODE_BLOCK)
        except (OSError, hyperscan.error):
            return None


def _is_own(status: os.stat_result) -> bool:
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _is_own_folder(folder: Path) -> bool:
    try:
        return _is_own(folder.stat())
    except OSError:
        return False


def _keep(path: Path, serialised: bytes) -> None:
    """Written beside its place and moved there, so that nobody reads half of it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not _is_own_folder(path.parent):
        return
    # Made for this user alone (0600).
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with open(descriptor, "wb") as file:
            file.write(hashlib.sha256(serialised).digest() + serialised)
        os.replace(name, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    # Those of policies and versions of long ago.
    oldest_first = sorted(path.parent.glob("*.hyperscan"), key=lambda kept: kept.stat().st_mtime)
    for old in oldest_first[:-_MOST_KEPT]:
        old.unlink(missing_ok=True)
