"""YAML files of which every problem is told with its place: `file:line:column: what is wrong`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from gateway.settings import ConfigurationError

Place = tuple[str | int, ...]
_MIB = 2**20
_FEW = 10_000


class _TooMuch(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Positioned:
    """A file that was read, and where each of its values stands."""

    path: Path
    text: str
    document: object
    marks: dict[Place, tuple[int, int]]

    def at(self, place: Sequence[str | int]) -> tuple[int, int]:
        """Line and column of a value, or of the nearest around it."""
        at = tuple(place)
        while at and at not in self.marks:
            at = at[:-1]
        return self.marks.get(at, (1, 1))

    def problem(self, place: Sequence[str | int], what: str) -> str:
        line, column = self.at(place)
        return f"{self.path}:{line}:{column}: {what}"


def read_positioned(path: Path, what: str, empty: str, most_mib: int) -> Positioned:
    """Raises ConfigurationError with every problem found, one in a line. `what` the file should be, and what is said of
    an `empty` one."""
    return positioned(_read(path, what, most_mib), path, empty)


def positioned(text: str, path: Path, empty: str) -> Positioned:
    """The same of a text that a file of that name would hold. Raises ConfigurationError."""
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        if node is None:
            raise ConfigurationError(f"{path}:1:1: {empty}")
        read = Positioned(path, text, None, {})
        problems = [
            read.problem(place, problem) for place, problem in _walk(node, (), read.marks, max(_FEW, len(text)))
        ]
        document = None if problems else yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        raise ConfigurationError(f"{path}:{at}: not valid YAML: {error.problem}") from None
    except _TooMuch:
        raise ConfigurationError(f"{path}:1:1: aliases make more of it than is read; write out what it means") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigurationError(f"{path}:1:1: not valid YAML ({type(error).__name__})") from None
    if problems:
        raise ConfigurationError("\n".join(problems))
    return Positioned(path, text, document, read.marks)


def _read(path: Path, what: str, most_mib: int) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}:1:1: cannot be read ({error.strerror})") from None
    if len(raw) > most_mib * _MIB:
        raise ConfigurationError(f"{path}:1:1: larger than {most_mib} MiB; is this {what}?")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigurationError(f"{path}:{line}:1: not UTF-8 text; save the file as UTF-8") from None


def _walk(node: yaml.Node, place: Place, marks: dict[Place, tuple[int, int]], most: int) -> Iterator[tuple[Place, str]]:
    """Note where each value stands, and yield keys that stand twice, which YAML itself lets pass.

    Raises _TooMuch for more than `most` values: without aliases there are no more than characters.
    """
    if len(marks) > most:
        raise _TooMuch
    marks.setdefault(place, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            inner = (*place, name)
            marks[inner] = (key.start_mark.line + 1, key.start_mark.column + 1)
            if name in seen:
                yield inner, f"the key {name} stands twice; keep one"
            seen.add(name)
            yield from _walk(value, inner, marks, most)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(item, (*place, index), marks, most)
