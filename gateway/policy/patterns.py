"""Regular expressions as trees, for those who reason about a pattern instead of running it.

Two do: the check that no pattern of a policy can take exponential time, and the prefilter that reads a text for all
patterns at once. Only the structure is parsed here. What one character of a pattern matches stays source text: whoever
needs to know asks the `regex` library itself, so that no second opinion about Unicode can be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

FLAGS_KNOWN = re.IGNORECASE | re.MULTILINE | re.DOTALL


class NotUnderstood(ValueError):
    """The pattern uses syntax that is not parsed here. The message names it."""


@dataclass(frozen=True, slots=True)
class Chars:
    """One character: a literal, a set, a class such as \\d, or the dot. `source` is a pattern of its own for it."""

    source: str


@dataclass(frozen=True, slots=True)
class Edge:
    """A place between characters: ^ $ \\b \\B \\A \\Z \\z, and \\K, where what is found begins."""

    source: str


@dataclass(frozen=True, slots=True)
class Look:
    """What must, or must not, stand before or after a place."""

    body: Node
    ahead: bool
    negative: bool


@dataclass(frozen=True, slots=True)
class Concat:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`most` is None where there is no limit. Lazy repeats are like greedy ones; those that never give back are not."""

    body: Node
    least: int
    most: int | None
    possessive: bool


@dataclass(frozen=True, slots=True)
class Atomic:
    """A group that never gives back what it took."""

    body: Node


Node = Chars | Edge | Look | Concat | Choice | Repeat | Atomic
EMPTY = Concat(())

_GROUP = re.compile(r"\((?:\?(?:P?<(?P<name>[A-Za-z_]\w*)>|(?P<kind>:|=|!|<=|<!|>)|(?P<case>-?i:|i(?=\)))))?", re.ASCII)
_BACK = re.compile(r"\(\?P=(?P<a>\w+)\)|\\g<(?P<b>\w+)>|\\(?P<c>[1-9])(?!\d)", re.ASCII)
_REPEAT = re.compile(r"(?:(?P<sign>[*+?])|\{(?P<least>\d*)(?P<comma>,(?P<most>\d*))?\})(?P<mode>[?+])?", re.ASCII)
_SET = re.compile(r"\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]", re.DOTALL)
_CLASS = re.compile(
    r"\\(?:[dDwWsSntrfva]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[pP]\{[^{}]+\}|[^0-9A-Za-z])", re.DOTALL
)
_EDGE = re.compile(r"\\[bBAZzK]|[\^$]")
_LOOKS = {"=": (True, False), "!": (True, True), "<=": (False, False), "<!": (False, True)}


def parse(pattern: str, flags: int = FLAGS_KNOWN) -> Node:
    """The tree of a pattern that `regex` compiles with these flags. Raises NotUnderstood."""
    if flags & ~FLAGS_KNOWN:
        raise NotUnderstood("flags other than IGNORECASE, MULTILINE and DOTALL")
    try:
        return _Parser(pattern, bool(flags & re.IGNORECASE)).whole()
    except RecursionError:
        raise NotUnderstood("groups that are nested too deeply") from None


