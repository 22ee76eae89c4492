"""Presidio behind our own span type.

Presidio's AnalyzerEngine goes on when a pattern times out or a model fails, and only logs it, with pieces of the
text. Here the recognizers of its registry are run one by one, each failure is raised, and what Presidio logs is
never written anywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import regex
from presidio_analyzer import EntityRecognizer, PatternRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from gateway.pipeline.exchange import Deadline
from gateway.pipeline.span import Span
from gateway.policy.schema import Redact
from gateway.redact.context import ContextWords, enhanced, highest
from gateway.redact.nlp import NER_ENTITIES, Engine, load_engine
from gateway.redact.phone import WindowedPhoneRecognizer
from gateway.redact.recognizers.registry import build_registry, needed

Least = Callable[[str], float]
PRESIDIO_LOGGERS = ("presidio-analyzer", "decision_process", "tldextract")


class DetectionFailed(Exception):
    """A recognizer could not do its work, so nobody knows what is in the text."""


class _Swallowed(logging.Filter):
    """Drops what Presidio logs, since it quotes texts, and raises where it reports a failure it went on from."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info:
            raise DetectionFailed("a recognizer failed or ran out of time")
        return False


def silence_presidio() -> None:
    """Install the filter above once per process, whatever the log level."""
    for name in PRESIDIO_LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(f, _Swallowed) for f in logger.filters):
            logger.addFilter(_Swallowed())


@dataclass(frozen=True, slots=True)
class _Pattern:
    """One pattern of a recognizer that adds nothing to Presidio's way of running patterns."""

    compiled: regex.Pattern[str]
    score: float


@dataclass(frozen=True, slots=True)
class _Recognizer:
    """A recognizer of Presidio's with what is asked of it for every text at hand."""

    presidio: EntityRecognizer
    name: str
    patterns: tuple[_Pattern, ...]
    context: tuple[str, ...]


class PresidioDetector:
    """Finds personal data with Presidio's recognizers, in every language of the policy."""

    def __init__(
        self,
        engine: Engine,
        recognizers: Sequence[EntityRecognizer],
        languages: Sequence[str],
        entities: frozenset[str] = frozenset(),
        least: Least = lambda _: 0.0,
    ) -> None:
        """`entities`: the types that a policy may name, whether they are looked for or not. `least`: the score below
        which findings of a type are of no interest."""
        self.entities = entities
        self._reading = engine.reading
        self._nlp = engine.nlp
        prepared = [(r.supported_language, made) for r in recognizers if (made := _prepare(r, least)) is not None]
        self._by_language = {
            language: [made for supported, made in prepared if supported == language] for language in languages
        }

    def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
        """Raises DeadlineExceeded, DetectionFailed or whatever a recognizer raises."""
        return [self._detect(text, deadline) for text in texts]

    def _detect(self, text: str, deadline: Deadline) -> list[Span]:
        spans: list[Span] = []
        for language, recognizers in self._by_language.items():
            deadline.left()
            with self._reading(language):
                artifacts = self._nlp.process_text(text, language)
                words = ContextWords(artifacts)
                for recognizer in recognizers:
                    found = self._run(recognizer, text, artifacts, deadline)
                    spans.extend(_in_context(span, recognizer.context, words) for span in found)
        return spans

    def _run(self, recognizer: _Recognizer, text: str, artifacts: NlpArtifacts, deadline: Deadline) -> Iterator[Span]:
        if recognizer.patterns:
            return _match(recognizer, text, deadline)
        deadline.left()
        presidio = recognizer.presidio
        if isinstance(presidio, WindowedPhoneRecognizer):
            return (_span(result, recognizer.name) for result in presidio.analyze_within(text, deadline.left))
        results = presidio.analyze(text, presidio.supported_entities, artifacts) or []
        return (_span(result, recognizer.name) for result in results)


def _in_context(span: Span, context: Sequence[str], words: ContextWords) -> Span:
    if not context:
        return span
    return replace(span, score=enhanced(span.score, words.before(span.start), context))


def _prepare(recognizer: Any, least: Least) -> _Recognizer | None:
    """None if nothing that the recognizer finds can reach the score that is asked for."""
    context = tuple(word.lower() for word in recognizer.context or ())
    if getattr(type(recognizer), "analyze", None) is not PatternRecognizer.analyze:
        return _Recognizer(recognizer, str(recognizer.name), (), context)
    flags = recognizer.global_regex_flags
    # A validated match scores 1; without validation the pattern's score and the context decide.
    validates = type(recognizer).validate_result is not PatternRecognizer.validate_result
    threshold = least(recognizer.supported_entities[0])
    patterns = tuple(
        _Pattern(regex.compile(pattern.regex, flags=flags), pattern.score)
        for pattern in recognizer.patterns
        if validates or highest(pattern.score, context) >= threshold
    )
    return _Recognizer(recognizer, str(recognizer.name), patterns, context) if patterns else None


def _match(recognizer: _Recognizer, text: str, deadline: Deadline) -> Iterator[Span]:
    """Presidio's PatternRecognizer, but a timeout is an error, and no explanations are built."""
    presidio = recognizer.presidio
    entity = presidio.supported_entities[0]
    for pattern in recognizer.patterns:
        for match in pattern.compiled.finditer(text, timeout=deadline.left()):
            start, end = match.span()
            if start == end:
                continue
            score = _validated(presidio, match[0], pattern.score)
            if score > EntityRecognizer.MIN_SCORE:
                yield Span(start, end, entity, score, recognizer.name)


def _validated(recognizer: Any, value: str, score: float) -> float:
    verdict = recognizer.validate_result(value)
    if verdict is not None:
        score = EntityRecognizer.MAX_SCORE if verdict else EntityRecognizer.MIN_SCORE
    if recognizer.invalidate_result(value):
        score = EntityRecognizer.MIN_SCORE
    return score


def _span(result: RecognizerResult, source: str) -> Span:
    return Span(result.start, result.end, result.entity_type, result.score, source)


def build_detector(policy: Redact, *, whole: bool = False) -> PresidioDetector:
    """The detector of a policy; `whole`: also look for what the policy allows, to show it.

    Raises ConfigurationError if the policy's engine cannot be loaded.
    """
    silence_presidio()
    engine = load_engine(policy)
    recognizers = [*build_registry(policy, engine.nlp).recognizers, *engine.recognizers]
    known = frozenset(entity for recognizer in recognizers for entity in recognizer.supported_entities)
    used = [r for r in recognizers if whole or needed(policy, r)]

    def least(entity: str) -> float:
        return 0.0 if whole else policy.rule(entity).threshold or 0.0

    return PresidioDetector(engine, used, policy.languages, known | frozenset(NER_ENTITIES), least)
