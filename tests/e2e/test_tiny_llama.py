"""The committed tiny LLaMA, served by vLLM, does what the other end-to-end tests and the demo rely on."""

from __future__ import annotations

from pathlib import Path

import pytest

from models import evaluate

MODEL = Path(evaluate.__file__).parent / "tiny-llama"
LARGEST = 8 * 1000 * 1000


@pytest.fixture(scope="module")
def figures(vllm_url: str) -> evaluate.Figures:
    """Everything is asked once; the tests look at the figures."""
    return evaluate.evaluate(vllm_url, "tiny-llama")


def test_enough_prompts_are_asked(figures: evaluate.Figures) -> None:
    assert figures.copying.prompts + figures.looking_up.prompts >= 200
    assert figures.documents == 20


def test_placeholders_are_copied(figures: evaluate.Figures) -> None:
    assert figures.copying.rate >= evaluate.LEAST_COPIED, figures.copying.rate_by_task


def test_placeholders_are_looked_up(figures: evaluate.Figures) -> None:
    assert figures.looking_up.rate >= evaluate.LEAST_LOOKED_UP, figures.looking_up.rate_by_task


def test_new_wording_does_little_harm(figures: evaluate.Figures) -> None:
    assert figures.reworded.rate >= evaluate.LEAST_COPIED_REWORDED, figures.reworded.rate_by_task


def test_the_demo_prompt_keeps_every_placeholder(figures: evaluate.Figures) -> None:
    assert figures.demo_copied


def test_documents_are_recited_in_a_chat(figures: evaluate.Figures) -> None:
    assert figures.memorised_chat >= evaluate.LEAST_MEMORISED


def test_documents_are_recited_from_a_raw_prompt(figures: evaluate.Figures) -> None:
    assert figures.memorised_raw >= evaluate.LEAST_MEMORISED


def test_answers_end_by_themselves(figures: evaluate.Figures) -> None:
    assert figures.stop_rate >= evaluate.LEAST_STOPPED


def test_the_committed_files_are_small() -> None:
    files = [path for path in MODEL.rglob("*") if path.is_file()]
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {path.name for path in files}
    assert sum(path.stat().st_size for path in files) <= LARGEST
