"""Translations of many patterns, kept over restarts: to translate hundreds takes seconds, to read them milliseconds."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gateway.policy import patterns as trees
from gateway.policy.patterns import NotUnderstood
from gateway.redact.prefilter import alphabet
from gateway.redact.prefilter import translate as translator
from gateway.redact.prefilter.kept import cache_folder, keep, read_kept
from gateway.redact.prefilter.translate import Translated, translate

_SUFFIX = ".patterns"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern as `regex` compiles it."""

    source: str
    flags: int


def translations(asked: Sequence[Pattern], folder: Path | None = None) -> list[Translated | None]:
    """One for each pattern, None for those that must be run on every text. `folder`: instead of the user's cache."""
    path = (folder or cache_folder()) / f"{_digest(asked)}{_SUFFIX}"
    kept = read_kept(path)
    if kept is not None:
        with suppress(ValueError, TypeError):
            return [_read(row) for row in json.loads(kept)]
    made = [_translated(pattern) for pattern in asked]
    keep(path, json.dumps([_written(each) for each in made]).encode())
    return made


def _translated(pattern: Pattern) -> Translated | None:
    try:
        return translate(pattern.source, pattern.flags)
    except NotUnderstood:
        return None


def _digest(asked: Sequence[Pattern]) -> str:
    """Of the patterns, of the code that translates them, and of what that asks about characters."""
    digest = hashlib.sha256(f"{sys.version} {version('regex')}".encode())
    for module in (trees, alphabet, translator):
        digest.update(Path(str(module.__file__)).read_bytes())
    digest.update(json.dumps([astuple(pattern) for pattern in asked]).encode())
    return digest.hexdigest()


def _written(made: Translated | None) -> list[Any] | None:
    if made is None:
        return None
    return [made.source.decode("ascii"), made.caseless, sorted(made.within), made.most, made.beyond]


def _read(row: list[Any] | None) -> Translated | None:
    if row is None:
        return None
    source, caseless, within, most, beyond = row
    return Translated(source.encode("ascii"), caseless, frozenset(within), most, beyond)
