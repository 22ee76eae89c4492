"""Presidio as it comes, to compare with: its AnalyzerEngine and predefined recognizers for English, without a model.

One thing is not stock: the list of public suffixes is the one that ships with tldextract, not fetched anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import tldextract
from presidio_analyzer import AnalyzerEngine, RecognizerResult
from presidio_analyzer.predefined_recognizers import EmailRecognizer
from presidio_analyzer.recognizer_registry import RecognizerRegistry

from gateway.pipeline.exchange import Deadline
from gateway.pipeline.span import Span
from gateway.policy.schema import Action, Redact
from gateway.redact.detector import silence_presidio
from gateway.redact.words import WordsNlpEngine

_LANGUAGE = "en"


class _StockEmailRecognizer(EmailRecognizer):
    """Stock in what it finds."""

    def __init__(self) -> None:
        super().__init__(supported_language=_LANGUAGE, name="EmailRecognizer")
        self._suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

    def validate_result(self, pattern_text: str) -> bool:
        return bool(self._suffixes(pattern_text).fqdn)


class StockPresidio:
    """A detector. The policy's thresholds apply, and what it allows is not reported."""

    def __init__(self, policy: Redact) -> None:
        silence_presidio()
        self._policy = policy
        nlp = WordsNlpEngine([_LANGUAGE])
        registry = RecognizerRegistry(supported_languages=[_LANGUAGE])
        registry.load_predefined_recognizers(languages=[_LANGUAGE], nlp_engine=nlp)
        registry.recognizers = [r for r in registry.recognizers if not isinstance(r, EmailRecognizer)]
        registry.add_recognizer(_StockEmailRecognizer())
        self._engine = AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=[_LANGUAGE])

    def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
        """Raises DeadlineExceeded."""
        found = []
        for text in texts:
            deadline.left()
            results = self._engine.analyze(text, _LANGUAGE)
            found.append([_span(result) for result in results if self._is_wanted(result)])
        return found

    def _is_wanted(self, result: RecognizerResult) -> bool:
        rule = self._policy.rule(result.entity_type)
        return rule.action is not Action.ALLOW and result.score >= (rule.threshold or 0.0)


def _span(result: RecognizerResult) -> Span:
    return Span(result.start, result.end, result.entity_type, result.score, "stock Presidio")
