"""YAML files of which every problem is told with its place: `file:line:column: what is wrong`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import yaml

from gateway.settings import ConfigurationError, read_text, yaml_loader

Place = tuple[str | int, ...]
HINTS = 10
"""To so many problems, of those that are alike, it is said what would be right: to find that takes time."""
_MOST_PROBLEMS = 100
_LONGEST_LINE = 4000
_LONGEST_NAME = 64
_MOST_NAMES = 1000
_FEW = 10_000
_MANY = 2**20


class _TooMuch(Exception):
    pass


def told(problems: Iterable[str]) -> str:
    """Problems, one in a line: the first hundred, and how many more there are."""
    rest = iter(problems)
    lines = [line[:_LONGEST_LINE] for line in islice(rest, _MOST_PROBLEMS)]
    more = sum(1 for _ in rest)
    return "\n".join([*lines, *([f"and {more} more"] if more else [])])


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that somebody may have meant. To compare takes the product of the lengths, so long ones have none."""
    if len(name) > _LONGEST_NAME:
        return None
    short = (each for each in names if len(each) <= _LONGEST_NAME)
    return next(iter(difflib.get_close_matches(name, list(islice(short, _MOST_NAMES)), 1)), None)


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


def read_positioned(path: Path, what: str, empty: str | None, most_mib: int) -> Positioned:
    """Raises ConfigurationError with the problems found, one in a line. `what` the file should be, and what is said of
    an `empty` one: None if it may be."""
    return positioned(read_text(path, what, most_mib, place=":1:1"), path, empty)


def positioned(text: str, path: Path, empty: str | None) -> Positioned:
    """The same of a text that a file of that name would hold. Raises ConfigurationError."""
    with yaml_loader(text, path) as loader:
        node = loader.get_single_node()
        if node is None:
            if empty is not None:
                raise ConfigurationError(f"{path}:1:1: {empty}")
            return Positioned(path, text, None, {})
        walk = _Walk({}, max(_FEW, 2 * len(text)), max(_MANY, len(text)))
        try:
            problems = told(f"{path}:{line}:{column}: {what}" for (line, column), what in walk.problems(node, ()))
        except _TooMuch:
            much = "aliases make more of it than is read; write out what it means"
            raise ConfigurationError(f"{path}:1:1: {much}") from None
        if problems:
            raise ConfigurationError(problems)
        return Positioned(path, text, loader.construct_document(node), walk.marks)


@dataclass(slots=True)
class _Walk:
    """Notes where each value stands. An alias is seen at each of its places: `left` and `chars` say how many keys and
    values may yet be seen, and how many characters of them."""

    marks: dict[Place, tuple[int, int]]
    left: int
    chars: int

    def problems(self, node: yaml.Node, place: Place) -> Iterator[tuple[tuple[int, int], str]]:
        """Keys that stand twice, which YAML itself lets pass, and those that are no names, with their places.

        Raises _TooMuch for more than may be seen: without aliases there are at most two for a character.
        """
        self._see(node)
        self.marks.setdefault(place, _mark(node))
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                self._see(key)
                if not isinstance(key, yaml.ScalarNode):
                    yield _mark(key), "a key must be a name, not a list or a mapping"
                elif key.value in seen:
                    yield _mark(key), f"the key {key.value} stands twice; keep one"
                else:
                    seen.add(key.value)
                    self.marks[*place, key.value] = _mark(key)
                    yield from self.problems(value, (*place, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                yield from self.problems(item, (*place, index))

    def _see(self, node: yaml.Node) -> None:
        self.left -= 1
        self.chars -= len(node.value)
        if self.left < 0 or self.chars < 0:
            raise _TooMuch


def _mark(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
