"""Heads: for each chain of an audit log a small signed file that says how far the chain has come.

They stand in `FILE.heads/`. The lines of a log hold on to those before them, so a tail that was cut off is missed by
nothing that is left of the log; its head misses it. Whoever wants to be safe from somebody who can write to all of the
disk copies the heads elsewhere. What a later chain has said of an earlier one in its signed first line is as good as
a head, so the heads of chains that ended go when the next gateway starts.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from gateway.observe.audit_lines import MOST_ITEMS, HeadMark, head_text, now, read_head
from gateway.seal.signing import Signer
from gateway.settings import ConfigurationError

_MOST_BYTES = 4096
SUFFIX = ".heads"
"""Of the directory beside a log."""
_HEAD, _LIVE = ".json", ".live"


class Heads:
    """The directory, as the process sees it that writes one of the chains."""

    def __init__(self, log: str, chain: str) -> None:
        """Makes the directory. Raises ConfigurationError."""
        self._directory = directory_of(Path(log))
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"setting audit: the directory {self._directory} is needed beside the log and cannot be made "
                f"({error.strerror}); make it, or name a log where it can be made"
            ) from None
        self._chain = chain
        self._live = -1
        self._cited: list[str] = []

    def open(self, public: str) -> list[HeadMark]:
        """Say that the chain is written to, as long as this process lives; give the heads of those that nobody writes
        to any more. Only those which `public` has signed are believed. Raises OSError."""
        self._live = os.open(self._file(self._chain, _LIVE), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._live, fcntl.LOCK_SH | fcntl.LOCK_NB)
        known = []
        for path in sorted(self._directory.glob(f"*{_HEAD}")):
            found = _read(path)
            if found is None or found[1] != public or found[0].chain != path.stem or is_live(path):
                continue
            known.append(found[0])
            if len(known) == MOST_ITEMS:
                break
        self._cited = [mark.chain for mark in known]
        return known

    def forget_cited(self) -> None:
        """The heads that `open` gave are in a line on the disk now."""
        for chain in self._cited:
            for kind in (_HEAD, _LIVE):
                self._file(chain, kind).unlink(missing_ok=True)
        self._cited = []

    def put(self, seq: int, hash_: str, signer: Signer, *, ended: bool, sync: bool) -> None:
        """Replace the chain's head. Raises OSError."""
        text = head_text(HeadMark(self._chain, seq, hash_, ended, now()), signer)
        temporary = self._file(self._chain, ".new")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            if os.write(handle, text) != len(text):
                raise OSError(0, "a head was written in part")
            if sync:
                os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(temporary, self._file(self._chain, _HEAD))

    def close(self) -> None:
        """The chain is written to no more."""
        if self._live >= 0:
            with suppress(OSError):
                self._file(self._chain, _LIVE).unlink(missing_ok=True)
            os.close(self._live)
            self._live = -1

    def _file(self, chain: str, kind: str) -> Path:
        return self._directory / f"{chain}{kind}"


def directory_of(log: Path) -> Path:
    """Where the heads of a log are. A file that was moved aside shares those of the log that it came from."""
    return log.with_name(log.name + SUFFIX)


def heads_in(place: Path) -> tuple[list[tuple[HeadMark, str]], list[Path]]:
    """The heads of a directory, or of a file with one on each line, with the keys that signed them; and what among
    them is no head. Raises OSError if the place cannot be read."""
    good: list[tuple[HeadMark, str]] = []
    bad: list[Path] = []
    for path in sorted(place.glob(f"*{_HEAD}")) if place.is_dir() else [place]:
        for raw in path.read_bytes().splitlines():
            found = read_head(raw)
            if found is None or (place.is_dir() and found[0].chain != path.stem):
                bad.append(path)
            else:
                good.append(found)
    return good, bad


def texts_in(directory: Path) -> list[str]:
    """The heads as lines, to be kept elsewhere. Raises OSError."""
    return [path.read_text("ascii", "replace").strip() for path in sorted(directory.glob(f"*{_HEAD}"))]


def is_live(head: Path) -> bool:
    """Whether a process on this host writes to the chain of a head now."""
    try:
        handle = os.open(head.with_suffix(_LIVE), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(handle)


def _read(path: Path) -> tuple[HeadMark, str] | None:
    try:
        with path.open("rb") as file:
            return read_head(file.read(_MOST_BYTES))
    except OSError:
        return None
