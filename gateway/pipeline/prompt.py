"""A request as a tree of JSON values in which every text can be reached and exchanged: its segments.

Nothing is skipped because its key is unknown. Only the words of the wire format itself (a `Vocabulary`) are not
segments, since they are the same in everybody's requests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

Path = tuple[str | int, ...]


class Kind(Enum):
    """Where a segment's text stands in the tree."""

    VALUE = "value"
    KEY = "key"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Segment:
    """One text of a request. A key's path ends in the key itself; a number's text is its decimal form."""

    path: Path
    text: str
    kind: Kind = Kind.VALUE
    label: str = ""
    """The client's own word for a value: the key under which it stands, if that is none of the wire format's."""
    message: int | None = None
    """Parts of a message's content: the message's number. A model reads them as one text."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of a wire format, which are not personal data of anybody."""

    keys: frozenset[str]
    values: frozenset[str]
    numbers: frozenset[str]
    """Top-level keys below which numbers are parameters, not somebody's phone."""
    first: tuple[str, ...]
    """Top-level keys in the order in which a model reads them; the others follow as they come."""
    worded: frozenset[str] | None = None
    """Keys whose values may be such words (None: all); elsewhere the same word is the client's."""
    open: frozenset[str] = frozenset()
    """Keys of objects whose keys are the client's own, whatever they are."""
    number_digits: int = 7
    """Numbers with fewer digits identify nobody."""


class PromptError(ValueError):
    """The tree cannot be a request; `path` says where."""

    def __init__(self, message: str, path: Path) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request body and its segments, in the order in which a model reads them."""

    body: Mapping[str, Any]
    segments: tuple[Segment, ...]

    @classmethod
    def of(cls, body: Mapping[str, Any], vocabulary: Vocabulary) -> Prompt:
        order = [key for key in vocabulary.first if key in body]
        order += [key for key in body if key not in vocabulary.first]
        segments: list[Segment] = []
        for key in order:
            if key not in vocabulary.keys:
                segments.append(Segment((key,), key, Kind.KEY))
            segments.extend(_leaves(body[key], (key,), vocabulary))
        return cls(body, tuple(segments))

    @property
    def chars(self) -> int:
        """Characters of all segments together."""
        return sum(len(segment.text) for segment in self.segments)

    def with_texts(self, texts: Sequence[str]) -> Prompt:
        """The same request with the text of each segment exchanged, `texts` being in the order of `segments`.

        Raises PromptError if two keys of one object would become the same.
        """
        changed = [(s, t) for s, t in zip(self.segments, texts, strict=True) if s.text != t]
        if not changed:
            return self
        body: Any = self.body
        keys = [(s, t) for s, t in changed if s.kind is Kind.KEY]
        for segment, text in changed:
            if segment.kind is not Kind.KEY:
                body = _set(body, segment.path, text)
        groups: dict[Path, dict[str | int, str]] = {}
        for segment, text in keys:
            groups.setdefault(segment.path[:-1], {})[segment.path[-1]] = text
        # The deepest first: a path stays valid until a key above it is exchanged.
        for parent in sorted(groups, key=len, reverse=True):
            body = _rename(body, parent, groups[parent])
        renamed = {s.path: t for s, t in keys}
        segments = tuple(
            replace(
                s,
                path=_new_path(s.path, renamed),
                text=t,
                kind=Kind.VALUE if s.text != t and s.kind is Kind.NUMBER else s.kind,
            )
            for s, t in zip(self.segments, texts, strict=True)
        )
        return Prompt(body, segments)


def _leaves(value: Any, path: Path, vocabulary: Vocabulary) -> Iterator[Segment]:
    if isinstance(value, str):
        yield from _text(value, path, vocabulary)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in vocabulary.keys or path[-1] in vocabulary.open:
                yield Segment((*path, key), key, Kind.KEY)
            yield from _leaves(inner, (*path, key), vocabulary)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index), vocabulary)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number(value, path, vocabulary)


def _text(value: str, path: Path, vocabulary: Vocabulary) -> Iterator[Segment]:
    name = _name(path)
    is_word = value in vocabulary.values and (vocabulary.worded is None or name in vocabulary.worded)
    if value and not is_word:
        yield Segment(path, value, Kind.VALUE, _label(name, vocabulary), _message(path))


def _number(value: float, path: Path, vocabulary: Vocabulary) -> Iterator[Segment]:
    text = repr(value)
    if path[0] not in vocabulary.numbers and sum(map(str.isdigit, text)) >= vocabulary.number_digits:
        yield Segment(path, text, Kind.NUMBER, _label(_name(path), vocabulary))


def _name(path: Path) -> str:
    """The key under which a value stands, also as an item of a list."""
    return next(part for part in reversed(path) if isinstance(part, str))


def _label(name: str, vocabulary: Vocabulary) -> str:
    return "" if name in vocabulary.keys else name


def _message(path: Path) -> int | None:
    """The number of the message of whose content this is a part."""
    if len(path) in (4, 5) and path[0] == "messages" and path[2] == "content" and isinstance(path[1], int):
        return path[1]
    return None


def _set(node: Any, path: Path, text: str) -> Any:
    """A copy of the containers along `path`, with `text` at its end."""
    if not path:
        return text
    copy: Any = list(node) if isinstance(node, list) else dict(node)
    copy[path[0]] = _set(copy[path[0]], path[1:], text)
    return copy


def _rename(node: Any, path: Path, names: Mapping[str | int, str]) -> Any:
    """A copy in which the keys of the object at `path` have new names, all at once."""
    if path:
        copy: Any = list(node) if isinstance(node, list) else dict(node)
        copy[path[0]] = _rename(copy[path[0]], path[1:], names)
        return copy
    made = {names.get(key, key): value for key, value in node.items()}
    if len(made) != len(node):
        raise PromptError("two keys of this object are the same once personal data is replaced", path)
    return made


def _new_path(path: Path, renamed: Mapping[Path, str]) -> Path:
    if not renamed:
        return path
    return tuple(renamed.get(path[: index + 1], part) for index, part in enumerate(path))


def dotted(path: Path) -> str:
    """`messages[0].content`: a path as clients read it. Only for paths made of the wire format's own words."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
