"""Hyperscan databases, which are kept: compiling takes seconds, loading milliseconds."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gateway.redact.prefilter.kept import cache_folder, keep, read_kept

try:
    import hyperscan
except ImportError:  # There are no wheels for this platform: all patterns are run.
    hyperscan = None  # type: ignore[assignment]


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
    keep(path, hyperscan.dumpb(made))
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
    kept = read_kept(path)
    if kept is None:
        return None
    try:
        return hyperscan.loadb(kept, hyperscan.HS_MODE_BLOCK)
    except hyperscan.error:
        return None
