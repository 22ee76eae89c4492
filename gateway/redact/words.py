"""Words only, no model: the NLP engine for context words and patterns.

It is not spaCy: a spaCy vocabulary keeps every word it has ever seen, which is what must be forgotten after an
exchange, and its tokenizer takes quadratic time on long runs of punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import spacy
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

_WORD = re.compile(r"\w+|[^\w\s]+")


@dataclass(frozen=True, slots=True)
class Word:
    """One word or run of punctuation, with the attributes of a spaCy token that recognizers use."""

    text: str
    idx: int

    @property
    def lemma_(self) -> str:
        return self.text.lower()

    def __len__(self) -> int:
        return len(self.text)


class WordsNlpEngine(NlpEngine):
    """A word's lemma is the word in lower case. Stop words are those of the language in spaCy."""

    engine_name = "words"
    is_available = True

    def __init__(self, languages: Sequence[str]) -> None:
        """Raises ImportError for a language that is not known."""
        self._stop_words = {code: frozenset(spacy.blank(code).Defaults.stop_words) for code in languages}

    def load(self) -> None:
        """There is nothing to load."""

    def is_loaded(self) -> bool:
        return True

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        words: Any = [Word(match[0], match.start()) for match in _WORD.finditer(text)]
        return NlpArtifacts(
            entities=[],
            tokens=words,
            tokens_indices=[word.idx for word in words],
            lemmas=[word.lemma_ for word in words],
            nlp_engine=self,
            language=language,
        )

    def process_batch(
        self, texts: Iterable[str], language: str, batch_size: int = 1, n_process: int = 1, **kwargs: Any
    ) -> Iterator[tuple[str, NlpArtifacts]]:
        for text in texts:
            yield text, self.process_text(text, language)

    def is_stopword(self, word: str, language: str) -> bool:
        return word in self._stop_words[language]

    def is_punct(self, word: str, language: str) -> bool:
        return not (word[:1].isalnum() or word[:1] == "_")

    def get_supported_entities(self) -> list[str]:
        return []

    def get_supported_languages(self) -> list[str]:
        return list(self._stop_words)
