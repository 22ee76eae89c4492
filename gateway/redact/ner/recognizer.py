"""The built-in names model as one of Presidio's recognizers."""

from pathlib import Path

from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from gateway.redact.ner.network import ENTITIES, WEIGHTS, Ner


class BuiltinNerRecognizer(EntityRecognizer):
    """Finds PERSON, LOCATION and ORGANIZATION in texts of any language; needs nothing of the NLP engine."""

    def __init__(self, supported_language: str = "en", weights: Path = WEIGHTS, model: Ner | None = None) -> None:
        """Recognizers of several languages can share one `model`; otherwise `load` reads `weights`."""
        self._weights, self._model = weights, model
        super().__init__(supported_entities=list(ENTITIES), supported_language=supported_language, name="BuiltinNer")

    def load(self) -> None:
        """Raises WeightsUnusable if the weights cannot be read."""
        if self._model is None:
            self._model = Ner.load(self._weights)

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """The names in the text of the entity types asked for."""
        if self._model is None:
            raise RuntimeError("the names model is not loaded")
        return [
            RecognizerResult(entity_type=entity, start=start, end=end, score=score)
            for start, end, entity, score in self._model.find(text)
            if entity in entities
        ]
