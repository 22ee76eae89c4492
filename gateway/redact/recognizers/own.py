"""The policy's own recognizers and its lists of words that are always personal data."""

from __future__ import annotations

import re
from collections.abc import Sequence

from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer

from gateway.policy.schema import Redact

_NAMES = ("recognizers[", "deny[")


def is_own(name: str) -> bool:
    """Whether a recognizer of this name was made for a policy's own lines."""
    return name.startswith(_NAMES)


def own_recognizers(policy: Redact, language: str) -> Sequence[EntityRecognizer]:
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
