"""Whether some text makes a pattern take exponential time, before any text is read with it.

An engine that tries one way after another takes as many steps as a pattern has ways to read a text. So the pattern is
turned into an automaton with one state per character of the pattern (Glushkov's), and its ambiguity is measured
(Weber and Seidl, On the degree of ambiguity of finite automata, 1991): exponential if a state can be reached from
itself in two ways over one text, polynomial of degree d if d loops in a row can share a text. What is not known counts
as worse than it is: a pattern that passes is harmless, one that does not may be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod

import regex

from gateway.policy.patterns import (
    FLAGS_KNOWN,
    Atomic,
    Chars,
    Choice,
    Concat,
    Look,
    Node,
    NotUnderstood,
    Repeat,
    is_nullable,
    parse,
    walk,
)

# Characters by which sets are compared: ASCII, and some of each other kind and of those with special cases.
_SAMPLE = "".join(map(chr, range(128))) + "\xa0µßéǅſİıΩЖאع٣中あ가K\u0301\u200b\u2003\u2028€😀"
_MOST_STATES = 500
_MOST_CHARS = 10_000
_COUNT = re.compile(r"\{(\d{1,9})")
_MOST_IN_LOOP = 60
_MOST_SPREAD = 3
_MOST_WAYS = 10_000
_MOST_LOOPS = 2
_TWO_WAYS = (
    "the pattern can take exponential time: a part that repeats can read the same text in two ways; repeat only what "
    "is read in one way, as in a+ for (a+)+ and \\w* for (\\w|\\d)*"
)
_EMPTY_REPEAT = (
    "the pattern can take exponential time: a part that repeats may be empty; make at least one character of it "
    "required, as in (?:a+b?)* for (?:a*b?)*"
)
_MANY_LOOPS = (
    "the pattern can take exponential time, or nearly: more than two repeats in a row match the same characters; keep "
    "them apart by a character that they exclude, or repeat what excludes it, as in [^,]*, for .*,"
)
_MANY_CHOICES = (
    "the pattern can take exponential time: too many optional parts in a row match the same characters; write what "
    "they have in common once"
)


def is_too_large(pattern: str) -> bool:
    """Whether compiling a pattern could take much time or memory: `regex` writes out what is to be repeated."""
    try:
        return _size(parse(pattern, FLAGS_KNOWN), {}) > _MOST_CHARS
    except NotUnderstood:
        counts = (int(count) for count in _COUNT.findall(pattern))
        return prod(min(count, _MOST_CHARS) + 1 for count in counts) > _MOST_CHARS


def _size(node: Node, known: dict[int, int]) -> int:
    """Characters when all repeats are written out as often as they must be read. `known`: by identity, for parts of a
    pattern that it refers to again are the same nodes."""
    if id(node) not in known:
        known[id(node)] = _sized(node, known)
    return known[id(node)]


def _sized(node: Node, known: dict[int, int]) -> int:
    match node:
        case Concat(parts) | Choice(parts):
            return sum(_size(part, known) for part in parts)
        case Repeat(body, least, _):
            return max(least, 1) * _size(body, known)
        case Look(body, _, _) | Atomic(body):
            return _size(body, known)
        case _:
            return 1


def slowness(pattern: str) -> str | None:
    """What makes a pattern too slow on some text and what would be right, or None. The pattern must compile."""
    try:
        tree = parse(pattern, FLAGS_KNOWN)
    except NotUnderstood as error:
        return f"the pattern uses {error}, which cannot be checked for exponential time; write it without"
    trees = [tree, *(node.body for node in walk(tree) if isinstance(node, Look))]
    return next((problem for one in trees if (problem := _slowness(one)) is not None), None)


def _slowness(tree: Node) -> str | None:
    if any(isinstance(node, Repeat) and node.most != 1 and is_nullable(node.body) for node in walk(tree)):
        return _EMPTY_REPEAT
    # Repeats with a limit are unrolled; where that does not help, they count as if they had none.
    problem = _ambiguity(tree, unrolled=True)
    return problem and _ambiguity(tree, unrolled=False)


def _ambiguity(tree: Node, *, unrolled: bool) -> str | None:
    automaton = _Automaton(unrolled)
    try:
        automaton.build(tree)
    except _TooManyStates:
        return _MANY_CHOICES
    loops, loop_of = _loops(automaton)
    for loop in loops:
        if len(loop) > _MOST_IN_LOOP or _reads_in_two_ways(automaton, loop):
            return _TWO_WAYS
    if _longest_chain(automaton, loops) > _MOST_LOOPS:
        return _MANY_LOOPS
    return _MANY_CHOICES if _ways(automaton, loop_of) > _MOST_WAYS else None


class _TooManyStates(Exception):
    """The unrolled pattern is too large to look at."""


@dataclass(frozen=True, slots=True)
class _Part:
    first: tuple[int, ...]
    last: tuple[int, ...]
    is_nullable: bool


@dataclass(slots=True)
class _Automaton:
    """`chars`: for each state the sampled characters by which it is entered. `next`: which states follow.

    `twice`: steps that can be taken in two ways, such as the inner and the outer repeat of (a+)+.
    """

    unrolled: bool
    chars: list[int] = field(default_factory=list)
    next: list[list[int]] = field(default_factory=list)
    twice: set[tuple[int, int]] = field(default_factory=set)

    def build(self, node: Node) -> _Part:
        match node:
            case Chars(source):
                return self._state(_mask(source))
            case Concat(parts):
                return self._row(lambda i: self.build(parts[i]), len(parts))
            case Choice(options):
                built = [self.build(option) for option in options]
                first = tuple(state for part in built for state in part.first)
                last = tuple(state for part in built for state in part.last)
                return _Part(first, last, any(part.is_nullable for part in built))
            case Repeat(body, least, most):
                return self._repeat(body, least, most)
            case Atomic(body):
                return self.build(body)
            case _:
                return _Part((), (), True)

    def _state(self, chars: int) -> _Part:
        if len(self.chars) >= _MOST_STATES:
            raise _TooManyStates
        self.chars.append(chars)
        self.next.append([])
        return _Part((len(self.chars) - 1,), (len(self.chars) - 1,), False)

    def _repeat(self, body: Node, least: int, most: int | None) -> _Part:
        if most == 1 and least == 0:
            part = self.build(body)
            return _Part(part.first, part.last, True)
        if most is not None and (self.unrolled or _is_short(body, least, most)):
            return self._row(lambda i: self._optional(body, i >= least), most)
        if least > 1 and self.unrolled:
            return self._row(lambda i: self._repeat(body, 1, None) if i == least - 1 else self.build(body), least)
        part = self.build(body)
        self._join(part.last, part.first)
        return _Part(part.first, part.last, least == 0)

    def _optional(self, body: Node, may_end: bool) -> _Part:
        part = self.build(body)
        return _Part(part.first, part.last, may_end or part.is_nullable)

    def _row(self, build: Callable[[int], _Part], count: int) -> _Part:
        row = _Part((), (), True)
        for index in range(count):
            part = build(index)
            self._join(row.last, part.first)
            row = _Part(
                (*row.first, *part.first) if row.is_nullable else row.first,
                (*row.last, *part.last) if part.is_nullable else part.last,
                row.is_nullable and part.is_nullable,
            )
        return row

    def _join(self, before: Iterable[int], after: Sequence[int]) -> None:
        for state in before:
            for following in after:
                if following in self.next[state]:
                    self.twice.add((state, following))
                else:
                    self.next[state].append(following)


def _is_short(body: Node, least: int, most: int) -> bool:
    return isinstance(body, Chars) and most - least <= _MOST_SPREAD


def _loops(automaton: _Automaton) -> tuple[list[list[int]], dict[int, int]]:
    """The states that can reach themselves, by strongly connected component, and the number of it for each."""
    reached = [_reachable(automaton, state) for state in range(len(automaton.chars))]
    loops: list[list[int]] = []
    loop_of: dict[int, int] = {}
    for state, others in enumerate(reached):
        if state in others and state not in loop_of:
            loop = [other for other in others if state in reached[other]]
            loop_of.update(dict.fromkeys(loop, len(loops)))
            loops.append(loop)
    return loops, loop_of


def _reachable(automaton: _Automaton, start: int, within: int = -1) -> set[int]:
    """The states after `start`, over the characters `within`."""
    seen: set[int] = set()
    waiting = [start]
    while waiting:
        for state in automaton.next[waiting.pop()]:
            if state not in seen and automaton.chars[state] & within:
                seen.add(state)
                waiting.append(state)
    return seen


def _reads_in_two_ways(automaton: _Automaton, loop: Sequence[int]) -> bool:
    """Whether two ways through a loop read the same text: they part at one state, and meet at it again."""
    inside = set(loop)
    if any(step[0] in inside and step[1] in inside for step in automaton.twice):
        return True
    forward: dict[tuple[int, int], list[tuple[int, int]]] = {}
    backward: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for one in loop:
        for other in loop:
            for a in inside.intersection(automaton.next[one]):
                for b in inside.intersection(automaton.next[other]):
                    if automaton.chars[a] & automaton.chars[b]:
                        forward.setdefault((one, other), []).append((a, b))
                        backward.setdefault((a, b), []).append((one, other))
    same = [(state, state) for state in loop]
    parted = _closure(forward, same) & _closure(backward, same)
    return any(one != other for one, other in parted)


def _closure(
    steps: dict[tuple[int, int], list[tuple[int, int]]], start: Iterable[tuple[int, int]]
) -> set[tuple[int, int]]:
    seen = set(start)
    waiting = list(seen)
    while waiting:
        for pair in steps.get(waiting.pop(), ()):
            if pair not in seen:
                seen.add(pair)
                waiting.append(pair)
    return seen


def _longest_chain(automaton: _Automaton, loops: Sequence[Sequence[int]]) -> int:
    """How many loops in a row can share a text: each is left for the next over characters that both repeat."""
    alphabets = [_union(automaton.chars[state] for state in loop) for loop in loops]
    longest: dict[int, int] = {}

    def chain(number: int) -> int:
        if number not in longest:
            longest[number] = 1 + max((chain(after) for after in following(number)), default=0)
        return longest[number]

    def following(number: int) -> list[int]:
        return [
            other
            for other in range(len(loops))
            if other != number
            and (shared := alphabets[number] & alphabets[other])
            # From any state of a loop all others of it can be reached.
            and not _reachable(automaton, loops[number][0], shared).isdisjoint(loops[other])
        ]

    return max((chain(number) for number in range(len(loops))), default=0)


def _ways(automaton: _Automaton, loop_of: dict[int, int]) -> int:
    """In how many ways at most the states outside of loops can be gone through over one text."""
    ways: dict[int, int] = {}
    # Without loops, states follow those with lower numbers only.
    for state in reversed(range(len(automaton.chars))):
        following = automaton.next[state]
        own = 1 if state in loop_of else _overlapping([automaton.chars[after] for after in following])
        own *= 2 if any((state, after) in automaton.twice for after in following) and state not in loop_of else 1
        ways[state] = own * max((ways.get(after, 1) for after in following), default=1)
    return max(ways.values(), default=1)


def _overlapping(masks: Sequence[int]) -> int:
    """How many of the sets at most share a character."""
    everything = _union(masks)
    most = 0
    while everything:
        bit = everything & -everything
        sharing = [mask for mask in masks if mask & bit]
        most = max(most, len(sharing))
        # Characters that the same sets share count alike.
        alike = everything
        for mask in masks:
            alike &= mask if mask & bit else ~mask
        everything &= ~alike
    return max(most, 1)


def _union(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union


@lru_cache(maxsize=4096)
def _mask(source: str) -> int:
    """The sampled characters that a piece of a pattern matches, as bits. Those it names itself count as one more."""
    compiled = regex.compile(source, flags=FLAGS_KNOWN)
    mask = sum(1 << index for index, character in enumerate(_SAMPLE) if compiled.match(character))
    # Sets of other characters than those in the sample might overlap.
    return mask if source.isascii() and mask else mask | 1 << len(_SAMPLE)
