"""Presidio's recognizers for a policy: the predefined ones, the policy's own, and two that replace stock ones.

Stock Presidio asks the internet for the list of public suffixes when it meets its first e-mail address, and takes
an address under any other suffix (`jane@corp.internal`) for none. The one here stays offline and keeps
both. The other is in phone.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import tldextract
from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer
from presidio_analyzer.nlp_engine import NlpEngine
from presidio_analyzer.predefined_recognizers import EmailRecognizer, PhoneRecognizer
from presidio_analyzer.recognizer_registry import RecognizerRegistry

from gateway.policy.schema import Action, Redact
from gateway.redact.phone import WindowedPhoneRecognizer


class OfflineEmailRecognizer(EmailRecognizer):
    """E-mail addresses. Under a public suffix the score is 1, under another one the pattern's own (0.5)."""

    def __init__(self, supported_language: str) -> None:
        super().__init__(supported_language=supported_language, name="EmailRecognizer")
        self._suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
        # Read the list now, not in the first request.
        self._suffixes("example.org")

    def validate_result(self, pattern_text: str) -> bool | None:
        return True if self._suffixes(pattern_text).fqdn else None


def build_registry(policy: Redact, nlp: NlpEngine) -> RecognizerRegistry:
    """All recognizers that the policy asks for, for all of its languages."""
    languages = list(policy.languages)
    registry = RecognizerRegistry(supported_languages=languages)
    registry.load_predefined_recognizers(languages=languages, nlp_engine=nlp)
    for language in languages:
        _exchange(registry, EmailRecognizer, OfflineEmailRecognizer(language), language)
        _exchange(registry, PhoneRecognizer, WindowedPhoneRecognizer(language), language)
        for recognizer in _own(policy, language):
            registry.add_recognizer(recognizer)
    return registry


def _exchange(
    registry: RecognizerRegistry, stock: type[EntityRecognizer], ours: EntityRecognizer, language: str
) -> None:
    registry.recognizers = [
        r for r in registry.recognizers if not (type(r) is stock and r.supported_language == language)
    ]
    registry.add_recognizer(ours)


def _own(policy: Redact, language: str) -> Sequence[EntityRecognizer]:
    own: list[EntityRecognizer] = []
    for index, rule in enumerate(policy.recognizers):
        name = f"recognizers[{index}]"
        pattern = Pattern(name=name, regex=rule.pattern, score=rule.score)
        own.append(
            PatternRecognizer(
                supported_entity=rule.entity,
                name=name,
                supported_language=language,
                patterns=[pattern],
                context=list(rule.context),
            )
        )
    for index, denied in enumerate(policy.deny):
        name = f"deny[{index}]"
        own.append(
            PatternRecognizer(
                supported_entity=denied.entity,
                name=name,
                supported_language=language,
                patterns=[Pattern(name=name, regex=_as_words(denied.text), score=1.0)],
            )
        )
    return own


def _as_words(texts: Sequence[str]) -> str:
    """Finds the texts as whole words, as Presidio's deny lists do, with any white space where they have some."""
    written = (r"\s+".join(re.escape(word) for word in text.split()) for text in sorted(texts, key=len, reverse=True))
    return rf"(?:^|(?<=\W))(?:{'|'.join(written)})(?:(?=\W)|$)"


def needed(policy: Redact, recognizer: EntityRecognizer) -> bool:
    """Whether anything that a recognizer finds would be acted on. What is allowed need not be looked for."""
    return any(policy.rule(entity).action is not Action.ALLOW for entity in recognizer.supported_entities)
