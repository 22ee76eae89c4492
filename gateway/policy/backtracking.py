"""Whether some text makes a pattern take exponential time, before any text is read with it.

An engine that tries one way after another takes as many steps as a pattern has ways to read a text. So the pattern is
turned into an automaton with one state per character of the pattern (Glushkov's), and its ambiguity is measured
(Weber and Seidl, On the degree of ambiguity of finite automata, 1991): exponential if a state can be reached from
itself in two ways over one text, polynomial of degree d if d loops in a row can share a text. What is not known counts
as worse than it is: a pattern that passes is harmless, one that does not may be.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from math import prod

from gateway.policy.automaton import Automaton, TooManyStates, TooManySteps
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
    children,
    is_nullable,
    parse,
    walk,
    written_out,
)

_MOST_CHARS = 10_000
_MOST_NODES = 10_000
_MOST_STEPS = 2_000_000
"""Along one automaton: about a fifth of a second."""
_CHARS_STEPS = 500
_FOREIGN_STEPS = 30_000
_COUNT = re.compile(r"\{(\d{1,9})")
_MOST_IN_LOOP = 60
_MOST_WAYS = 10_000
_MOST_LOOPS = 2
_ENDLESS = 20
"""Two ways to go once through what is repeated so often are more than _MOST_WAYS."""
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
_EMPTY_CHOICES = (
    "the pattern can take exponential time: it chooses too often among options that may be empty; let one of them "
    "be so at most, as in (?:a|b?) for (?:a?|b?)"
)
_TOO_DEEP = "the parts of the pattern are nested too deeply; write it with fewer"
_TOO_MUCH_WORK = (
    "the patterns of this policy take too long to be checked for exponential time; write fewer, or simpler ones"
)


def is_too_large(pattern: str) -> bool:
    """Whether compiling a pattern could take much time or memory: `regex` writes out what is to be repeated.

    Raises RecursionError if it is nested too deeply.
    """
    try:
        tree = parse(pattern, FLAGS_KNOWN)
        # What matches nothing has no characters, and may be referred to as often as one likes.
        return written_out(tree) > _MOST_NODES or _size(tree, {}) > _MOST_CHARS
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


@dataclass(slots=True)
class Work:
    """How many steps may yet be taken to look at patterns that belong together: about three seconds' worth.

    `known`: what single characters of them match. Whoever makes a detector of the patterns asks for each which texts it
    is in, and that takes long where they are not ASCII.
    """

    left: int = 30_000_000
    known: set[str] = field(default_factory=set)

    def learn(self, tree: Node) -> None:
        """Count what the characters of a pattern cost that none before had."""
        fresh = {node.source for node in walk(tree) if isinstance(node, Chars)} - self.known
        self.known |= fresh
        # Sets take longer than single characters.
        foreign = sum(_FOREIGN_STEPS * min(len(source), 4) for source in fresh if not source.isascii())
        self.left -= foreign + _CHARS_STEPS * len(fresh)


def slowness(pattern: str, work: Work | None = None) -> str | None:
    """What makes a pattern too slow on some text and what would be right, or None. The pattern must compile, and must
    not be too large. `work`: what is left for it and others, if there are others."""
    work = Work() if work is None else work
    try:
        tree = parse(pattern, FLAGS_KNOWN)
        work.learn(tree)
        trees = [tree, *(node.body for node in walk(tree) if isinstance(node, Look))]
        return next((problem for one in trees if (problem := _slowness(one, work)) is not None), None)
    except NotUnderstood as error:
        return f"the pattern uses {error}, which cannot be checked for exponential time; write it without"
    except RecursionError:
        return _TOO_DEEP


def _slowness(tree: Node, work: Work) -> str | None:
    known: dict[int, bool] = {}
    if any(isinstance(node, Repeat) and node.most != 1 and is_nullable(node.body, known) for node in walk(tree)):
        return _EMPTY_REPEAT
    # Repeats with a limit are unrolled; where that does not help, they count as if they had none.
    problem = _ambiguity(tree, work, unrolled=True)
    if problem and (problem := _ambiguity(tree, work, unrolled=False)):
        return problem
    return _EMPTY_CHOICES if _ways_to_read_nothing(tree, known, {}) > _MOST_WAYS else None


def _ways_to_read_nothing(node: Node, nullable: dict[int, bool], known: dict[int, int]) -> int:
    """In how many ways a node can be gone through over one text by options that take nothing of it, which have no
    states. More than _MOST_WAYS are all one. `nullable`, `known`: by identity."""
    if id(node) not in known:
        inner = [(child, _ways_to_read_nothing(child, nullable, known)) for child in children(node)]
        ways = [number for _, number in inner]
        match node:
            case Choice():
                number = max(*ways, sum(each for child, each in inner if is_nullable(child, nullable)))
            case Repeat(_, least, most) if most != 1:
                number = ways[0] ** min(_ENDLESS if most is None else max(least, most), _ENDLESS)
            case Look():
                # Never gone into again, and looked at by itself.
                number = 1
            case _:
                number = prod(ways)
        known[id(node)] = min(number, _MOST_WAYS + 1)
    return known[id(node)]


def _ambiguity(tree: Node, work: Work, *, unrolled: bool) -> str | None:
    steps = min(_MOST_STEPS, max(work.left, 0))
    automaton = Automaton(unrolled, steps)
    try:
        automaton.build(tree)
        return _judged(automaton)
    except TooManyStates:
        return _MANY_CHOICES
    except TooManySteps:
        return _TOO_MUCH_WORK if steps < _MOST_STEPS else _TWO_WAYS
    finally:
        work.left -= steps - max(automaton.steps, 0)


def _judged(automaton: Automaton) -> str | None:
    loops = automaton.loops()
    for loop in loops:
        if len(loop) > _MOST_IN_LOOP or _reads_in_two_ways(automaton, loop):
            return _TWO_WAYS
    if _has_chain(automaton, loops):
        return _MANY_LOOPS
    return _MANY_CHOICES if _has_many_ways(automaton, {state for loop in loops for state in loop}) else None


def _reads_in_two_ways(automaton: Automaton, loop: Sequence[int]) -> bool:
    """Whether two ways through a loop read the same text: they part at one state, and meet at it again.

    So pairs of states are followed that are reached over the same text, from each state twice, until the two of a pair
    lead to one state: as all of it is a loop, from there they come to where they parted.
    """
    inside = set(loop)
    if any(one in inside and other in inside for one, other in automaton.twice):
        return True
    following = {state: inside.intersection(automaton.next[state]) for state in loop}
    waiting = [(state, state) for state in loop]
    seen = set(waiting)
    while waiting:
        one, other = waiting.pop()
        automaton.spend(1 + len(following[one]) * len(following[other]))
        if one != other and any(automaton.chars[after] for after in following[one] & following[other]):
            return True
        for a in following[one]:
            shared = automaton.chars[a]
            # The two of a pair are alike, so that one order is enough.
            pairs = ((a, b) if a < b else (b, a) for b in following[other] if automaton.chars[b] & shared and a != b)
            fresh = [pair for pair in pairs if pair not in seen]
            seen.update(fresh)
            waiting.extend(fresh)
    return False


def _has_chain(automaton: Automaton, loops: Sequence[Sequence[int]]) -> bool:
    """Whether more than _MOST_LOOPS loops in a row can share a text: each is left for the next over characters that
    both repeat. `loops`: each after those that can be reached from it."""
    alphabets = [_union(automaton.chars[state] for state in loop) for loop in loops]
    longest: list[int] = []
    for number, loop in enumerate(loops):
        reached: dict[int, set[int]] = {}
        chain = 1
        for other in range(number):
            automaton.spend(1)
            if (shared := alphabets[number] & alphabets[other]) and longest[other] >= chain:
                # From the first state only: to ask from all would refuse loops that cannot be gone round over these.
                if shared not in reached:
                    reached[shared] = automaton.reachable(loop[0], shared)
                if not reached[shared].isdisjoint(loops[other]):
                    chain = longest[other] + 1
        if chain > _MOST_LOOPS:
            return True
        longest.append(chain)
    return False


def _has_many_ways(automaton: Automaton, loop_of: Container[int]) -> bool:
    """Whether the states outside of loops can be gone through in more than _MOST_WAYS ways over one text."""
    ways: dict[int, int] = {}
    # Without loops, states follow those with lower numbers only.
    for state in reversed(range(len(automaton.chars))):
        following = automaton.next[state]
        own = 1
        if state not in loop_of:
            own = _overlapping(automaton, [automaton.chars[after] for after in following])
            own *= 2 if any((state, after) in automaton.twice for after in following) else 1
        ways[state] = own * max((ways.get(after, 1) for after in following), default=1)
        if ways[state] > _MOST_WAYS:
            return True
    return False


def _overlapping(automaton: Automaton, masks: Sequence[int]) -> int:
    """How many of the sets at most share a character."""
    everything = _union(masks)
    most = 0
    while everything:
        automaton.spend(2 * len(masks))
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
