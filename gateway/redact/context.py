"""Raises the score of a finding when a word that speaks for it stands before it.

The rule is that of Presidio's LemmaContextAwareEnhancer (prefix of 5 words and the word itself, substrings count,
+0.35, at least 0.4, at most 1), with the words of a text indexed once instead of once per finding.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Protocol

from presidio_analyzer.nlp_engine import NlpArtifacts

FACTOR = 0.35
LEAST = 0.4
WORDS_BEFORE = 5
WORDS_LOOKED_AT = 200
"""Stop words and punctuation do not count, but they do not go on for ever either."""


class Words(Protocol):
    """The words of one text."""

    def before(self, start: int) -> str:
        """The word at code point `start` and the keywords before it, joined by a character no word contains."""
        ...


class ContextWords:
    """The words of one text as an NLP engine has read them."""

    def __init__(self, artifacts: NlpArtifacts) -> None:
        self._starts: list[int] = artifacts.tokens_indices
        self._lemmas: list[str] = artifacts.lemmas
        self._keywords = frozenset(artifacts.keywords)

    def before(self, start: int) -> str:
        index = bisect_right(self._starts, start) - 1
        words: list[str] = []
        first = max(0, index - WORDS_LOOKED_AT)
        while index >= first and len(words) <= WORDS_BEFORE:
            word = self._lemmas[index].lower()
            if word in self._keywords:
                words.append(word)
            index -= 1
        return "\n".join(words)


def enhanced(score: float, words_before: str, context: Sequence[str]) -> float:
    """The score with context taken into account. `context` must be in lower case."""
    if any(word in words_before for word in context):
        return highest(score, context)
    return score


def highest(score: float, context: Sequence[str]) -> float:
    """The score that a finding can reach at best."""
    return min(max(score + FACTOR, LEAST), 1.0) if context else score
