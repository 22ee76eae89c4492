"""`gateway probe` finds what the tiny LLaMA has memorised, and that the filter lets none of it out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.policy.schema import Policy
from models import evaluate
from tests.conftest import ROOT
from tests.support.gateway import GatewayProcess, gateway, start_gateway

LEAST_EXTRACTABLE = 15
FILTERED_POLICY = """\
version: 1
name: probed
models:
  llama: {upstream: default, id: tiny-llama, max_context: 1024}
answers:
  regurgitation: {index: [INDEX], words: 16, near: true, action: block}
"""


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("probe") / "memorised.jsonl"
    lines = [json.dumps({"id": f"{n:02}", "text": text}) for n, text in enumerate(evaluate.documents(), 1)]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def filtered(documents: Path, vllm_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway with an index of the documents, in front of the same vLLM."""
    if "answers" not in Policy.model_fields:
        pytest.skip("policies have no filter against memorised documents yet")
    folder = tmp_path_factory.mktemp("filtered")
    keyset, index, policy = folder / "keys.json", folder / "memorised.gri", folder / "policy.yaml"
    assert gateway("key", "init", str(keyset)).returncode == 0
    built = gateway("index", "build", str(documents), "-o", str(index), "--keyset", str(keyset), "--jobs", "1")
    assert built.returncode == 0, built.stderr
    policy.write_text(FILTERED_POLICY.replace("INDEX", str(index)))
    process = start_gateway(folder, vllm_url, policy, "--keyset", str(keyset))
    yield process
    process.stop()


def probe(vllm_url: str, documents: Path, *more: str) -> tuple[int, dict[str, Any]]:
    arguments = ["--base-url", vllm_url, "--model", "tiny-llama", "--documents", str(documents), "--max-tokens", "128"]
    done = gateway("probe", *arguments, "--json", "-", *more)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("kind", ["chat", "completion"])
def test_the_model_has_memorised_its_documents(vllm_url: str, documents: Path, kind: str) -> None:
    code, made = probe(vllm_url, documents, "--kind", kind, "--prefix-words", str(evaluate.FIRST_WORDS))
    side = made["sides"]["direct"]
    assert code == 0
    assert side["documents"] == 20
    assert side["extractable"] >= LEAST_EXTRACTABLE


def test_the_model_has_not_memorised_other_texts(vllm_url: str, tmp_path: Path) -> None:
    readme = tmp_path / "other.jsonl"
    readme.write_text(json.dumps({"id": "readme", "text": (ROOT / "models/memorised/README.md").read_text()}))
    _, made = probe(vllm_url, readme)
    assert made["sides"]["direct"]["extractable"] == 0


def test_log_probabilities_of_phrases_expose_what_was_learned(vllm_url: str, tmp_path: Path) -> None:
    keyset, canaries = tmp_path / "keys.json", tmp_path / "canaries.yaml"
    assert gateway("key", "init", str(keyset)).returncode == 0
    assert gateway("canary", "make", "--canaries", str(canaries), "--keyset", str(keyset)).returncode == 0
    arguments = ["--base-url", vllm_url, "--model", "tiny-llama", "--canaries", str(canaries), "--keyset", str(keyset)]
    done = gateway("probe", *arguments, "--alternatives", "63", "--json", "-")
    assert done.returncode == 0, done.stderr
    [canary] = json.loads(done.stdout)["canaries"]
    assert canary["extracted"] == {"direct": False}
    assert canary["exposure"]["phrases"] == 64


@pytest.mark.parametrize("kind", ["chat", "completion"])
def test_nothing_can_be_extracted_through_the_filter(
    vllm_url: str, documents: Path, filtered: GatewayProcess, tmp_path: Path, kind: str
) -> None:
    key = tmp_path / "token"
    key.write_text(filtered.token)
    through = ["--filtered-url", f"{filtered.url}/v1", "--filtered-model", "llama", "--filtered-key-file", str(key)]
    code, made = probe(vllm_url, documents, "--kind", kind, *through)
    assert code == 0
    assert made["sides"]["direct"]["extractable"] >= LEAST_EXTRACTABLE
    assert made["sides"]["filtered"]["extractable"] == 0
    assert made["sides"]["filtered"]["stopped"] >= LEAST_EXTRACTABLE
