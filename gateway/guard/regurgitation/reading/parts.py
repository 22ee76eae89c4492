"""The work of a build that is done already: parts of the index to be, in a folder beside it, named by what they are of.

A part's name is a keyed hash of all that went into it, so that nobody tests guesses of documents against names, and so
that a source that has changed has no part. A record beside the parts is written when they are whole, and counts alone.
"""

from __future__ import annotations

import hmac
import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from gateway import __version__
from gateway.guard.regurgitation.reading.core import IndexKey
from gateway.guard.regurgitation.reading.documents import Fault, Labels
from gateway.guard.regurgitation.reading.limits import Limits
from gateway.guard.regurgitation.reading.sources import Source
from gateway.seal.derive import derived

LOCK = "build"
"""What keeps two builds apart; the lock's name begins with it."""

_VERSION = 1
_PURPOSE = "regurgitation index parts"


@dataclass(frozen=True, slots=True)
class Record:
    """What became of a group of sources: files of parts in order, and counts. `faults` are in the order of reading."""

    parts: tuple[str, ...] = ()
    documents: int = 0
    chars: int = 0
    faults: tuple[Fault, ...] = ()
    is_old: bool = field(default=False, compare=False)
    """The work was done by an earlier build."""


def parts_folder(index: Path) -> Path:
    """Where the parts of an index are while it is built."""
    return index.with_name(index.name + ".parts")


class Parts:
    """A folder of parts and records. Safe for several processes, since each name has one content."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self) -> None:
        """For its owner's eyes only: faults name files. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def remove(self) -> None:
        """With all that is in it."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self.folder)

    def clear(self) -> bool:
        """Remove all that an earlier build has left; whether any of its work was done. Raises OSError."""
        had = any(self.folder.glob("*.json"))
        for path in self.folder.iterdir():
            if not path.name.startswith(LOCK):
                path.unlink()
        return had

    def record(self, name: str) -> Record | None:
        """What was done under a name, if all of it is there."""
        try:
            kept = json.loads((self.folder / f"{name}.json").read_bytes())
            faults = tuple(Fault(*fault) for fault in kept["faults"])
            sizes = {part: (self.folder / part).stat().st_size for part in kept["sizes"]}
            is_whole = kept["version"] == _VERSION and sizes == kept["sizes"]
            return Record(tuple(sizes), kept["documents"], kept["chars"], faults, is_old=True) if is_whole else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write_part(self, name: str, part: bytes) -> str:
        """The part's file. Raises OSError."""
        file = f"{name}.part"
        self._write(file, part)
        return file

    def write_record(self, name: str, record: Record) -> None:
        """To be called when the parts are written. Raises OSError."""
        kept = {
            "version": _VERSION,
            "documents": record.documents,
            "chars": record.chars,
            "sizes": {part: (self.folder / part).stat().st_size for part in record.parts},
            "faults": [(fault.where, fault.why, fault.is_loss) for fault in record.faults],
        }
        self._write(f"{name}.json", json.dumps(kept).encode())

    def _write(self, file: str, content: bytes) -> None:
        handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=f"{file}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(handle)
        os.replace(temporary, self.folder / file)


def name_of(key: IndexKey, labels: Labels, limits: Limits, contents: Iterable[tuple[Source, bytes | str]]) -> str:
    """For what is read of sources: their bytes, or why there are none."""
    secret = derived(key.secret, (_PURPOSE,))
    total = hmac.new(secret, repr((_VERSION, __version__, labels, limits)).encode(), sha256)
    for source, content in contents:
        raw = content.encode() if isinstance(content, str) else content
        place = (source.name, source.kind.value, source.start, source.first_line, isinstance(content, str))
        total.update(repr(place).encode() + b"\0" + sha256(raw).digest())
    return total.hexdigest()[:40]
