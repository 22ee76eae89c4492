"""Presidio behind our own span type.

Presidio's AnalyzerEngine goes on when a pattern times out or a model fails, and only logs it, with pieces of the
text. Here the recognizers of its registry are run one by one, each failure is raised, and what Presidio logs is
never written anywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts
from presidio_analyzer.predefined_recognizers import SpacyRecognizer

from gateway.pipeline.exchange import Deadline
from gateway.pipeline.span import Span
from gateway.policy.schema import Redact
from gateway.redact.context import ContextWords, Words, enhanced
from gateway.redact.nlp import NER_ENTITIES, Engine, load_engine
from gateway.redact.phone import WindowedPhoneRecognizer
from gateway.redact.prefilter.recognizers import (
    Finder,
    Least,
    PatternFinders,
    PatternFinding,
    Wanted,
    kind,
    takes_patterns,
    union_of_contexts,
)
from gateway.redact.recognizers.registry import build_registry, needed
from gateway.redact.words import LateArtifacts, WordsNlpEngine

CHECKED = frozenset({"CREDIT_CARD", "IBAN_CODE"})
"""Long numbers that are found only where their checksums are right."""
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


class PresidioDetector:
    """Finds personal data with Presidio's recognizers, in every language of the policy."""

    def __init__(
        self,
        engine: Engine,
        recognizers: Sequence[EntityRecognizer],
        languages: Sequence[str],
        entities: frozenset[str] = frozenset(),
        least: Least = lambda _: 0.0,
        wanted: Wanted = lambda _: True,
    ) -> None:
        """`entities`: the types that a policy may name, whether they are looked for or not. `least`: the score below
        which findings of a type are of no interest. `wanted`: which of the recognizers are run."""
        self.entities = entities
        self._reading = engine.reading
        self._nlp = engine.nlp
        self._languages = tuple(languages)
        ours = [r for r in recognizers if r.supported_language in self._languages]
        self._patterns = PatternFinders([r for r in ours if takes_patterns(r)], least, wanted)
        rest = [r for r in ours if not takes_patterns(r) and wanted(r)]
        self._phones = _merged([r for r in rest if isinstance(r, WindowedPhoneRecognizer)])
        others = [r for r in rest if not isinstance(r, WindowedPhoneRecognizer)]
        if isinstance(engine.nlp, WordsNlpEngine):
            # Without a model there are no entities for it to pass on.
            others = [r for r in others if type(r) is not SpacyRecognizer]
        self._others = _merged(others, apart=not isinstance(engine.nlp, WordsNlpEngine))

    def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
        """Raises DeadlineExceeded, DetectionFailed or whatever a recognizer raises."""
        return [self._detect(text, deadline) for text in texts]

    def _detect(self, text: str, deadline: Deadline) -> list[Span]:
        found = self._patterns.find(text, deadline.left)
        others = [(one.start, one.end) for one in found if one.finder.entity in CHECKED] if self._phones else []
        for phone, finder in self._phones:
            places = phone.places(text, deadline.left, others)
            found += [PatternFinding(start, end, phone.SCORE, finder) for start, end in places]
        nlp = self._nlp
        if not isinstance(nlp, WordsNlpEngine):
            return self._in_languages(text, found, deadline)
        words = nlp.words(text)
        for recognizer, finder in self._others:
            deadline.left()
            artifacts = LateArtifacts(partial(nlp.process_text, text, recognizer.supported_language))
            found += _results(recognizer, finder, text, artifacts, deadline)
        return [_span(finding, words) for finding in found]

    def _in_languages(self, text: str, found: list[PatternFinding], deadline: Deadline) -> list[Span]:
        """With a model that reads in one language at a time. What needs no model counts in the language that raises
        its score most."""
        best: dict[PatternFinding, Span] = {}
        for language in self._languages:
            deadline.left()
            with self._reading(language):
                artifacts = self._nlp.process_text(text, language)
                words = ContextWords(artifacts)
                named = [
                    finding
                    for recognizer, finder in self._others
                    if recognizer.supported_language == language
                    for finding in _results(recognizer, finder, text, artifacts, deadline)
                ]
                for finding in (*found, *named):
                    span = _span(finding, words)
                    best[finding] = max(best.get(finding, span), span, key=lambda one: one.score)
        return list(best.values())


def _merged(recognizers: Sequence[Any], *, apart: bool = False) -> list[tuple[Any, Finder]]:
    """One of each kind with the context of all its languages; `apart`: each by itself."""
    kinds: dict[object, list[Any]] = {}
    for recognizer in recognizers:
        kinds.setdefault(recognizer if apart else (kind(recognizer), recognizer.name), []).append(recognizer)
    return [
        (alike[0], Finder(alike[0].supported_entities[0], str(alike[0].name), union_of_contexts(alike)))
        for alike in kinds.values()
    ]


def _results(
    recognizer: Any, finder: Finder, text: str, artifacts: NlpArtifacts, deadline: Deadline
) -> Iterator[PatternFinding]:
    for result in _analyzed(recognizer, text, artifacts, deadline) or ():
        typed = replace(finder, entity=result.entity_type) if result.entity_type != finder.entity else finder
        yield PatternFinding(result.start, result.end, result.score, typed)


def _analyzed(recognizer: Any, text: str, artifacts: NlpArtifacts, deadline: Deadline) -> Iterable[RecognizerResult]:
    # Models that read a text in pieces look at the clock between them.
    if within := getattr(recognizer, "analyze_within", None):
        found: Iterable[RecognizerResult] = within(text, deadline.left)
    else:
        found = recognizer.analyze(text, recognizer.supported_entities, artifacts)
    return found


def _span(finding: PatternFinding, words: Words) -> Span:
    finder = finding.finder
    score = finding.score
    if finder.context and score < EntityRecognizer.MAX_SCORE:
        score = enhanced(score, words.before(finding.start), finder.context)
    return Span(finding.start, finding.end, finder.entity, score, finder.name)


def build_detector(policy: Redact, *, whole: bool = False) -> PresidioDetector:
    """The detector of a policy; `whole`: also look for what the policy allows, to show it.

    Raises ConfigurationError if the policy's engine cannot be loaded.
    """
    silence_presidio()
    engine = load_engine(policy)
    recognizers = [*build_registry(policy, engine.nlp).recognizers, *engine.recognizers]
    known = frozenset(entity for recognizer in recognizers for entity in recognizer.supported_entities)

    def least(entity: str) -> float:
        return 0.0 if whole else policy.rule(entity).threshold or 0.0

    return PresidioDetector(
        engine,
        recognizers,
        policy.languages,
        known | frozenset(NER_ENTITIES),
        least,
        lambda recognizer: whole or needed(policy, recognizer),
    )
