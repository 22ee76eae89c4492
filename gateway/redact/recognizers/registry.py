"""All recognizers of a policy, in one list: Presidio's predefined ones, ours, and the policy's own."""

from __future__ import annotations

from presidio_analyzer import EntityRecognizer
from presidio_analyzer.nlp_engine import NlpEngine
from presidio_analyzer.predefined_recognizers import EmailRecognizer, PhoneRecognizer
from presidio_analyzer.recognizer_registry import RecognizerRegistry

from gateway.policy.schema import Action, Redact
from gateway.redact.phone import WindowedPhoneRecognizer
from gateway.redact.recognizers.email import OfflineEmailRecognizer
from gateway.redact.recognizers.own import own_recognizers


def build_registry(policy: Redact, nlp: NlpEngine) -> RecognizerRegistry:
    """All recognizers that the policy asks for, for all of its languages."""
    languages = list(policy.languages)
    registry = RecognizerRegistry(supported_languages=languages)
    registry.load_predefined_recognizers(languages=languages, nlp_engine=nlp)
    for language in languages:
        _exchange(registry, EmailRecognizer, OfflineEmailRecognizer(language), language)
        _exchange(registry, PhoneRecognizer, WindowedPhoneRecognizer(language), language)
        for recognizer in own_recognizers(policy, language):
            registry.add_recognizer(recognizer)
    return registry


def _exchange(
    registry: RecognizerRegistry, stock: type[EntityRecognizer], ours: EntityRecognizer, language: str
) -> None:
    registry.recognizers = [
        r for r in registry.recognizers if not (type(r) is stock and r.supported_language == language)
    ]
    registry.add_recognizer(ours)


def needed(policy: Redact, recognizer: EntityRecognizer) -> bool:
    """Whether anything that a recognizer finds would be acted on. What is allowed need not be looked for."""
    return any(policy.rule(entity).action is not Action.ALLOW for entity in recognizer.supported_entities)
