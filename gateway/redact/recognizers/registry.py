"""All recognizers of a policy, in one list: Presidio's predefined ones, ours, and the policy's own.

Values have their form whatever the language around them, so each recognizer is registered once, for the policy's first
language. Of Presidio's own only those are here that no table of ours replaces: they are for one language each, and many
find any number that passes a check digit.
"""

from __future__ import annotations

from collections.abc import Callable

from presidio_analyzer import EntityRecognizer
from presidio_analyzer.nlp_engine import NlpEngine
from presidio_analyzer.predefined_recognizers import (
    CryptoRecognizer,
    DateRecognizer,
    IpRecognizer,
    MacAddressRecognizer,
    UrlRecognizer,
    UsBankRecognizer,
    UsItinRecognizer,
    UsPassportRecognizer,
    UsSsnRecognizer,
    UuidRecognizer,
)
from presidio_analyzer.recognizer_registry import RecognizerRegistry

from gateway.policy.schema import Action, Redact
from gateway.redact.phone import WindowedPhoneRecognizer
from gateway.redact.recognizers import calls, machines, money, national, passwords, people, places, secrets
from gateway.redact.recognizers.email import OfflineEmailRecognizer
from gateway.redact.recognizers.own import own_recognizers
from gateway.redact.recognizers.plugins import plugin_recognizers
from gateway.redact.recognizers.table import recognizers

_PREDEFINED: tuple[Callable[..., EntityRecognizer], ...] = (
    CryptoRecognizer,
    DateRecognizer,
    IpRecognizer,
    MacAddressRecognizer,
    UrlRecognizer,
    UsBankRecognizer,
    UsItinRecognizer,
    UsPassportRecognizer,
    UsSsnRecognizer,
    UuidRecognizer,
)
_TABLES = (calls, secrets, passwords, national, money, machines, people, places)


def build_registry(policy: Redact, nlp: NlpEngine) -> RecognizerRegistry:
    """All recognizers that the policy asks for."""
    language = policy.languages[0]
    registry = RecognizerRegistry(supported_languages=list(policy.languages))
    registry.add_nlp_recognizer(nlp)
    every: list[EntityRecognizer] = [
        *(predefined(supported_language=language) for predefined in _PREDEFINED),
        OfflineEmailRecognizer(language),
        WindowedPhoneRecognizer(language, side_by_side=True),
        *(recognizer for table in _TABLES for recognizer in recognizers(table.rows(), language)),
        *plugin_recognizers(policy),
        *own_recognizers(policy, language),
    ]
    for recognizer in every:
        registry.add_recognizer(recognizer)
    return registry


def needed(policy: Redact, recognizer: EntityRecognizer) -> bool:
    """Whether anything that a recognizer finds would be acted on. What is allowed need not be looked for."""
    return any(policy.rule(entity).action is not Action.ALLOW for entity in recognizer.supported_entities)
