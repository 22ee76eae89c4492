"""Models of Hugging Face transformers and of GLiNER, read from this machine and run so that no text slips through.

Presidio's own recognizers for them log and go on when a model fails, let the tokenizer cut what is too long for the
model (a chunk without spaces has no bounds), fetch models from the internet, and drop one of two findings that
overlap where chunks meet. These do not. A model is asked by one thread at a time: its tokenizer is not made for more.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

from presidio_analyzer import RecognizerResult
from presidio_analyzer.nlp_engine import NerModelConfiguration, NlpArtifacts
from presidio_analyzer.predefined_recognizers import GLiNERRecognizer
from presidio_analyzer.predefined_recognizers.ner import HuggingFaceNerRecognizer

_MOST_CHARS = 400
_GLINER_CHARS = 250
_OVERLAP_CHARS = 40
_MOST_WIDENED = 64
"""Characters by which a finding grows at most: more than words have."""
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_PREFIX = re.compile(r"^[BIESUL]-")
# From here on scripts write words without spaces between them, so there are no word bounds to widen to.
_UNSPACED_SCRIPTS = 0x2E80
_NO_ENTITY = "O"

_GLINER_TYPES = {
    "person": "PERSON",
    "location": "LOCATION",
    "address": "LOCATION",
    "organization": "ORGANIZATION",
    "nationality": "NRP",
    "religion": "NRP",
    "date": "DATE_TIME",
    "age": "AGE",
}
"""What a GLiNER model is asked for, in words that it was trained on."""

Left = Callable[[], float]


class ModelUnusable(ValueError):
    """A model cannot be used for finding personal data. The message says why."""


class TransformersRecognizer(HuggingFaceNerRecognizer):
    """Any token-classification model. Its own labels become entity types where Presidio has no name for them."""

    ner_pipeline: Any

    def __init__(self, model_name: str, supported_language: str) -> None:
        self._lock = threading.Lock()
        self._most_tokens = 0
        super().__init__(model_name=model_name, supported_language=supported_language)

    def load(self) -> None:
        """Raises OSError or ValueError when the model is not here or is of another kind, ModelUnusable."""
        if self.ner_pipeline is not None:
            return
        # An optional and heavy engine.
        from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline  # noqa: PLC0415

        tokenizer = AutoTokenizer.from_pretrained(self.model_name, local_files_only=True)
        if not tokenizer.is_fast:
            raise ModelUnusable("its tokenizer does not say where in a text a token stands")
        model = AutoModelForTokenClassification.from_pretrained(self.model_name, local_files_only=True)
        labels = {_PREFIX.sub("", label) for label in model.config.id2label.values()} - {_NO_ENTITY}
        known = {**(NerModelConfiguration().model_to_presidio_entity_mapping or {}), **self.DEFAULT_LABEL_MAPPING}
        self.label_mapping = {label: known.get(label.upper()) or _entity_name(label) for label in labels}
        self.supported_entities = sorted(set(self.label_mapping.values()))
        positions = getattr(model.config, "max_position_embeddings", None) or tokenizer.model_max_length
        # Two less: some models count positions from 2 on.
        self._most_tokens = min(tokenizer.model_max_length, positions - 2)
        self.ner_pipeline = pipeline(
            self.DEFAULT_HF_TASK,
            model=model,
            tokenizer=tokenizer,
            aggregation_strategy=self.aggregation_strategy,
            device=self.device,
        )

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """As `analyze_within`, without a limit."""
        return list(self.analyze_within(text, lambda: 1.0))

    def analyze_within(self, text: str, left: Left) -> Iterator[RecognizerResult]:
        """`left` is asked before each piece and raises when the time is used up."""
        readable = _LONE_SURROGATE.sub("\ufffd", text)
        for at, piece in pieces(readable, _MOST_CHARS, self._fits):
            left()
            with self._lock:
                found = self.ner_pipeline(piece) if piece.strip() else []
            for one in found:
                label = _PREFIX.sub("", one["entity_group"])
                start, end = whole_words(text, at + one["start"], at + one["end"])
                yield RecognizerResult(self.label_mapping[label], start, end, float(one["score"]))

    def _fits(self, piece: str) -> bool:
        with self._lock:
            return len(self.ner_pipeline.tokenizer(piece)["input_ids"]) <= self._most_tokens


class LocalGlinerRecognizer(GLiNERRecognizer):
    """A GLiNER model, which finds what it is asked for in words."""

    gliner: Any

    def __init__(self, model_name: str, supported_language: str) -> None:
        self._lock = threading.Lock()
        self._most_chars = _GLINER_CHARS
        self._most_tokens = 0
        super().__init__(
            model_name=model_name,
            supported_language=supported_language,
            entity_mapping=dict(_GLINER_TYPES),
            local_files_only=True,
        )

    def load(self) -> None:
        """Raises what gliner raises when the model is not here."""
        super().load()
        # GLiNER reads that many words and leaves the others out; no text has more words than characters.
        self._most_chars = min(_GLINER_CHARS, self.gliner.config.max_len)
        prompt = sum(len(self._tokens(f"<<ENT>> {label}")) for label in self.model_to_presidio_entity_mapping)
        self._most_tokens = self.gliner.data_processor.transformer_tokenizer.model_max_length - prompt
        if self._most_tokens < _OVERLAP_CHARS:
            raise ModelUnusable("it reads too few tokens at a time")

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """As `analyze_within`, without a limit."""
        return list(self.analyze_within(text, lambda: 1.0))

    def analyze_within(self, text: str, left: Left) -> Iterator[RecognizerResult]:
        """`left` is asked before each piece and raises when the time is used up."""
        readable = _LONE_SURROGATE.sub("\ufffd", text)
        for at, piece in pieces(readable, self._most_chars, self._fits):
            left()
            for one in self._predict(piece) if piece.strip() else []:
                start, end = whole_words(text, at + one["start"], at + one["end"])
                entity = self.model_to_presidio_entity_mapping[one["label"]]
                yield RecognizerResult(entity, start, end, float(one["score"]))

    def _predict(self, piece: str) -> list[dict[str, Any]]:
        labels = list(self.model_to_presidio_entity_mapping)
        with self._lock:
            found: list[dict[str, Any]] = self.gliner.predict_entities(piece, labels, threshold=self.threshold)
        return found

    def _fits(self, piece: str) -> bool:
        with self._lock:
            # Word by word, as GLiNER does it: a tokenizer may need more tokens for words than for their text.
            return len(self._tokens(" ".join(piece))) <= self._most_tokens or len(piece) < _OVERLAP_CHARS

    def _tokens(self, text: str) -> list[int]:
        return list(self.gliner.data_processor.transformer_tokenizer(text)["input_ids"])


def pieces(text: str, most: int, fits: Callable[[str], bool]) -> Iterator[tuple[int, str]]:
    """Overlapping pieces of a text that a model reads whole, and where each begins. Cut at white space if there is any.

    Raises ModelUnusable if not even one character fits.
    """
    at = 0
    while at < len(text):
        piece = text[at : at + most]
        while not fits(piece):
            if len(piece) == 1:
                raise ModelUnusable("it cannot read a single character")
            piece = piece[: len(piece) // 2]
        if at + len(piece) == len(text):
            yield at, piece
            return
        piece = piece[: _last_space(piece)]
        yield at, piece
        at = _next_start(text, at, at + len(piece))


def _last_space(piece: str) -> int:
    """Where the last white space of the piece's second half stands; the end if there is none."""
    return next((at for at in range(len(piece) - 1, len(piece) // 2, -1) if piece[at].isspace()), len(piece))


def _next_start(text: str, start: int, end: int) -> int:
    """A bit before `end`, so that what stands there is read in its surroundings; at the begin of a word if possible."""
    earliest = end - min(_OVERLAP_CHARS, (end - start) // 4)
    return next((at for at in range(earliest, end) if at == 0 or text[at - 1].isspace()), earliest)


def whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """The bounds moved outwards to where words begin and end: a model may take only a piece of a word for a name."""
    first, last = max(0, start - _MOST_WIDENED), min(len(text), end + _MOST_WIDENED)
    while first < start < end and _runs_on(text[start - 1], text[start]):
        start -= 1
    while start < end < last and _runs_on(text[end - 1], text[end]):
        end += 1
    return start, end


def _runs_on(left: str, right: str) -> bool:
    return all(c.isalnum() and ord(c) < _UNSPACED_SCRIPTS for c in (left, right))


def _entity_name(label: str) -> str:
    """A model's label in the form of an entity type: `private_person` is PRIVATE_PERSON, `LABEL_0` is LABEL0."""
    words = re.findall(r"[A-Z0-9]+", label.upper())
    name = "".join(f"_{word}" if word[0].isalpha() and index else word for index, word in enumerate(words))
    return name if name[:1].isalpha() else f"ENTITY{name}"
