"""The recognizer of Presidio's that reads what the layout of a text says about its values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from gateway.redact.structure.found import Found
from gateway.redact.structure.kinds import ENTITIES, KINDS


class StructureRecognizer(EntityRecognizer):
    """Reads whole texts, since a header may be far from its rows. It knows all languages alike."""

    def __init__(self, supported_language: str = "en") -> None:
        super().__init__(
            supported_entities=list(ENTITIES), name="StructureRecognizer", supported_language=supported_language
        )

    def load(self) -> None:
        """There is nothing to load."""

    def analyze(
        self, text: str, entities: Sequence[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """What stands in `text` of the given types; of all types if none are given."""
        wanted = frozenset(entities)
        return [
            RecognizerResult(entity_type=found.entity, start=found.start, end=found.end, score=found.score)
            for found in find(text)
            if not wanted or found.entity in wanted
        ]


def find(text: str) -> Iterator[Found]:
    """What every kind of structure finds in `text`, each place once."""
    seen: set[Found] = set()
    for kind in KINDS:
        for found in kind(text):
            if found not in seen:
                seen.add(found)
                yield found
