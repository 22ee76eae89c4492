"""Cutting does not matter: a long text read in windows shows what the uncut text shows, with all recognizers."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from bench.prompts import make
from gateway.pipeline.exchange import Deadline
from gateway.pipeline.span import Span
from gateway.policy.load import load_policy
from gateway.redact.detector import PresidioDetector, build_detector
from gateway.redact.windows import OWN_CHARS, WindowedDetector
from tests.conftest import ROOT
from tests.laws.strategies import exchange

PLAIN = (
    "The meeting was moved to Thursday because the room is being painted.",
    "def read(path: str) -> str:\n    return open(path).read()  # 3 times",
    "Sehr geehrte Frau Krüger, anbei die Unterlagen aus Bremen.",
    "id;name;mail\n7;Ivy Castellanos;ivy@piedra.example.mx",
    "Call +1 212 555 0187 or 0151 23456789, ask for Jonas Petraitis in Kaunas.",
)


class Nothing:
    def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
        return [[] for _ in texts]


@pytest.fixture(scope="module")
def detector() -> PresidioDetector:
    return build_detector(load_policy(ROOT / "policies" / "default.yaml").policy.redact)


@pytest.mark.parametrize("seed", range(4))
def test_windows_show_what_the_uncut_text_shows(detector: PresidioDetector, seed: int) -> None:
    chance = random.Random(seed)
    cases = [case.content for case in make(120)]
    between = chance.choice(["\n", " ", "\n\n", ". "])
    text = between.join(chance.choice([*PLAIN, *chance.sample(cases, 5)]) for _ in range(250))
    assert len(text) > 2 * OWN_CHARS
    uncut = detector.detect([text], exchange().deadline)[0]
    windowed = WindowedDetector(detector, Nothing()).detect([text], exchange().deadline)[0]
    assert set(windowed) == set(uncut)
