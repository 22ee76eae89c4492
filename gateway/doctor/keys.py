"""The keyset, the master key that opens it, and the salts beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from gateway.doctor.result import Result, bad, good, warn
from gateway.doctor.setup import Setup
from gateway.seal.keyring import Keyring, salts_file
from gateway.seal.keyset import Keyset
from gateway.seal.master import default_master, master_key
from gateway.settings import ConfigurationError

_OLD = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Keys:
    """`keyring` is for reading only. `beside`: the master key is a file in the keyset's folder."""

    path: Path | None = None
    problem: str = ""
    newest: datetime | None = None
    beside: bool = False
    are_salts_writable: bool = True
    keyring: Keyring | None = field(default=None, repr=False)


def look(setup: Setup) -> Keys:
    """Open them as a server would, but make and drop nothing."""
    path, source = setup.settings.keyset, setup.settings.master_key
    if path is None:
        return Keys()
    beside = _is_beside(path, source)
    writable = _is_writable(salts_file(path))
    try:
        master = master_key(source, path, setup.environ)
        newest = max(key.created for key in Keyset.load(path, master).keys)
        keyring = Keyring.open(path, master, read_only=True)
    except ConfigurationError as error:
        return Keys(path, str(error), None, beside, writable)
    return Keys(path, "", newest, beside, writable, keyring)


def _is_beside(path: Path, source: str | None) -> bool:
    if source is None:
        return True
    kind, _, rest = source.partition(":")
    return kind == "file" and Path(rest).absolute().parent.resolve() == path.absolute().parent.resolve()


def _is_writable(salts: Path) -> bool:
    """A file of salts is also replaced as a whole, which takes the right to write to its folder."""
    return os.access(salts.parent, os.W_OK | os.X_OK) and (not salts.exists() or os.access(salts, os.R_OK | os.W_OK))


def judge(keys: Keys, now: datetime, *, is_needed: bool) -> Iterator[Result]:
    """`is_needed`: something outlives the process that was made with the keys."""
    if keys.path is None:
        if is_needed:
            problem = "none, so a restart loses what Redis holds, and who signed the audit log"
            yield warn("keyset", problem, "`gateway key init keys.json`, then --keyset keys.json: docs/keys.md")
        else:
            yield good("keyset: none; keys are new at each start")
        return
    where = f"keyset {keys.path}"
    if keys.problem:
        yield bad(where, keys.problem, f"`gateway key list --keyset {keys.path}` says the same: docs/keys.md")
    if not keys.are_salts_writable:
        salts = salts_file(keys.path)
        yield bad(where, f"{salts} or its folder cannot be written", "give them to the user that runs the gateway")
    if keys.beside:
        other = default_master(keys.path).name
        remedy = f"keep it apart: --master-key file:/another/place/{other}, env:NAME or command:PROGRAM (a KMS)"
        yield warn(where, "the master key lies in the same folder: one backup or theft has both", remedy)
    if keys.newest is not None:
        days = (now - keys.newest).days
        if now - keys.newest > _OLD:
            yield warn(where, f"its newest key is {days} days old", f"`gateway key rotate --keyset {keys.path}`")
        yield good(f"{where}: opens; its newest key is {max(0, days)} days old")
