"""Tables with a header: CSV with any delimiter, Markdown tables, also in the middle of prose.

A column is what its name says, as far as its cells agree; one called just `name` holds persons if another column does
not speak of things and either speaks of people or the cells are written like full names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gateway.redact.structure.fields import NAME_MAYBE, ROLE, field_of, words_of
from gateway.redact.structure.found import Found
from gateway.redact.structure.name_shapes import full_match
from gateway.redact.structure.pairs import THINGS
from gateway.redact.structure.shapes import whole

_DELIMITERS = ";\t|,"
_MAX_HEADER_CHARS = 2_000
_MAX_NAME_CHARS = 32
_MAX_NAME_WORDS = 4
_SAMPLE = 20
_LINE = re.compile(r"[^\n]+")
_RULE = re.compile(r"[\s|:+=-]+")
_PEOPLES = frozenset({"PERSON", "EMAIL_ADDRESS", "PHONE_NUMBER", "DATE_OF_BIRTH", "US_SSN", "IBAN_CODE", "ID_NUMBER"})


class _Header(NamedTuple):
    kinds: Sequence[str | None]
    names: Sequence[str]
    delimiter: str
    end: int


Cell = tuple[int, int]


def find_tables(text: str) -> Iterator[Found]:
    if "\n" not in text:
        return
    at = 0
    while line := _LINE.search(text, at):
        at = line.end()
        header = _header(line[0], line.end()) if line.end() - line.start() <= _MAX_HEADER_CHARS else None
        if header is not None:
            rows, at = _rows(text, header)
            yield from _findings(text, header, rows)


def _header(line: str, end: int) -> _Header | None:
    """The line as a header, with the delimiter that yields the most known columns."""
    best: _Header | None = None
    for delimiter in _DELIMITERS:
        if delimiter not in line:
            continue
        names = [name.strip(" \t\r\"'`*") for name in _cut(line, delimiter)]
        if len(names) < 2 or not all(len(name) <= _MAX_NAME_CHARS for name in names):
            continue
        # What comes before a table in its own line is prose: "columns: name".
        if any(name.count(" ") >= _MAX_NAME_WORDS or name.endswith((".", "?", "!")) for name in names):
            continue
        kinds = [field_of(name) if not name.isdigit() else None for name in names]
        known = sum(kind is not None for kind in kinds)
        if known and (best is None or known > sum(kind is not None for kind in best.kinds)):
            best = _Header(kinds, names, delimiter, end)
    return best


def _cut(line: str, delimiter: str) -> list[str]:
    if delimiter == "|":
        line = line.strip().strip("|")
    return line.split(delimiter)


def _rows(text: str, header: _Header) -> tuple[list[list[Cell]], int]:
    """The rows below a header, each with its cells, and where they end."""
    rows: list[list[Cell]] = []
    at = header.end
    while at < len(text) and text[at] == "\n":
        cells, end = _cells(text, at + 1, header.delimiter)
        if _RULE.fullmatch(text, at + 1, end):
            at = end
            if "-" not in text[at - 4 : at] and "|" not in text[at - 4 : at]:
                break
            continue
        if len(cells) < 2 or abs(len(cells) - len(header.kinds)) > 1:
            break
        rows.append(cells)
        at = end
    return rows, at


def _cells(text: str, start: int, delimiter: str) -> tuple[list[Cell], int]:
    """The cells of the line at `start`; a quoted cell may hold delimiters, quotes and line ends (RFC 4180)."""
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    cells: list[Cell] = []
    at = start
    if delimiter == "|":
        while at < line_end and text[at] in " |":
            at += 1
    while True:
        end = -1
        if text[at : at + 1] == '"':
            end = _quoted_end(text, at)
            if end > line_end:
                line_end = text.find("\n", end)
                line_end = len(text) if line_end < 0 else line_end
        if end < 0:
            end = text.find(delimiter, at, line_end)
            end = line_end if end < 0 else end
        cells.append((at, end))
        if end >= line_end or text[end] != delimiter:
            return cells, line_end
        at = end + 1
        if delimiter == "|" and not text[at:line_end].strip(" \r|"):
            return cells, line_end


_QUOTED_CHARS = 500


def _quoted_end(text: str, start: int) -> int:
    """Behind the closing quote of a cell, or -1 if it is never closed within reason."""
    at = start + 1
    limit = min(len(text), start + _QUOTED_CHARS)
    while (at := text.find('"', at, limit)) >= 0:
        if text[at + 1 : at + 2] != '"':
            return at + 1
        at += 2
    return -1


def _findings(text: str, header: _Header, rows: Sequence[Sequence[Cell]]) -> Iterator[Found]:
    kinds = [
        _decided(text, header, rows, column) if kind in (NAME_MAYBE, ROLE) else kind
        for column, kind in enumerate(header.kinds)
    ]
    if not any(kind in _PEOPLES for kind in kinds):
        kinds = [None if kind == "LOCATION" else kind for kind in kinds]
    for row in rows:
        for kind, (start, end) in zip(kinds, row, strict=False):
            value = whole(text, start, end, kind) if kind else None
            if value is not None:
                yield value


def _decided(text: str, header: _Header, rows: Sequence[Sequence[Cell]], column: int) -> str | None:
    """PERSON if a column called `name`, or after what a person is, holds names of persons."""
    if header.kinds[column] == NAME_MAYBE and any(kind in _PEOPLES for kind in header.kinds):
        return "PERSON"
    if any(word in THINGS for name in header.names for word in words_of(name)):
        return None
    cells = [text[row[column][0] : row[column][1]].strip(" \"'\r") for row in rows[:_SAMPLE] if column < len(row)]
    alike = sum(full_match(cell) for cell in cells)
    return "PERSON" if cells and alike * 5 >= len(cells) * 3 else None
