"""A pattern as an automaton with one state per character of it (Glushkov's), and what can be reached in it.

Whatever it is asked counts steps, and it refuses to go on after many: somebody else may have written the pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import regex

from gateway.policy.patterns import FLAGS_KNOWN, Atomic, Chars, Choice, Concat, Node, Repeat

# Characters by which sets are compared: ASCII, and some of each other kind and of those with special cases.
_SAMPLE = "".join(map(chr, range(128))) + "\xa0µßéǅſİıΩЖאع٣中あ가K\u0301\u200b\u2003\u2028€😀"
_MOST_STATES = 500
_MOST_SPREAD = 3
_NODE_STEPS = 5
_STATE_STEPS = 100
"""What a state costs, in steps along the automaton: its characters are tried one by one."""


class TooManyStates(Exception):
    """The unrolled pattern is too large to look at."""


class TooManySteps(Exception):
    """To look at the pattern takes too long."""


@dataclass(frozen=True, slots=True)
class Part:
    first: tuple[int, ...]
    last: tuple[int, ...]
    is_nullable: bool


@dataclass(slots=True)
class Automaton:
    """`chars`: for each state the sampled characters by which it is entered. `next`: which states follow.

    `steps`: how many may be taken yet, about a tenth of a microsecond each. `twice`: what follows in two ways, such as
    by the inner and the outer repeat of (a+)+.
    """

    unrolled: bool
    steps: int
    chars: list[int] = field(default_factory=list)
    next: list[dict[int, None]] = field(default_factory=list)
    twice: set[tuple[int, int]] = field(default_factory=set)

    def spend(self, steps: int) -> None:
        """Raises TooManySteps."""
        self.steps -= steps
        if self.steps < 0:
            raise TooManySteps

    def build(self, node: Node) -> Part:
        """Raises TooManyStates or TooManySteps."""
        self.spend(_NODE_STEPS)
        match node:
            case Chars(source):
                return self._state(_mask(source))
            case Concat(parts):
                return self._row(lambda i: self.build(parts[i]), len(parts))
            case Choice(options):
                built = [self.build(option) for option in options]
                first = tuple(state for part in built for state in part.first)
                last = tuple(state for part in built for state in part.last)
                return Part(first, last, any(part.is_nullable for part in built))
            case Repeat(body, least, most):
                return self._repeat(body, least, most)
            case Atomic(body):
                return self.build(body)
            case _:
                return Part((), (), True)

    def _state(self, chars: int) -> Part:
        if len(self.chars) >= _MOST_STATES:
            raise TooManyStates
        self.spend(_STATE_STEPS)
        self.chars.append(chars)
        self.next.append({})
        return Part((len(self.chars) - 1,), (len(self.chars) - 1,), False)

    def _repeat(self, body: Node, least: int, most: int | None) -> Part:
        if most == 1 and least == 0:
            part = self.build(body)
            return Part(part.first, part.last, True)
        if most is not None and (self.unrolled or _is_short(body, least, most)):
            return self._row(lambda i: self._optional(body, i >= least), most)
        if least > 1 and self.unrolled:
            return self._row(lambda i: self._repeat(body, 1, None) if i == least - 1 else self.build(body), least)
        part = self.build(body)
        self._join(part.last, part.first)
        return Part(part.first, part.last, least == 0)

    def _optional(self, body: Node, may_end: bool) -> Part:
        part = self.build(body)
        return Part(part.first, part.last, may_end or part.is_nullable)

    def _row(self, build: Callable[[int], Part], count: int) -> Part:
        row = Part((), (), True)
        for index in range(count):
            part = build(index)
            self._join(row.last, part.first)
            row = Part(
                (*row.first, *part.first) if row.is_nullable else row.first,
                (*row.last, *part.last) if part.is_nullable else part.last,
                row.is_nullable and part.is_nullable,
            )
        return row

    def _join(self, before: Sequence[int], after: Sequence[int]) -> None:
        self.spend(len(before) * len(after))
        for state in before:
            for following in after:
                if following in self.next[state]:
                    self.twice.add((state, following))
                self.next[state][following] = None

    def loops(self) -> list[list[int]]:
        """The states that can reach themselves, by strongly connected component (Kosaraju's algorithm), each after all
        that can be reached from it."""
        before: list[list[int]] = [[] for _ in self.next]
        for state, following in enumerate(self.next):
            for after in following:
                before[after].append(state)
        found: list[list[int]] = []
        taken: set[int] = set()
        for start in reversed(self._by_their_ends()):
            if start in taken:
                continue
            taken.add(start)
            loop = [start]
            for state in loop:
                # The list grows while it is read: by whatever leads here and does not belong to a loop before.
                fresh = [other for other in before[state] if other not in taken]
                taken.update(fresh)
                loop.extend(fresh)
            if len(loop) > 1 or start in self.next[start]:
                found.append(sorted(loop))
        return found[::-1]

    def _by_their_ends(self) -> list[int]:
        """All states, each after whatever a search in depth finds from it."""
        self.spend(sum(map(len, self.next)) + len(self.next))
        ended: list[int] = []
        seen: set[int] = set()
        for start in range(len(self.next)):
            path = [] if start in seen else [(start, iter(self.next[start]))]
            seen.add(start)
            while path:
                state, rest = path[-1]
                if (after := next((each for each in rest if each not in seen), None)) is None:
                    ended.append(state)
                    path.pop()
                else:
                    seen.add(after)
                    path.append((after, iter(self.next[after])))
        return ended

    def reachable(self, start: int, within: int) -> set[int]:
        """The states after `start`, over the characters `within`."""
        seen: set[int] = set()
        waiting = [start]
        while waiting:
            following = self.next[waiting.pop()]
            self.spend(len(following) + 1)
            for state in following:
                if state not in seen and self.chars[state] & within:
                    seen.add(state)
                    waiting.append(state)
        return seen


def _is_short(body: Node, least: int, most: int) -> bool:
    return isinstance(body, Chars) and most - least <= _MOST_SPREAD


@lru_cache(maxsize=4096)
def _mask(source: str) -> int:
    """The sampled characters that a piece of a pattern matches, as bits. Those it names itself count as one more."""
    compiled = regex.compile(source, flags=FLAGS_KNOWN)
    mask = sum(1 << index for index, character in enumerate(_SAMPLE) if compiled.match(character))
    # Sets of other characters than those in the sample might overlap.
    return mask if source.isascii() and mask else mask | 1 << len(_SAMPLE)
