from __future__ import annotations

import logging
import time

import pytest
import spacy
from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from gateway.pipeline.exchange import Deadline
from gateway.policy.schema import Redact
from gateway.redact.detector import DetectionFailed, PresidioDetector, build_detector
from gateway.redact.nlp import Engine, EngineUnavailable, load_engine
from gateway.redact.words import WordsNlpEngine
from tests.unit.redact.texts import random_texts

pytestmark = pytest.mark.slow


def deadline(seconds: float = 30.0) -> Deadline:
    return Deadline.after(time.monotonic, seconds)


@pytest.fixture(scope="module")
def detector() -> PresidioDetector:
    return build_detector(Redact())


def found(detector: PresidioDetector, text: str, threshold: float = 0.4) -> set[tuple[str, str]]:
    spans = detector.detect([text], deadline())[0]
    return {(span.entity, text[span.start : span.end]) for span in spans if span.score >= threshold}


@pytest.mark.parametrize(
    ("entity", "value"),
    [
        ("EMAIL_ADDRESS", "jane.doe@example.org"),
        ("EMAIL_ADDRESS", "jane@corp.internal"),
        ("PHONE_NUMBER", "212-555-0187"),
        ("PHONE_NUMBER", "+49 30 901820"),
        ("CREDIT_CARD", "4111 1111 1111 1111"),
        ("IBAN_CODE", "DE89370400440532013000"),
        ("IP_ADDRESS", "203.0.113.77"),
        ("US_SSN", "536-90-4399"),
        ("CRYPTO", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ],
)
def test_finds_values_in_a_sentence(detector: PresidioDetector, entity: str, value: str) -> None:
    assert (entity, value) in found(detector, f"Please note {value} for later.")


def test_words_before_a_value_raise_its_score(detector: PresidioDetector) -> None:
    def score(text: str) -> float:
        return max(span.score for span in detector.detect([text], deadline())[0] if span.entity == "PHONE_NUMBER")

    assert score("my phone is 212-555-0187") == pytest.approx(score("it says 212-555-0187") + 0.35)


def test_own_recognizers_and_denied_words_are_found() -> None:
    policy = Redact.model_validate(
        {
            "recognizers": [{"entity": "EMPLOYEE_ID", "pattern": r"E-\d{6}", "score": 0.3, "context": ["employee"]}],
            "deny": [{"entity": "PROJECT", "text": ["Bluebird", "C++ port"]}],
        }
    )
    own = build_detector(policy)
    assert found(own, "employee E-123456 works on Bluebird and the C++ port.", 0.6) >= {
        ("EMPLOYEE_ID", "E-123456"),
        ("PROJECT", "Bluebird"),
        ("PROJECT", "C++ port"),
    }


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_what_is_left_out_for_a_policy_is_what_it_would_ignore(threshold: float) -> None:
    policy = Redact.model_validate(
        {"threshold": threshold, "entities": {"URL": "allow"}, "nlp": {"engine": "patterns"}}
    )
    quick, whole = build_detector(policy), build_detector(policy, whole=True)
    for text in random_texts(150):
        expected, got = (
            {s for s in one.detect([text], deadline())[0] if s.score >= threshold and s.entity != "URL"}
            for one in (whole, quick)
        )
        assert got == expected, text


def test_a_pattern_that_runs_out_of_time_stops_the_request() -> None:
    slow = PatternRecognizer("SLOW", patterns=[Pattern("slow", r"(?:a|aa)+(?=[bc])(?!c)", 0.5)])
    nlp = WordsNlpEngine(["en"])
    with pytest.raises(Exception, match=r".*") as caught:
        PresidioDetector(Engine(nlp), [slow], ["en"]).detect(["a" * 4000 + "c"], deadline(0.2))
    assert isinstance(caught.value, TimeoutError) or caught.typename == "DeadlineExceeded"


def test_a_failure_that_presidio_only_logs_stops_the_request() -> None:
    class Swallows(EntityRecognizer):
        def load(self) -> None: ...

        def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts) -> list[RecognizerResult]:
            try:
                raise TimeoutError(text)
            except TimeoutError:
                logging.getLogger("presidio-analyzer").warning("timed out, skipping", exc_info=True)
            return []

    build_detector(Redact())
    with pytest.raises(DetectionFailed):
        PresidioDetector(Engine(WordsNlpEngine(["en"])), [Swallows(["X"])], ["en"]).detect(["Ann"], deadline())


def test_nothing_that_presidio_logs_is_written(caplog: pytest.LogCaptureFixture, detector: PresidioDetector) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("presidio-analyzer").setLevel(logging.DEBUG)
    try:
        detector.detect(["IBAN DE89370400440532013001 phone 212-555-0187"], deadline())
    finally:
        logging.getLogger("presidio-analyzer").setLevel(logging.NOTSET)
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("engine", "hint"),
    [
        ("spacy:not_a_model", "not installed"),
        ("transformers:no/such-model", "pip install"),
        ("gliner:no/such-model", "pip install"),
    ],
)
def test_an_engine_that_cannot_load_says_what_to_install(engine: str, hint: str) -> None:
    with pytest.raises(EngineUnavailable, match=hint):
        load_engine(Redact.model_validate({"nlp": {"engine": engine}}))


def test_a_local_spacy_model_finds_names(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("model") / "names"
    model = spacy.blank("en")
    model.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Ada Lovelace"}])  # type: ignore[attr-defined]
    model.to_disk(directory)
    named = build_detector(Redact.model_validate({"nlp": {"engine": f"spacy:{directory}"}}))
    assert ("PERSON", "Ada Lovelace") in found(named, "I met Ada Lovelace in town.")
    found(named, "canary4711 is a word that nobody else has used")
    vocabulary = named._nlp.nlp["en"].vocab.strings  # type: ignore[attr-defined]
    assert "canary4711" not in set(vocabulary)
