"""The NLP engines that a policy can name. One that cannot be loaded stops the start and says how to install it.

Nothing here downloads: a model is installed by the operator, or it is not there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import spacy
from presidio_analyzer import EntityRecognizer
from presidio_analyzer.nlp_engine import NerModelConfiguration, NlpEngine, SpacyNlpEngine

from gateway.policy.schema import Redact
from gateway.redact.local_models import LocalGlinerRecognizer, ModelUnusable, TransformersRecognizer
from gateway.redact.ner.recognizer import BuiltinNerRecognizer
from gateway.redact.words import WordsNlpEngine
from gateway.settings import ConfigurationError

NER_ENTITIES = ("PERSON", "LOCATION", "ORGANIZATION", "NRP", "DATE_TIME", "AGE", "ID")
"""Entity types that a policy may name whatever the engine: with another engine they would be found."""


Reading = Callable[[str], AbstractContextManager[object]]


class EngineUnavailable(ConfigurationError):
    """The engine named in the policy cannot be loaded here."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An NLP engine and the recognizers that come with it.

    What is analysed in a language is analysed within `reading(language)`, at whose end the engine forgets it.
    """

    nlp: NlpEngine
    recognizers: Sequence[EntityRecognizer] = ()
    reading: Reading = nullcontext


def load_engine(policy: Redact) -> Engine:
    """Raises EngineUnavailable with what to install."""
    kind, _, name = policy.nlp.engine.partition(":")
    match kind:
        case "builtin":
            return Engine(_words(policy.languages), _builtin(policy.languages))
        case "patterns":
            return Engine(_words(policy.languages))
        case "spacy":
            engine = _spacy(name, policy.languages)
            return Engine(engine, reading=_forgetting(engine))
        case "transformers":
            return Engine(_words(policy.languages), _transformers(name, policy.languages))
        case "gliner":
            return Engine(_words(policy.languages), _gliner(name, policy.languages))
        case _:
            raise EngineUnavailable(
                f"redact.nlp.engine: {policy.nlp.engine} is not part of this version. Use `builtin`, `patterns` (no "
                "names are found), `spacy:NAME`, `transformers:NAME` or `gliner:NAME`."
            )


def _ner_configuration() -> NerModelConfiguration:
    # Presidio ignores organisations by default; whether they are hidden is the policy's business here.
    known = NerModelConfiguration().model_to_presidio_entity_mapping or {}
    return NerModelConfiguration(
        labels_to_ignore=["CARDINAL", "ORDINAL", "QUANTITY", "PERCENT", "MONEY", "LANGUAGE"],
        model_to_presidio_entity_mapping={**known, "FAC": "LOCATION"},
    )


def _words(languages: Sequence[str]) -> WordsNlpEngine:
    try:
        return WordsNlpEngine(languages)
    except (ImportError, ValueError):
        raise EngineUnavailable(
            f"redact.languages: spaCy has no rules for one of {', '.join(languages)}; name ISO 639-1 codes it knows"
        ) from None


def _spacy(name: str, languages: Sequence[str]) -> SpacyNlpEngine:
    if not (spacy.util.is_package(name) or Path(name).is_dir()):
        raise EngineUnavailable(
            f"redact.nlp.engine: the spaCy model {name} is not installed. Install its package (python -m spacy "
            f"download {name}), or name a local directory, or use `engine: patterns`."
        )
    first = languages[0]
    models = [{"lang_code": first, "model_name": name}]
    engine = SpacyNlpEngine(models=models, ner_model_configuration=_ner_configuration())
    try:
        engine.load()
        # One model reads all languages, and is loaded once.
        loaded: Any = engine.nlp
        loaded.update(dict.fromkeys(languages, loaded[first]))
    except Exception as error:
        raise EngineUnavailable(
            f"redact.nlp.engine: the spaCy model {name} does not load ({type(error).__name__}); install the version "
            f"made for spaCy {spacy.about.__version__}"
        ) from None
    return engine


def _forgetting(engine: SpacyNlpEngine) -> Reading:
    """spaCy keeps every word it meets, unless it reads within a memory zone, of which there is one at a time."""
    lock = threading.Lock()
    models: Any = engine.nlp

    @contextmanager
    def reading(language: str) -> Iterator[None]:
        with lock, models[language].memory_zone():
            yield

    return reading


def _builtin(languages: Sequence[str]) -> list[EntityRecognizer]:
    try:
        return [BuiltinNerRecognizer(languages[0])]
    except Exception as error:
        raise EngineUnavailable(
            f"redact.nlp.engine: the builtin model does not load ({type(error).__name__}). Its files belong to the "
            "package: install it again, or use `engine: patterns` (no names are found)."
        ) from None


def _transformers(name: str, languages: Sequence[str]) -> list[EntityRecognizer]:
    _require(("transformers", "torch"), name)
    return _loaded(lambda: TransformersRecognizer(name, languages[0]), name)


def _gliner(name: str, languages: Sequence[str]) -> list[EntityRecognizer]:
    _require(("gliner", "torch"), name)
    return _loaded(lambda: LocalGlinerRecognizer(name, languages[0]), name)


def _require(packages: Sequence[str], name: str) -> None:
    if any(find_spec(package) is None for package in packages):
        raise EngineUnavailable(
            f"redact.nlp.engine: {name} needs the packages {' and '.join(packages)}. Install them with "
            f"`pip install {' '.join(packages)}`, or use `engine: patterns`."
        )


def _loaded(load: Callable[[], EntityRecognizer], name: str) -> list[EntityRecognizer]:
    """One recognizer under the first language: a model is loaded once and asked once, whatever the languages."""
    try:
        return [load()]
    except ModelUnusable as error:
        raise EngineUnavailable(f"redact.nlp.engine: the model {name} cannot be used: {error}.") from None
    except Exception as error:
        raise EngineUnavailable(
            f"redact.nlp.engine: the model {name} does not load ({type(error).__name__}). Name a local directory that "
            "holds a model of this kind, or one that is in the Hugging Face cache: the gateway downloads nothing."
        ) from None
