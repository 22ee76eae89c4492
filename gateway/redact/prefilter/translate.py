"""A pattern as Hyperscan reads it, over the bytes of the alphabet: it finds all that the pattern finds, or more.

What looks around is turned into the one character it looks at where that is at the edge of the pattern, and left out
elsewhere; a reference to a group becomes the group once more; what never gives back gives back. Each of these finds
more, never less. Hyperscan sees sets of bytes only: it has no say in what a digit or a letter is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from gateway.policy.patterns import (
    EMPTY,
    Atomic,
    Chars,
    Choice,
    Concat,
    Edge,
    Look,
    Node,
    NotUnderstood,
    Repeat,
    is_nullable,
    most_chars,
    parse,
    walk,
)
from gateway.redact.prefilter.alphabet import alphabet, bytes_of

_MOST_REPEATS = 64
_MOST_SPREAD = 4
_TO_LOWER = ord("a") - ord("A")
# What stands at the start of a text, and at its end.
_START, _END = r"\A", r"\z"


@dataclass(frozen=True, slots=True)
class Translated:
    """`source`: for Hyperscan, which ignores case if `caseless`. `within`: the bytes that a match consists of.
    `most`: how many characters one has at most, if there is a limit, with what it looks at ahead.
    `beyond`: how many characters after a match can decide whether it is one, or None where the whole text can."""

    source: bytes
    caseless: bool
    within: frozenset[int]
    most: int | None
    beyond: int | None


def translate(pattern: str, flags: int) -> Translated:
    """Raises NotUnderstood for a pattern that must be run on every text."""
    tree = parse(pattern, flags)
    if is_nullable(tree):
        raise NotUnderstood("a pattern that matches the empty text")
    chars = [node.source for node in walk(tree) if isinstance(node, Chars)]
    # One letter of two is enough where case is ignored throughout: Hyperscan takes 16,000 characters, not more.
    caseless = bool(flags & re.IGNORECASE) and not any(source.startswith("(?") for source in chars)
    source = _Writer(flags, caseless).write(tree, True, True)
    within = frozenset[int]().union(*(bytes_of(source, flags) for source in chars))
    return Translated(source.encode("ascii"), caseless, within, most_chars(tree), _beyond(tree))


def _beyond(tree: Node) -> int | None:
    looked = 0
    for node in walk(tree):
        if isinstance(node, Atomic) or (isinstance(node, Repeat) and node.possessive):
            return None
        if isinstance(node, Look) and node.ahead:
            width = most_chars(node.body)
            if width is None:
                return None
            looked = max(looked, width)
    # Edges look at one character; what is looked at may itself end in an edge.
    return looked + 1


class _Writer:
    def __init__(self, flags: int, caseless: bool) -> None:
        self._flags = flags
        self._caseless = caseless
        self._all = frozenset(range(len(alphabet().shown)))

    def write(self, node: Node, first: bool, last: bool) -> str:
        """`first`, `last`: whether nothing of the pattern stands before the node, or after it."""
        match node:
            case Chars(source):
                return _set(bytes_of(source, self._flags), self._caseless)
            case Choice(options):
                return f"(?:{'|'.join(self.write(option, first, last) for option in options)})"
            case Repeat(body, least, most):
                return f"(?:{self.write(body, False, False)}){_times(least, most, isinstance(body, Chars))}"
            case Concat(parts):
                return self._concat(parts, first, last)
            case Atomic(body):
                return self.write(body, first, last)
            case _:
                return ""

    def _concat(self, parts: Sequence[Node], first: bool, last: bool) -> str:
        begin, end = 0, len(parts)
        while begin < end and _is_place(parts[begin]):
            begin += 1
        while end > begin and _is_place(parts[end - 1]):
            end -= 1
        inner = parts[begin:end]
        before = self._beside(parts[:begin], inner, False) if first else ""
        after = self._beside(parts[end:], inner, True) if last else ""
        written = [
            self.write(
                part, first and begin == 0 and index == 0, last and end == len(parts) and index == len(inner) - 1
            )
            for index, part in enumerate(inner)
        ]
        return before + "".join(written) + after

    def _beside(self, places: Sequence[Node], inner: Sequence[Node], ahead: bool) -> str:
        """The character that must stand beside the pattern, if any of the places at its edge says so."""
        for place in places:
            allowed = self._allowed(place, inner, ahead)
            if allowed is not None:
                return f"(?:{_set(allowed, self._caseless)}|{_END if ahead else _START})"
        return ""

    def _allowed(self, place: Node, inner: Sequence[Node], ahead: bool) -> frozenset[int] | None:
        """The bytes that may stand beside; None where the place does not say."""
        match place:
            case Edge(r"\b") if self._touching(Concat(tuple(inner)), ahead).isdisjoint(bytes_of(r"\W", self._flags)):
                return bytes_of(r"\W", self._flags)
            case Edge("$" | r"\Z" | r"\z") if ahead:
                return bytes_of(r"\n", self._flags)
            case Edge("^" | r"\A") if not ahead:
                return bytes_of(r"\n", self._flags)
            case Look(body, look_ahead, negative) if look_ahead == ahead:
                return self._looked_at(body, negative)
            case Choice(options):
                each = [self._allowed(option, inner, ahead) for option in options]
                known = [allowed for allowed in each if allowed is not None]
                return frozenset().union(*known) if len(known) == len(each) else None
            case Concat(parts) if len(parts) == 1:
                return self._allowed(parts[0], inner, ahead)
            case _:
                return None

    def _looked_at(self, body: Node, negative: bool) -> frozenset[int] | None:
        options = body.options if isinstance(body, Choice) else (body,)
        single = [option for option in options if isinstance(option, Chars)]
        if negative:
            # A byte is ruled out only if each character that it shows is.
            ruled_out = [self._all - bytes_of(f"(?!{c.source})(?s:.)", self._flags) for c in single]
            return self._all - frozenset().union(*ruled_out) if single else None
        if len(single) < len(options):
            return None
        return frozenset().union(*(bytes_of(c.source, self._flags) for c in single))

    def _touching(self, node: Node, ahead: bool) -> frozenset[int]:
        """The bytes with which what the node matches can end (`ahead`) or begin; all if it may match nothing."""
        match node:
            case Chars(source):
                return bytes_of(source, self._flags)
            case Choice(options):
                return frozenset().union(*(self._touching(option, ahead) for option in options))
            case Repeat(body) | Atomic(body):
                return self._all if is_nullable(node) else self._touching(body, ahead)
            case Concat(parts):
                return self._touching_concat(parts[::-1] if ahead else parts, ahead)
            case _:
                return self._all

    def _touching_concat(self, parts: Iterable[Node], ahead: bool) -> frozenset[int]:
        touching: frozenset[int] = frozenset()
        for part in parts:
            if _is_place(part):
                continue
            if not is_nullable(part):
                return touching | self._touching(part, ahead)
            touching |= self._touching(_inside(part), ahead)
        return self._all


def _inside(node: Node) -> Node:
    """What a node that may match nothing matches otherwise."""
    return node.body if isinstance(node, Repeat) and not is_nullable(node.body) else EMPTY


def _is_place(node: Node) -> bool:
    """Whether the node matches places only, never a character."""
    match node:
        case Edge() | Look():
            return True
        case Choice(options):
            return all(_is_place(option) for option in options)
        case Concat(parts):
            return bool(parts) and all(_is_place(part) for part in parts)
        case _:
            return False


def _times(least: int, most: int | None, is_simple: bool) -> str:
    """Hyperscan unrolls what is counted, so that scans would be slower by far: an upper bound is kept if it is near."""
    least = min(least, _MOST_REPEATS)
    spread = _MOST_SPREAD if is_simple else 1
    if most is None or most > least + spread:
        return f"{{{least},}}"
    return f"{{{least},{most}}}"


def _set(allowed: frozenset[int], caseless: bool) -> str:
    if not allowed:
        raise NotUnderstood("a character that cannot be")
    dropped = {byte for byte in allowed if caseless and _is_upper(byte) and byte + _TO_LOWER in allowed}
    needed = sorted(allowed - dropped)
    runs = [list(run) for _, run in groupby(needed, key=lambda byte: byte - needed.index(byte))]
    written = [_char(run[0]) if len(run) == 1 else f"{_char(run[0])}-{_char(run[-1])}" for run in runs]
    return written[0] if len(needed) == 1 else f"[{''.join(written)}]"


def _is_upper(byte: int) -> bool:
    return ord("A") <= byte <= ord("Z")


def _char(byte: int) -> str:
    return chr(byte) if byte < 128 and chr(byte).isalnum() else f"\\x{byte:02x}"