@dataclass(slots=True)
class _Parser:
    text: str
    caseless: bool
    at: int = 0
    groups: dict[str, Node] = field(default_factory=dict)
    opened: int = 0
    scope: str = ""
    """How the flags of the group differ from those of the pattern."""

    def whole(self) -> Node:
        node = self.choice()
        if self.at < len(self.text):
            raise NotUnderstood("a closing parenthesis without an opening one")
        return node

    def choice(self) -> Node:
        options = [self.concat()]
        while self.text[self.at : self.at + 1] == "|":
            self.at += 1
            options.append(self.concat())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def concat(self) -> Node:
        parts: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self.repeats(self.atom()))
        parts = [part for part in parts if part != EMPTY]
        return parts[0] if len(parts) == 1 else Concat(tuple(parts))

    def repeats(self, node: Node) -> Node:
        while self.at < len(self.text) and self.text[self.at] in "*+?{":
            match = _REPEAT.match(self.text, self.at)
            if match is None or (match["least"] == "" and not match["most"]):
                raise NotUnderstood("a brace that is no repeat; write \\{")
            if isinstance(node, Edge | Look):
                raise NotUnderstood("a repeated place")
            self.at = match.end()
            least, most = _bounds(match)
            node = Repeat(node, least, most, match["mode"] == "+")
        return node

    def atom(self) -> Node:
        text, at = self.text, self.at
        if match := _BACK.match(text, at):
            self.at = match.end()
            name = match["a"] or match["b"] or match["c"]
            if name not in self.groups:
                raise NotUnderstood("a reference to a group that has not ended")
            return self.groups[name]
        if text[at] == "(":
            return self.group()
        if match := _EDGE.match(text, at):
            self.at = match.end()
            return Edge(match[0])
        if match := (_SET if text[at] == "[" else _CLASS).match(text, at):
            self.at = match.end()
            return self.chars(match[0])
        if text[at] in "\\[":
            raise NotUnderstood(f"the escape {text[at : at + 2]}" if text[at] == "\\" else "a set without an end")
        self.at += 1
        return self.chars(text[at] if text[at] == "." else re.escape(text[at]))

    def chars(self, source: str) -> Chars:
        return Chars(f"(?{self.scope}:{source})" if self.scope else source)

    def group(self) -> Node:
        match = _GROUP.match(self.text, self.at)
        if match is None or (match.end() == self.at + 1 and self.text[match.end() : match.end() + 1] in ("?", "*")):
            raise NotUnderstood(f"a group that begins with {self.text[self.at : self.at + 3]}")
        self.at = match.end()
        if match["case"] == "i":
            if not self.caseless or self.scope:
                raise NotUnderstood("flags inside of the pattern")
            self.close()
            return EMPTY
        is_captured = not match["kind"] and not match["case"]
        if is_captured:
            self.opened += 1
        number = str(self.opened)
        scope = self.scope
        self.scope = match["case"].removesuffix(":") if match["case"] else scope
        body = self.choice()
        self.scope = scope
        self.close()
        if is_captured:
            self.groups[number] = body
            if match["name"]:
                self.groups[match["name"]] = body
        return self.grouped(match["kind"], body)

    def grouped(self, kind: str | None, body: Node) -> Node:
        if kind in _LOOKS:
            return Look(body, *_LOOKS[kind])
        return Atomic(body) if kind == ">" else body

    def close(self) -> None:
        if self.text[self.at : self.at + 1] != ")":
            raise NotUnderstood("a group without an end")
        self.at += 1


def _bounds(match: re.Match[str]) -> tuple[int, int | None]:
    if match["sign"]:
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[match["sign"]]
    least = int(match["least"] or 0)
    if not match["comma"]:
        return least, least
    return least, int(match["most"]) if match["most"] else None


def children(node: Node) -> Sequence[Node]:
    match node:
        case Concat(parts):
            return parts
        case Choice(options):
            return options
        case Look(body) | Repeat(body) | Atomic(body):
            return (body,)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, each once: what a pattern refers to again is the same node."""
    seen = {id(node)}
    waiting = [node]
    while waiting:
        yield (node := waiting.pop())
        for child in reversed(children(node)):
            if id(child) not in seen:
                seen.add(id(child))
                waiting.append(child)


def written_out(node: Node, known: dict[int, int] | None = None) -> int:
    """How many nodes there are if each is counted as often as the pattern refers to it. `known`: of what was counted,
    by identity."""
    known = {} if known is None else known
    if id(node) not in known:
        known[id(node)] = 1 + sum(written_out(child, known) for child in children(node))
    return known[id(node)]


def most_chars(node: Node) -> int | None:
    """How many characters a match takes at most, with what looks ahead of it; None where there is no limit."""
    match node:
        case Chars():
            return 1
        case Edge():
            return 0
        case Look(body, ahead):
            return most_chars(body) if ahead else 0
        case Repeat(body, _, most):
            inner = most_chars(body)
            return 0 if inner == 0 else None if most is None or inner is None else inner * most
        case _:
            widths = [most_chars(child) for child in children(node)]
            known = [width for width in widths if width is not None]
            if len(known) < len(widths):
                return None
            return max(known, default=0) if isinstance(node, Choice) else sum(known)


def is_nullable(node: Node, known: dict[int, bool] | None = None) -> bool:
    """Whether the empty text may match. `known`: for which nodes that is known already, by identity."""
    known = {} if known is None else known
    if id(node) not in known:
        known[id(node)] = _is_nullable(node, known)
    return known[id(node)]


def _is_nullable(node: Node, known: dict[int, bool]) -> bool:
    match node:
        case Chars():
            return False
        case Edge() | Look():
            return True
        case Choice(options):
            return any(is_nullable(option, known) for option in options)
        case Repeat(body, least):
            return least == 0 or is_nullable(body, known)
        case Concat(parts):
            return all(is_nullable(part, known) for part in parts)
        case Atomic(body):
            return is_nullable(body, known)
