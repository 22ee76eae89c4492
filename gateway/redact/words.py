"""Words only, no model: the NLP engine for context words and patterns.

It is not spaCy: a spaCy vocabulary keeps every word it has ever seen, which is what must be forgotten after an
exchange, and its tokenizer takes quadratic time on long runs of punctuation.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import spacy
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

from gateway.redact.context import WORDS_BEFORE, WORDS_LOOKED_AT

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


class SplitWords:
    """The words of one text, split when they are first asked for, and read in all languages at once.

    Words that are stop words in some language do not count among the few before a finding, and are left out only if
    they are stop words in all of them: so whatever one of the languages would see is seen.
    """

    def __init__(self, text: str, some: frozenset[str], all_: frozenset[str]) -> None:
        """`some`, `all_`: the stop words of some language, and of all languages."""
        self._text = text
        self._some = some
        self._all = all_
        self._starts: list[int] = []
        self._words: list[str] = []
        self._before: dict[int, str] = {}

    def before(self, start: int) -> str:
        """The word at code point `start` and the keywords before it, joined by a character no word contains."""
        if not self._starts:
            found = list(_WORD.finditer(self._text))
            self._words = [match[0] for match in found]
            self._starts = [match.start() for match in found]
        index = bisect_right(self._starts, start) - 1
        if index not in self._before:
            self._before[index] = self._read_back(index)
        return self._before[index]

    def _read_back(self, index: int) -> str:
        first = max(0, index - WORDS_LOOKED_AT)
        words: list[str] = []
        counted = 0
        while index >= first and counted <= WORDS_BEFORE:
            word = self._words[index].lower()
            index -= 1
            if word in self._all or is_punctuation(word):
                continue
            words.append(word)
            counted += word not in self._some
        return "\n".join(words)


class LateArtifacts(NlpArtifacts):
    """Artifacts that are made when a recognizer looks at them: most do not."""

    def __init__(self, make: Callable[[], NlpArtifacts]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        made = vars(self._make())
        if name not in made:
            raise AttributeError(name)
        vars(self).update(made)
        return made[name]


class WordsNlpEngine(NlpEngine):
    """A word's lemma is the word in lower case. Stop words are those of the language in spaCy."""

    engine_name = "words"
    is_available = True

    def __init__(self, languages: Sequence[str]) -> None:
        """Raises ImportError for a language that is not known."""
        self._stop_words = {code: _stop_words(code) for code in languages}
        # "be" is no keyword for Presidio, whatever the language.
        each = [words | {"be"} for words in self._stop_words.values()]
        self._some = frozenset[str]().union(*each)
        self._all = each[0].intersection(*each) if each else self._some

    def load(self) -> None:
        """There is nothing to load."""

    def is_loaded(self) -> bool:
        return True

    def words(self, text: str) -> SplitWords:
        """The words of a text, for the context of findings, in all languages at once."""
        return SplitWords(text, self._some, self._all)

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
        return is_punctuation(word)

    def get_supported_entities(self) -> list[str]:
        return []

    def get_supported_languages(self) -> list[str]:
        return list(self._stop_words)


def _stop_words(language: str) -> frozenset[str]:
    """spaCy's list, without all that it builds for a language otherwise: seconds, for some. Raises ImportError."""
    path = Path(spacy.__file__).parent / "lang" / language / "stop_words.py"
    spec = spec_from_file_location(f"stop_words_{language}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        return frozenset(spacy.blank(language).Defaults.stop_words)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return frozenset(module.STOP_WORDS)


def is_punctuation(word: str) -> bool:
    return not (word[:1].isalnum() or word[:1] == "_")
