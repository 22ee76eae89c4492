"""Runs rows of the tables of recognizers over texts, as the detector does, with the default threshold."""

from __future__ import annotations

from collections.abc import Iterable

import regex

from gateway.redact.context import enhanced
from gateway.redact.recognizers.table import Row

FLAGS = regex.IGNORECASE | regex.MULTILINE | regex.DOTALL
THRESHOLD = 0.5


class Finder:
    """What rows find in a text: `finder(text)` gives the values, `finder.kinds(text)` their types as well."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = [(row, regex.compile(row.pattern, FLAGS)) for row in rows]

    def __call__(self, text: str) -> set[str]:
        return {value for _, value in self.kinds(text)}

    def kinds(self, text: str) -> set[tuple[str, str]]:
        found = set()
        for row, pattern in self._rows:
            for match in pattern.finditer(text):
                if self._score(row, text, match) >= THRESHOLD:
                    found.add((row.entity, match[0]))
        return found

    def _score(self, row: Row, text: str, match: regex.Match[str]) -> float:
        if row.check is not None:
            if not row.check(match[0]):
                return 0.0
            if row.certain:
                return 1.0
        before = "\n".join(text[: match.start()].lower().split()[-6:])
        return enhanced(row.score, before, row.context)
