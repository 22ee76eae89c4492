"""A detector whose findings count: what a policy's rules ignore, and what is nobody's data, is left out."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.pipeline.exchange import Deadline
from gateway.pipeline.ports import Detector
from gateway.pipeline.span import Span
from gateway.redact.harmless import harmless
from gateway.redact.precision.numbers import is_bare_number
from gateway.redact.precision.surroundings import Surroundings
from gateway.redact.rules import Rules
from gateway.redact.structure.detector import SOURCE


class PreciseDetector:
    """For who reads texts of a model, one at a time and without what a conversation tells. There, digits in a row are
    mostly numbers."""

    def __init__(self, detector: Detector, rules: Rules) -> None:
        self._detector = detector
        self._rules = rules

    def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
        """Raises what the detector raises."""
        found = self._detector.detect(texts, deadline)
        return [
            [span for span in spans if self._rules.acts_on(text, span, deadline) and not _is_nobodys(text, span)]
            for text, spans in zip(texts, found, strict=True)
        ]


def _is_nobodys(text: str, span: Span) -> bool:
    if span.entity == "PHONE_NUMBER" and span.source != SOURCE:
        return is_bare_number(Surroundings.of(text, span.start, span.end)) or harmless(text, span)
    return harmless(text, span)
