"""Presidio's recognizers for a policy: the predefined ones, the policy's own, and two that replace stock ones.

Stock Presidio asks the internet for the list of public suffixes when it meets its first e-mail address, and takes
an address under any other suffix (`jane@corp.internal`) for none. The one here stays offline and keeps both.
"""

from __future__ import annotations

from collections.abc import Sequence

import phonenumbers
import regex
import tldextract
from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from presidio_analyzer.predefined_recognizers import EmailRecognizer, PhoneRecognizer
from presidio_analyzer.recognizer_registry import RecognizerRegistry

from gateway.policy.schema import Redact

# Everything that can stand in or right beside a phone number: digits, their separators, and words of extensions.
_PHONE_NEIGHBOURHOOD = 48
_LENIENCY = 1
_PHONE_DIGITS = regex.compile(r"\p{Nd}(?:[^\p{Nd}\n]{0,7}\p{Nd}){4,}")


class OfflineEmailRecognizer(EmailRecognizer):
    """E-mail addresses. Under a public suffix the score is 1, under another one the pattern's own (0.5)."""

    def __init__(self, supported_language: str) -> None:
        super().__init__(supported_language=supported_language, name="EmailRecognizer")
        self._suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

    def validate_result(self, pattern_text: str) -> bool | None:
        return True if self._suffixes(pattern_text).fqdn else None


class WindowedPhoneRecognizer(PhoneRecognizer):
    """Presidio's phone recognizer, run only where at least five digits stand close to each other.

    The matcher of `phonenumbers` reads the whole text once per region, in Python, and most texts have no
    number in them. The windows reach far enough that the matcher sees the same surroundings as in the text.
    """

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        results: list[RecognizerResult] = []
        for start, end in _phone_windows(text):
            seen: set[tuple[int, int]] = set()
            for region in self.supported_regions:
                matcher = phonenumbers.PhoneNumberMatcher(text[start:end], region, leniency=_LENIENCY)
                for match in matcher:
                    place = (start + match.start, start + match.end)
                    if place not in seen:
                        seen.add(place)
                        results.append(self._result(*place))
        return list(EntityRecognizer.remove_duplicates(results))

    def _result(self, start: int, end: int) -> RecognizerResult:
        return RecognizerResult(entity_type=self.supported_entities[0], start=start, end=end, score=self.SCORE)


def _phone_windows(text: str) -> list[tuple[int, int]]:
    windows: list[tuple[int, int]] = []
    for match in _PHONE_DIGITS.finditer(text):
        start, end = max(0, match.start() - _PHONE_NEIGHBOURHOOD), match.end() + _PHONE_NEIGHBOURHOOD
        if windows and start <= windows[-1][1]:
            windows[-1] = (windows[-1][0], end)
        else:
            windows.append((start, end))
    return windows


def build_registry(policy: Redact, nlp: NlpEngine) -> RecognizerRegistry:
    """All recognizers that the policy asks for, for all of its languages."""
    languages = list(policy.languages)
    registry = RecognizerRegistry(supported_languages=languages)
    registry.load_predefined_recognizers(languages=languages, nlp_engine=nlp)
    for language in languages:
        _exchange(registry, EmailRecognizer, OfflineEmailRecognizer(language), language)
        phone = WindowedPhoneRecognizer(supported_language=language, name="PhoneRecognizer")
        _exchange(registry, PhoneRecognizer, phone, language)
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
        own.append(
            PatternRecognizer(
                supported_entity=denied.entity,
                name=f"deny[{index}]",
                supported_language=language,
                deny_list=list(denied.text),
            )
        )
    return own
