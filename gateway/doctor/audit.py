"""The audit log: a gateway that cannot write it serves nobody."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.doctor.result import Result, bad, good, warn
from gateway.observe.audit_heads import directory_of
from gateway.seal.files import is_open_to_others
from gateway.settings import Settings

_GIB = 2**30
_FEW_BYTES, _LEAST_BYTES = _GIB, 100 * 2**20
_LARGE_BYTES = _GIB


@dataclass(frozen=True, slots=True)
class Audit:
    """`path` None: there is no log, or it is a stream."""

    path: Path | None = None
    can_write: bool = True
    can_write_heads: bool = True
    is_open: bool = False
    size_bytes: int = 0
    free_bytes: int = 0


def look(settings: Settings) -> Audit:
    """Nothing is made: whether it could be is asked."""
    if settings.audit in ("none", "-"):
        return Audit()
    path = Path(settings.audit)
    heads = directory_of(path)
    folder = os.access(path.parent, os.W_OK | os.X_OK)
    try:
        status = os.stat(path)
        can_write, is_open, size = os.access(path, os.R_OK | os.W_OK), is_open_to_others(status), status.st_size
    except OSError:
        can_write, is_open, size = folder, False, 0
    try:
        room = os.statvfs(path.parent)
        free = room.f_bavail * room.f_frsize
    except OSError:
        free = 0
    can_write_heads = os.access(heads, os.W_OK | os.X_OK) if heads.exists() else folder
    return Audit(path, can_write and path.parent.is_dir() and not path.is_dir(), can_write_heads, is_open, size, free)


def judge(audit: Audit, settings: Settings) -> Iterator[Result]:
    if audit.path is None:
        yield good("audit: to standard output" if settings.audit == "-" else "audit: no log is written")
        return
    where, owner = f"audit {audit.path}", "give it to the user that runs the gateway, or name another place"
    if not audit.can_write:
        yield bad(where, "it cannot be written, or its folder is not there", owner)
        return
    wrong = []
    if not audit.can_write_heads:
        wrong.append(bad(where, f"{directory_of(audit.path)} cannot be written, or not be made", owner))
    if audit.is_open:
        wrong.append(warn(where, "others may read it: who asked when", f"chmod 600 {audit.path}"))
    mib = audit.free_bytes // 2**20
    if audit.free_bytes < _FEW_BYTES:
        verdict = bad if audit.free_bytes < _LEAST_BYTES else warn
        wrong.append(
            verdict(where, f"{mib} MiB are free on its disk", "a gateway with a full disk refuses all: make room")
        )
    if not settings.audit_max_size and audit.size_bytes > _LARGE_BYTES:
        problem = f"it has {audit.size_bytes // 2**20} MiB and grows without end"
        wrong.append(warn(where, problem, "audit_max_size: 1073741824 begins a new file in time: docs/audit.md"))
    yield from wrong or [good(f"{where}: can be written; {mib} MiB are free")]
