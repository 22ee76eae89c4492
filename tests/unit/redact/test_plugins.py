from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest
from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from gateway.pipeline.exchange import Deadline, DeadlineExceeded
from gateway.policy.schema import Redact
from gateway.redact.detector import build_detector
from gateway.redact.recognizers.plugins import PluginUnusable, plugin_recognizers
from tests.laws.strategies import exchange


class Badges(EntityRecognizer):
    """A recognizer as somebody may have it: code of its own, no patterns."""

    def __init__(self, supported_language: str = "en") -> None:
        super().__init__(supported_entities=["BADGE"], supported_language=supported_language, name="Badges")

    def load(self) -> None:
        pass

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        at = text.find("badge ")
        return [RecognizerResult("BADGE", at + 6, at + 10, 0.9)] if at >= 0 else []


class Slow(Badges):
    """Reads in pieces without an end, and asks for the time between them."""

    def analyze_within(self, text: str, left: Callable[[], float]) -> Iterator[RecognizerResult]:
        while True:
            left()
            yield RecognizerResult("BADGE", 0, 1, 0.9)


class NoRecognizer:
    pass


class OnlyGreek(Badges):
    def __init__(self) -> None:
        super().__init__("el")


class Needy(Badges):
    def __init__(self, path: str) -> None:
        super().__init__()


def policy(name: str) -> Redact:
    return Redact.model_validate({"plugins": [f"{__name__}:{name}"], "nlp": {"engine": "patterns"}})


def test_a_recognizer_of_the_operators_own_is_run() -> None:
    detector = build_detector(policy("Badges"))
    spans = detector.detect(["my badge 4711 is lost"], exchange().deadline)[0]
    assert [(span.start, span.end) for span in spans if span.entity == "BADGE"] == [(9, 13)]
    assert "BADGE" in detector.entities


def test_a_model_that_reads_in_pieces_is_stopped_between_them() -> None:
    ticks = count()
    deadline = Deadline.after(lambda: float(next(ticks)), 50.0)
    with pytest.raises(DeadlineExceeded):
        build_detector(policy("Slow")).detect(["x"], deadline)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("NoRecognizer", "no EntityRecognizer"),
        ("OnlyGreek", "add it to"),
        ("Needy", "no arguments"),
        ("Gone", "Install"),
    ],
)
def test_a_class_that_cannot_be_one_says_why(name: str, hint: str) -> None:
    with pytest.raises(PluginUnusable, match=hint):
        plugin_recognizers(policy(name))
