"""What is found, with which scores, is what Presidio's AnalyzerEngine finds, for its own recognizers in English.

Differences that are meant: which e-mail addresses are known (the same recognizer on both sides), and findings within
others of their type, which Presidio drops here and the stage that merges spans drops later.
"""

from __future__ import annotations

import os
import time

import pytest
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.predefined_recognizers import EmailRecognizer, PhoneRecognizer
from presidio_analyzer.recognizer_registry import RecognizerRegistry

from gateway.pipeline.exchange import Deadline
from gateway.redact.detector import PresidioDetector
from gateway.redact.nlp import Engine
from gateway.redact.phone import WindowedPhoneRecognizer
from gateway.redact.recognizers.email import OfflineEmailRecognizer
from gateway.redact.words import WordsNlpEngine
from tests.unit.redact.texts import mixed_texts, random_texts

# Each reads 250 texts. `make test` asks for twenty of them, 5,000 texts.
SEEDS = int(os.environ.get("DIFFERENTIAL_SEEDS", "4"))


def predefined() -> RecognizerRegistry:
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=WordsNlpEngine(["en"]))
    registry.recognizers = [r for r in registry.recognizers if not isinstance(r, EmailRecognizer)]
    registry.add_recognizer(OfflineEmailRecognizer("en"))
    return registry


@pytest.fixture(scope="module")
def stock() -> AnalyzerEngine:
    return AnalyzerEngine(registry=predefined(), nlp_engine=WordsNlpEngine(["en"]), supported_languages=["en"])


@pytest.fixture(scope="module")
def ours() -> PresidioDetector:
    recognizers = [r for r in predefined().recognizers if not isinstance(r, PhoneRecognizer)]
    return PresidioDetector(Engine(WordsNlpEngine(["en"])), [*recognizers, WindowedPhoneRecognizer("en")], ["en"])


def compare(stock: AnalyzerEngine, ours: PresidioDetector, text: str) -> None:
    expected = {(r.start, r.end, r.entity_type, round(r.score, 3)) for r in stock.analyze(text, "en")}
    deadline = Deadline.after(time.monotonic, 300)
    got = {(s.start, s.end, s.entity, round(s.score, 3)) for s in ours.detect([text], deadline)[0]}
    assert expected <= got, repr(text)
    for start, end, entity, _ in got - expected:
        inside = [a <= start and end <= b for a, b, other, _ in expected if other == entity]
        assert any(inside), repr(text)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_finds_what_stock_presidio_finds(stock: AnalyzerEngine, ours: PresidioDetector, seed: int) -> None:
    for text in [*random_texts(100, seed), *mixed_texts(150, seed)]:
        compare(stock, ours, text)
