"""The process and its machine: files, cores, memory, folders, and who runs it."""

from __future__ import annotations

import os
import resource
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.doctor.result import Result, bad, good, warn
from gateway.redact.prefilter.kept import cache_folder
from gateway.settings import Settings

_MIB = 2**20
_WORKER_BYTES = 350 * _MIB
"""What a worker takes with the builtin engine, about."""
_FILES_OF_ITS_OWN, _FILES_AN_EXCHANGE, _EXCHANGES = 200, 2, 400
"""For Redis, files and pipes; the client's and the upstream's; how many at a time where nothing bounds them."""
_FEWEST_FILES = 256
_TMP_BYTES = 64 * _MIB


@dataclass(frozen=True, slots=True)
class Machine:
    """What a process has here. None: it could not be found out."""

    files: int
    cores: float
    free_bytes: int | None
    is_root: bool
    cache: Path
    is_cache_writable: bool
    is_cache_private: bool
    is_tmp_writable: bool
    tmp_free_bytes: int


def look() -> Machine:
    cache = cache_folder()
    writable, private = _state_of(cache)
    tmp_writable, tmp_free = _tmp()
    return Machine(
        # The gateway takes as many as it may have.
        files=resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        cores=_cores(),
        free_bytes=_free_bytes(),
        is_root=os.geteuid() == 0,
        cache=cache,
        is_cache_writable=writable,
        is_cache_private=private,
        is_tmp_writable=tmp_writable,
        tmp_free_bytes=tmp_free,
    )


def _cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> float:
    """Those that this process may use, by its affinity and by its container's share."""
    cores = float(len(os.sched_getaffinity(0)))
    with suppress(OSError, ValueError):
        most, period = quota.read_text("ascii").split()
        if most != "max":
            return min(cores, int(most) / int(period))
    return cores


def _free_bytes(folder: Path = Path("/sys/fs/cgroup"), known: Path = Path("/proc/meminfo")) -> int | None:
    """Memory that is to be had, on the machine and in its container."""
    found: list[int] = []
    with suppress(OSError, ValueError, IndexError):
        line = next(line for line in known.read_text("ascii").splitlines() if line.startswith("MemAvailable:"))
        found.append(int(line.split()[1]) * 1024)
    with suppress(OSError, ValueError):
        most = (folder / "memory.max").read_text("ascii").strip()
        if most != "max":
            found.append(max(0, int(most) - int((folder / "memory.current").read_text("ascii"))))
    return min(found, default=None)


def _state_of(folder: Path) -> tuple[bool, bool]:
    """Whether a folder can be written or made, and whether only its owner, who is this user, may write to it."""
    try:
        status = folder.stat()
    except OSError:
        above = next((each for each in folder.parents if each.exists()), folder)
        return os.access(above, os.W_OK | os.X_OK), True
    private = status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return os.access(folder, os.W_OK | os.X_OK), private


def _tmp() -> tuple[bool, int]:
    """Whether temporary files can be made, and how many bytes are free for them."""
    try:
        with tempfile.TemporaryFile():
            return True, shutil.disk_usage(tempfile.gettempdir()).free
    except OSError:
        return False, 0


def judge(machine: Machine, settings: Settings) -> Iterator[Result]:
    yield _files(machine.files, settings)
    yield _processors(machine.cores, settings.workers)
    if machine.free_bytes is not None:
        yield _memory(machine.free_bytes, settings)
    yield _cache(machine)
    yield _temporary(machine, settings.workers)
    if machine.is_root:
        yield warn("user", "it runs as root", "run it as a user of its own")
    else:
        yield good("user: not root")


def _files(files: int, settings: Settings) -> Result:
    at_once = settings.max_connections or (settings.places + settings.queue if settings.places else _EXCHANGES)
    needed = _FILES_OF_ITS_OWN + _FILES_AN_EXCHANGE * at_once
    if files == resource.RLIM_INFINITY or files >= needed:
        return good("file descriptors: enough")
    verdict = bad if files < _FEWEST_FILES else warn
    problem = f"{files} for each worker, and {at_once} requests at a time take {needed}"
    return verdict("file descriptors", problem, f"`ulimit -n {max(needed, 4096)}`, or LimitNOFILE= of its service")


def _processors(cores: float, workers: int) -> Result:
    what = f"cores: {cores:g} for {workers} workers"
    if workers > cores and workers > 1:
        return warn(what, "more workers than cores only wait for each other", f"--workers {max(1, int(cores))}")
    return good(what)


def _memory(free_bytes: int, settings: Settings) -> Result:
    needed = settings.workers * _WORKER_BYTES
    what = f"memory: {free_bytes // _MIB} MiB free"
    if free_bytes < needed:
        problem = f"{settings.workers} workers take about {needed // _MIB} MiB, if they do not run already"
        return warn(what, problem, "fewer --workers, or more memory")
    return good(what)


def _cache(machine: Machine) -> Result:
    where, remedy = f"cache folder {machine.cache}", "XDG_CACHE_HOME is to name a folder of this user's own, mode 700"
    if not machine.is_cache_writable:
        return warn(where, "it cannot be written, so each start compiles all patterns anew (10 to 20 s)", remedy)
    if not machine.is_cache_private:
        return warn(where, "others may write to it, so nothing in it is used", remedy)
    return good(where)


def _temporary(machine: Machine, workers: int) -> Result:
    if not machine.is_tmp_writable:
        return bad("temporary files", "none can be made", "a writable /tmp, or TMPDIR with the name of another folder")
    if workers > 1 and machine.tmp_free_bytes < _TMP_BYTES:
        problem = f"{machine.tmp_free_bytes // _MIB} MiB are free, and several workers keep their metrics there"
        return warn("temporary files", problem, "make room, or TMPDIR with the name of another folder")
    return good("temporary files: can be made")
