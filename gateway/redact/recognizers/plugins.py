"""Recognizers of Presidio's that an operator has already: a policy names their classes, and they are run too."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

from presidio_analyzer import EntityRecognizer

from gateway.policy.schema import Redact
from gateway.settings import ConfigurationError


class PluginUnusable(ConfigurationError):
    """A class named in the policy is not there, or is no recognizer for the policy's languages."""


def plugin_recognizers(policy: Redact) -> list[EntityRecognizer]:
    """One object of each class under `redact.plugins`. Raises PluginUnusable."""
    return [_made(name, policy.languages) for name in policy.plugins]


def _made(name: str, languages: tuple[str, ...]) -> EntityRecognizer:
    module, _, attribute = name.partition(":")
    try:
        kind: Any = getattr(import_module(module), attribute)
        takes_language = "supported_language" in inspect.signature(kind).parameters
        made: object = kind(supported_language=languages[0]) if takes_language else kind()
    except Exception as error:
        raise PluginUnusable(
            f"redact.plugins: {name} cannot be made ({type(error).__name__}). Install its package beside the gateway, "
            "and name a class that needs no arguments, or only supported_language."
        ) from None
    if not isinstance(made, EntityRecognizer):
        raise PluginUnusable(f"redact.plugins: {name} is no EntityRecognizer of Presidio's")
    if made.supported_language not in languages:
        raise PluginUnusable(
            f"redact.plugins: {name} is for the language {made.supported_language}; add it to redact.languages"
        )
    return made
