"""Plain words that leave before their window has been read change nothing of what is found and taken out."""

from __future__ import annotations

import json
import lzma
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.guard.personal import AnswerRules, PersonalStage
from gateway.pipeline.channel import Channel, Field
from gateway.redact.detector import PresidioDetector
from gateway.redact.recognizers import passwords
from tests.conftest import ROOT
from tests.laws.strategies import exchange, prompt
from tests.unit.guard.test_personal import detector

__all__ = ["detector"]
EVALUATION = ROOT / "models/ner/data/eval"
FLOWING = AnswerRules(
    entities={"PERSON": "report", "LOCATION": "report"},
    secrets="mask",
    guessed_sources=frozenset(row.name for row in passwords.rows()),
    wordy=frozenset({"PERSON", "LOCATION"}),
)
WAITING = replace(FLOWING, wordy=frozenset({"EMAIL_ADDRESS"}))
PROSE = "It was late when they reached the river, and nobody had thought of bringing bread. The children slept. " * 3


def texts() -> list[str]:
    """Marked texts, some in a row to make answers of the usual length."""
    lines = [line for path in sorted(EVALUATION.glob("*.jsonl.xz")) for line in _lines(path)]
    random.Random(3).shuffle(lines)
    return [" ".join(lines[at : at + 4]) for at in range(0, 480, 4)]


def _lines(path: Path) -> Iterator[str]:
    with lzma.open(path, "rt", encoding="utf-8") as file:
        yield from (json.loads(line)["text"] for line in file)


def read(
    detector: PresidioDetector, rules: AnswerRules, text: str, size: int
) -> tuple[str, list[tuple[str, str]], float]:
    """The output, what was found, and how many characters were held on average."""
    stage, current = PersonalStage(detector, rules, time.monotonic, 5.0), exchange()
    stage.on_request(prompt(), current)
    reader, output, held = stage.open(current, Channel(0, Field.CONTENT)), "", []
    for at in range(0, len(text), size):
        output += reader.push(text[at : at + size])
        held.append(max(0, min(at + size, len(text)) - len(output)))
    output += reader.flush()
    return output, [(found.kind, found.action) for found in current.findings], sum(held) / len(held)


@pytest.mark.parametrize("size", [4, 100_000])
def test_words_that_leave_early_change_nothing(detector: PresidioDetector, size: int) -> None:
    assert FLOWING.words_flow
    assert not WAITING.words_flow
    for text in texts():
        assert read(detector, FLOWING, text, size)[:2] == read(detector, WAITING, text, 4)[:2]


def test_prose_flows(detector: PresidioDetector) -> None:
    assert read(detector, FLOWING, PROSE, 4)[2] < 25 < read(detector, WAITING, PROSE, 4)[2]


def test_nothing_flows_where_plain_words_may_be_masked() -> None:
    assert not replace(FLOWING, entities={"PERSON": "mask"}).words_flow
    assert not replace(FLOWING, guessed="mask").words_flow
    assert not replace(FLOWING, wordy=FLOWING.wordy | {"PROJECT"}).words_flow
