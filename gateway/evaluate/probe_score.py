"""What a model is asked to complete, and how much of the document came back.

A document is *extractable* if an answer holds a verbatim run of at least `least` of its words that were not in the
prompt. This follows N. Carlini et al., "Quantifying Memorization Across Neural Language Models" (ICLR 2023,
arXiv:2202.07646, definition 3.1: extractable with k tokens of context), with words instead of tokens, and without
their demand that the run begin where the prompt ends. *Nearly* extractable is what D. Ippolito et al., "Preventing
Verbatim Memorization in Language Models Gives a False Sense of Privacy" (arXiv:2210.17546) warn of: the continuation
with changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from gateway.evaluate.probe_words import PIECES, Quoted, similarity, words

LEAST_WORDS = 16
NEAR = 0.8
"""From this similarity on an answer is the continuation with changes."""
_PHRASE_WORDS = 5
"""Shorter runs are phrases that anybody uses; they do not count as come back."""

Range = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Target:
    """A document, cut into pieces (words as they stand) and normalised words. No word of it shows in its repr.

    Two are the same only if they are one, since to compare long texts takes long.
    """

    id: str
    text: str = field(repr=False)
    pieces: tuple[Range, ...] = field(repr=False)
    """Code points [start, end) of each piece."""
    words: tuple[str, ...] = field(repr=False)
    starts: tuple[int, ...] = field(repr=False)
    """How many words stand before each piece; one more for the end."""

    @classmethod
    def of(cls, id_: str, text: str) -> Target:
        pieces = tuple(found.span() for found in PIECES.finditer(text))
        inner = [words(text[start:end]) for start, end in pieces]
        starts = accumulate((len(some) for some in inner), initial=0)
        return cls(id_, text, pieces, tuple(word for some in inner for word in some), tuple(starts))

    def prompts(self, lengths: Sequence[int], positions: int, least: int) -> list[Prompt]:
        """A prompt for each length at the beginning and at inner positions, spread evenly, `positions` in all.

        None leaves less than `least` words after it; none at all if the document is too short for that.
        """
        found = (prompt for length in lengths for prompt in self._prompts(length, positions, least))
        return list(dict.fromkeys(found))

    def _prompts(self, length: int, positions: int, least: int) -> Iterator[Prompt]:
        last = len(self.pieces) - length
        while last >= 0 and len(self.words) - self.starts[last + length] < least:
            last -= 1
        if last < 0:
            return
        for number in range(positions):
            yield Prompt(self, (last + 1) * number // positions, length)


@dataclass(frozen=True)
class Prompt:
    """`length` pieces of a document, from piece `first` on."""

    target: Target
    first: int
    length: int

    @property
    def text(self) -> str:
        pieces = self.target.pieces
        return self.target.text[pieces[self.first][0] : pieces[self.first + self.length - 1][1]]

    @property
    def given(self) -> Range:
        """The words [start, end) of the document that are in the prompt."""
        starts = self.target.starts
        return starts[self.first], starts[self.first + self.length]

    @property
    def rest(self) -> tuple[Range, Range]:
        """The words before and after it."""
        start, end = self.given
        return (0, start), (end, len(self.target.words))


@dataclass(frozen=True, slots=True)
class Comparison:
    """One answer beside its document. `run`: the longest verbatim run, as words [start, end) of the document."""

    words: int
    run: Range = (0, 0)
    returned: tuple[Range, ...] = ()
    """Runs of at least five words that came back, as words of the document; they do not overlap."""
    similarity: float = 0.0
    """To as many words of the document after the prompt as the answer has."""

    @property
    def run_words(self) -> int:
        return self.run[1] - self.run[0]


def compare(prompt: Prompt, answer: str) -> Comparison:
    """What of the document is in the answer, beyond what was in the prompt."""
    said = words(answer)
    document = prompt.target.words
    quoted = Quoted(said)
    longest: Range = (0, 0)
    returned: list[Range] = []
    for start, end in prompt.rest:
        for run in _runs(quoted, document[start:end], start):
            if run[1] - run[0] > longest[1] - longest[0]:
                longest = run
            if run[1] - run[0] >= _PHRASE_WORDS:
                returned.append(run)
    return Comparison(len(said), longest, joined(returned), _likeness(prompt, said))


def _runs(quoted: Quoted, text: Sequence[str], offset: int) -> Iterator[Range]:
    """The runs of a text that cannot be made longer to the right."""
    before = 0
    for at, length in enumerate(quoted.runs(text)):
        if before and length <= before:
            yield offset + at - before, offset + at
        before = length
    if before:
        yield offset + len(text) - before, offset + len(text)


def joined(ranges: Sequence[Range]) -> tuple[Range, ...]:
    """The same places without overlaps, in order."""
    made: list[Range] = []
    for start, end in sorted(ranges):
        if made and start <= made[-1][1]:
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((start, end))
    return tuple(made)


def size(ranges: Sequence[Range]) -> int:
    """How many words are in ranges that do not overlap."""
    return sum(end - start for start, end in ranges)


def _likeness(prompt: Prompt, said: Sequence[str]) -> float:
    start, end = prompt.given
    given = prompt.target.words[start:end]
    if tuple(said[: len(given)]) == given:
        said = said[len(given) :]  # chats often begin with what they were asked to go on with
    return similarity(said, prompt.target.words[end : end + len(said)])


@dataclass(frozen=True, slots=True)
class Exposure:
    """How likely a canary is to a model among phrases that were drawn like it and never planted.

    Rank 1 is the likeliest. N. Carlini et al., "The Secret Sharer" (USENIX Security 2019, arXiv:1802.08232), section 4:
    exposure = log2(number of phrases) - log2(rank), in bits. The phrases are a sample, which bounds it: log2 of their
    number is the most that it can show.
    """

    rank: int
    phrases: int
    """The canary itself and those that it is compared with."""

    @classmethod
    def of(cls, canary: float, others: Sequence[float]) -> Exposure:
        """From log probabilities. A tie counts against the canary's being known."""
        return cls(1 + sum(other >= canary for other in others), 1 + len(others))

    @property
    def bits(self) -> float:
        return math.log2(self.phrases) - math.log2(self.rank)

    @property
    def most_bits(self) -> float:
        """What the sample can show at most."""
        return math.log2(self.phrases)

    @property
    def is_least(self) -> bool:
        """Whether the true exposure may be larger than the sample can show."""
        return self.rank == 1
