"""Presidio's pattern recognizers, run only where the prefilter says that they can find something.

What a recognizer's patterns find, what it makes of that (checksums, formats) and the scores are Presidio's. Recognizers
that Presidio registers once for each language are one here, with the context words of all of these languages.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import regex
from presidio_analyzer import EntityRecognizer, PatternRecognizer
from presidio_analyzer.predefined_recognizers import IbanRecognizer

from gateway.redact.context import highest
from gateway.redact.prefilter.alphabet import alphabet
from gateway.redact.prefilter.scan import Prefilter, prefilter_of
from gateway.redact.prefilter.translations import Pattern
from gateway.redact.recognizers.own import is_own

Least = Callable[[str], float]
Wanted = Callable[[EntityRecognizer], bool]
Found = tuple[int, int, float]
"""Code points [start, end) and a score."""
Checked = Callable[[str, regex.Match[str], float], Iterator[Found]]
_SHIPPED = ("gateway.", "presidio_analyzer.")
_OF_ONE_LANGUAGE = frozenset({"supported_language", "context", "patterns", "_id"})


@dataclass(frozen=True, slots=True)
class PatternFinding:
    """What a pattern recognizer found, before words around it are looked at."""

    start: int
    end: int
    score: float
    finder: Finder


@dataclass(frozen=True, slots=True)
class Finder:
    """A recognizer of patterns, or any other whose findings are enhanced by context."""

    entity: str
    name: str
    context: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Run:
    """One pattern of one recognizer: all that is needed when the prefilter names it."""

    compiled: regex.Pattern[str]
    score: float
    finder: Finder
    checked: Checked


@dataclass(frozen=True, slots=True)
class _Group:
    """Patterns that are looked for in one pass, and what is run for each of them: nothing, if it is not wanted."""

    runs: Sequence[Sequence[_Run]]
    prefilter: Prefilter


class PatternFinders:
    """All pattern recognizers of a policy."""

    def __init__(self, recognizers: Iterable[Any], least: Least, wanted: Wanted) -> None:
        """`least`: the score below which findings of a type are of no interest. `wanted`: which recognizers are run.

        What ships with the gateway is looked for whether it is wanted or not: so one database, which takes seconds to
        compile, serves all policies, and the patterns of a policy and of its plugins have another.
        """
        runs: tuple[dict[Pattern, list[_Run]], dict[Pattern, list[_Run]]] = ({}, {})
        for alike in _by_kind(recognizers):
            ships = type(alike[0]).__module__.startswith(_SHIPPED) and not is_own(alike[0].name)
            for pattern, run in _runs(alike, least, wanted):
                runs[not ships].setdefault(pattern, []).extend(run)
        self._groups = [_Group(list(group.values()), prefilter_of(tuple(group))) for group in runs if group]

    def find(self, text: str, left: Callable[[], float]) -> list[PatternFinding]:
        """`left`: seconds left, or raises. Raises TimeoutError, and whatever a recognizer's own checks raise."""
        found: list[PatternFinding] = []
        shown = alphabet().encode(text)
        for group in self._groups:
            left()
            hits = group.prefilter.scan(shown)
            for number in hits.numbers():
                runs = group.runs[number]
                if not runs:
                    continue
                for match in group.prefilter.matches(number, runs[0].compiled, text, hits, left):
                    for run in runs:
                        for start, end, score in run.checked(text, match, run.score):
                            found.append(PatternFinding(start, end, score, run.finder))
        return found


def takes_patterns(recognizer: EntityRecognizer) -> bool:
    """Whether the recognizer adds nothing to Presidio's way of running patterns that is not known here."""
    analyze: object = getattr(type(recognizer), "analyze", None)
    return analyze in (PatternRecognizer.analyze, IbanRecognizer.analyze)


def union_of_contexts(recognizers: Iterable[Any]) -> tuple[str, ...]:
    """The context words of all, in lower case, each once."""
    return tuple(dict.fromkeys(word.lower() for recognizer in recognizers for word in recognizer.context or ()))


def kind(recognizer: Any) -> Hashable:
    """Recognizers of one kind differ in their language and their context words only."""
    patterns = tuple((pattern.regex, pattern.score) for pattern in getattr(recognizer, "patterns", ()))
    rest = ((name, repr(value)) for name, value in vars(recognizer).items() if name not in _OF_ONE_LANGUAGE)
    return type(recognizer), patterns, tuple(sorted((name, value) for name, value in rest if " at 0x" not in value))


def _by_kind(recognizers: Iterable[Any]) -> Sequence[Sequence[Any]]:
    kinds: dict[Hashable, list[Any]] = {}
    for recognizer in recognizers:
        kinds.setdefault((kind(recognizer), recognizer.name), []).append(recognizer)
    return list(kinds.values())


def _runs(alike: Sequence[Any], least: Least, wanted: Wanted) -> Iterator[tuple[Pattern, list[_Run]]]:
    """All patterns, and what to run for them: nothing for what cannot reach the score that is asked for."""
    recognizer = alike[0]
    finder = Finder(recognizer.supported_entities[0], str(recognizer.name), union_of_contexts(alike))
    flags = int(recognizer.global_regex_flags)
    # A validated match scores 1; without validation the pattern's score and the context decide.
    validates = type(recognizer).validate_result is not PatternRecognizer.validate_result
    checked = _iban(recognizer) if isinstance(recognizer, IbanRecognizer) else _plain(recognizer, validates)
    for pattern in recognizer.patterns:
        can_reach = validates or highest(pattern.score, finder.context) >= least(finder.entity)
        run = []
        if can_reach and wanted(recognizer):
            run = [_Run(regex.compile(pattern.regex, flags=flags), pattern.score, finder, checked)]
        yield Pattern(pattern.regex, flags), run


def _plain(recognizer: Any, validates: bool) -> Checked:
    """Presidio's PatternRecognizer, without the explanations that it builds."""
    invalidates = type(recognizer).invalidate_result is not PatternRecognizer.invalidate_result

    def checked(text: str, match: regex.Match[str], score: float) -> Iterator[Found]:
        start, end = match.span()
        if start == end:
            return
        if validates:
            score = _validated(recognizer.validate_result(match[0]), score)
        if invalidates and recognizer.invalidate_result(match[0]):
            return
        if score > EntityRecognizer.MIN_SCORE:
            yield start, end, score

    return checked


def _iban(recognizer: Any) -> Checked:
    """Presidio's IbanRecognizer: the longest beginning of a match that is valid, group by group."""

    def checked(text: str, match: regex.Match[str], score: float) -> Iterator[Found]:
        start = match.start()
        for group in range(len(match.groups()), 0, -1):
            end = match.end(group) if match.end(group) > 0 else match.end()
            value = text[start:end]
            if not value:
                continue
            validated = _validated(recognizer.validate_result(value), score)
            if validated > EntityRecognizer.MIN_SCORE:
                yield start, end, validated
                return

    return checked


def _validated(verdict: bool | None, score: float) -> float:
    if verdict is None:
        return score
    return float(EntityRecognizer.MAX_SCORE if verdict else EntityRecognizer.MIN_SCORE)
