"""The optional engines really load: tiny models of each kind are made on the spot, saved, and named in a policy.

transformers and torch are too heavy to stand beside the gateway. They are borrowed from vLLM's environment, and GLiNER
from a folder of its own, in a process of its own: the others must go on seeing that they are not installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.training import Example

from gateway.pipeline.exchange import Deadline
from gateway.policy.schema import Redact
from gateway.redact.detector import PresidioDetector, build_detector
from gateway.redact.local_models import ModelUnusable, pieces, whole_words
from gateway.redact.nlp import EngineUnavailable, load_engine

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
VLLM = ROOT / ".venv-vllm"
GLINER = ROOT / ".venv-extras"
SENTENCE = "I met Ada Lovelace in town."
NAME = (6, 18, "PERSON")

borrowed = pytest.mark.skipif(not (VLLM / "installed").exists(), reason="vLLM's environment has torch")
with_gliner = pytest.mark.skipif(not (GLINER / "gliner").exists(), reason="GLiNER is not there; `make extras`")


def policy(engine: str, *languages: str) -> Redact:
    return Redact.model_validate({"nlp": {"engine": engine}, "languages": languages or ("en",)})


def found(detector: PresidioDetector, text: str) -> set[tuple[int, int, str]]:
    spans = detector.detect([text], Deadline.after(time.monotonic, 60))[0]
    return {(span.start, span.end, span.entity) for span in spans}


def elsewhere(check: Callable[..., None], *arguments: str) -> None:
    """Run a function of this module in a process that also sees the borrowed packages."""
    packages = [*map(str, VLLM.glob("lib/python*/site-packages")), str(GLINER)]
    code = (
        "import json, sys\n"
        f"sys.path += json.loads({json.dumps(json.dumps(packages))})\n"
        f"from {__name__} import {check.__name__} as check\n"
        "check(*sys.argv[1:])\n"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]


# transformers


@borrowed
@pytest.mark.extras
def test_a_local_transformers_model_finds_names_and_fails_closed(tmp_path: Path) -> None:
    elsewhere(check_transformers, str(tmp_path / "names"))


@borrowed
@pytest.mark.extras
def test_a_transformers_model_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    elsewhere(check_missing, "transformers", str(tmp_path))


def check_transformers(directory: str) -> None:
    make_transformers_model(directory)
    import transformers  # noqa: PLC0415

    loads: list[object] = []
    load = transformers.AutoModelForTokenClassification.from_pretrained

    def counted(*arguments: Any, **options: Any) -> Any:
        loads.append(arguments)
        return load(*arguments, **options)

    transformers.AutoModelForTokenClassification.from_pretrained = counted
    detector = build_detector(policy(f"transformers:{directory}", "en", "de", "fr"))
    assert len(loads) == 1, "a model is loaded once, whatever the languages"
    assert detector.entities >= {"PERSON", "LOCATION", "PRIVATE_THING"}
    assert NAME in found(detector, SENTENCE)
    # Only a piece of the word is in the model's vocabulary as a name.
    assert (4, 8, "PERSON") in found(detector, "met Adax in")
    # Longer than the model reads at once, with white space and without: nothing is cut off.
    assert (1205, 1217, "PERSON") in found(detector, f"{'a ' * 600} met Ada Lovelace in town")
    assert (1005, 1017, "PERSON") in found(detector, f"{'x' * 1000} met Ada Lovelace in town")
    assert {(at, at + 3, "PERSON") for at in range(4, 2004, 8)} <= found(detector, "met Ada " * 250)
    assert NAME in found(detector, f"{SENTENCE}\ud800")

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError(SENTENCE)

    transformers.TokenClassificationPipeline.forward = broken
    with pytest.raises(RuntimeError):
        found(detector, SENTENCE)
    (Path(directory) / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(EngineUnavailable, match="does not load"):
        load_engine(policy(f"transformers:{directory}"))


def make_transformers_model(directory: str) -> None:
    """A BERT of a few thousand weights that has learnt one sentence by heart."""
    import torch  # noqa: PLC0415
    from transformers import BertConfig, BertForTokenClassification  # noqa: PLC0415

    torch.manual_seed(1)
    vocabulary, tokenizer = make_tokenizer(model_max_length=64)
    labels = dict(enumerate(["O", "B-PER", "I-PER", "B-LOC", "B-private_thing"]))
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=16,
        max_position_embeddings=64,
        id2label=labels,
        label2id={label: number for number, label in labels.items()},
    )
    model = BertForTokenClassification(config)
    # Where a word stands and what stands beside it must not matter.
    for frozen in (model.bert.embeddings.position_embeddings, model.bert.encoder.layer[0].attention.output.dense):
        for weights in frozen.parameters():
            weights.data.zero_()
            weights.requires_grad = False
    words = ["[CLS]", "i", "met", "ada", "lovelace", "in", "town", ".", "a", "x", "##x", "##a", "[UNK]", "[SEP]"]
    inputs = torch.tensor([[vocabulary[word] for word in words]])
    expected = torch.tensor([[1 if word == "ada" else 2 if word == "lovelace" else 0 for word in words]])
    optimizer = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), 0.03)
    for _ in range(80):
        optimizer.zero_grad()
        model(input_ids=inputs, labels=expected).loss.backward()
        optimizer.step()
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)


def make_tokenizer(model_max_length: int) -> tuple[dict[str, int], Any]:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "ada", "lovelace", "met", "in", "town", *letters, ".", ","]
    words += [f"##{letter}" for letter in letters]
    vocabulary = {word: number for number, word in enumerate(words)}
    core = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    core.normalizer = normalizers.Lowercase()
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    core.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=model_max_length,
    )
    return vocabulary, tokenizer


def check_missing(kind: str, empty: str) -> None:
    for name in (empty, f"{empty}/nothing", "nobody/no-such-model"):
        with pytest.raises(EngineUnavailable, match="downloads nothing"):
            load_engine(policy(f"{kind}:{name}"))


# GLiNER


@borrowed
@with_gliner
@pytest.mark.extras
def test_a_local_gliner_model_runs_and_fails_closed(tmp_path: Path) -> None:
    elsewhere(check_gliner, str(tmp_path))


@borrowed
@with_gliner
@pytest.mark.extras
def test_a_gliner_model_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    elsewhere(check_missing, "gliner", str(tmp_path))


def check_gliner(directory: str) -> None:
    make_gliner_model(directory)
    engine = load_engine(policy(f"gliner:{directory}/names", "en", "de"))
    assert len(engine.recognizers) == 1, "a model is loaded once, whatever the languages"
    detector = build_detector(policy(f"gliner:{directory}/names", "en", "de"))
    # Its weights are random: it finds something everywhere. What counts is that it is asked for all of the text.
    for text in (SENTENCE, f"{'a ' * 600}met Ada", "x" * 1000):
        hidden = {at for start, end, _ in found(detector, text) for at in range(start, end)}
        assert {at for at, char in enumerate(text) if char.isalpha()} <= hidden

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError(SENTENCE)

    recognizer: Any = next(r for r in engine.recognizers)
    recognizer.gliner.predict_entities = broken
    with pytest.raises(RuntimeError):
        recognizer.analyze(SENTENCE, ["PERSON"], None)


def make_gliner_model(directory: str) -> None:
    """A GLiNER of a few thousand random weights."""
    import torch  # noqa: PLC0415
    from transformers import BertConfig, BertModel  # noqa: PLC0415

    torch.manual_seed(0)
    vocabulary, tokenizer = make_tokenizer(model_max_length=512)
    backbone = BertConfig(
        vocab_size=len(vocabulary) + 3,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=16,
    )
    BertModel(backbone).save_pretrained(f"{directory}/backbone")
    tokenizer.save_pretrained(f"{directory}/backbone")
    gliner: Any = import_module("gliner")
    config = gliner.GLiNERConfig(
        model_name=f"{directory}/backbone",
        hidden_size=16,
        encoder_config=backbone.to_dict(),
        max_len=384,
        max_width=4,
        dropout=0.0,
    )
    gliner.GLiNER.from_config(config).save_pretrained(f"{directory}/names")


# spaCy


@pytest.fixture(scope="module")
def spacy_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A names model that has learnt one sentence by heart."""
    directory = tmp_path_factory.mktemp("spacy") / "names"
    model = spacy.blank("en")
    model.add_pipe("ner").add_label("PERSON")  # type: ignore[attr-defined]
    example = Example.from_dict(model.make_doc(SENTENCE), {"entities": [NAME]})
    optimizer = model.initialize(lambda: [example])
    for _ in range(30):
        model.update([example], sgd=optimizer)
    model.to_disk(directory)
    return directory


def test_a_trained_spacy_model_finds_names_and_is_loaded_once(
    spacy_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, loads = spacy.load, []

    def counted(name: str) -> Language:
        loads.append(name)
        return load(name)

    monkeypatch.setattr(spacy, "load", counted)
    detector = build_detector(policy(f"spacy:{spacy_model}", "en", "de"))
    assert NAME in found(detector, SENTENCE)
    assert len(loads) == 1


def test_a_spacy_model_that_fails_stops_the_request(spacy_model: Path) -> None:
    @Language.component("raises")
    def raises(doc: object) -> object:
        raise RuntimeError(SENTENCE)

    model = spacy.load(spacy_model)
    model.add_pipe("raises", last=True)
    directory = spacy_model.parent / "raising"
    model.to_disk(directory)
    detector = build_detector(policy(f"spacy:{directory}"))
    with pytest.raises(RuntimeError):
        found(detector, SENTENCE)


def test_a_folder_that_is_no_spacy_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="does not load"):
        load_engine(policy(f"spacy:{tmp_path}"))


# built in


def test_the_builtin_model_finds_names_in_all_languages_of_a_policy() -> None:
    engine = load_engine(policy("builtin", "en", "de"))
    assert len(engine.recognizers) == 1
    assert NAME in found(build_detector(policy("builtin", "en", "de")), SENTENCE)


# Pieces of texts that are too long for a model


@pytest.mark.parametrize("text", ["", "word", "one two three " * 50, "x" * 500, "a b" + "c" * 99 + " d" * 99])
@pytest.mark.parametrize("limit", [1, 7, 40, 1000])
def test_pieces_hold_the_whole_text_and_overlap(text: str, limit: int) -> None:
    reached = 0
    for at, piece in pieces(text, 100, lambda piece: len(piece) <= limit):
        assert at <= reached
        assert piece == text[at : at + len(piece)]
        assert len(piece) <= min(100, limit)
        reached = at + len(piece)
    assert reached == len(text)


def test_a_model_that_can_read_nothing_is_unusable() -> None:
    with pytest.raises(ModelUnusable):
        list(pieces("text", 100, lambda _: False))


@pytest.mark.parametrize(
    ("text", "start", "end", "whole"),
    [
        ("met Lovelace.", 4, 8, "Lovelace"),
        ("met Lovelace.", 8, 10, "Lovelace"),
        ("met Lovelace.", 4, 12, "Lovelace"),
        ("met Lovelace.", 3, 4, " "),
        ("김태웅이고", 0, 3, "김태웅"),
        ("", 0, 0, ""),
    ],
)
def test_findings_are_whole_words(text: str, start: int, end: int, whole: str) -> None:
    start, end = whole_words(text, start, end)
    assert text[start:end] == whole


def test_what_is_borrowed_is_not_seen_here() -> None:
    assert find_spec("transformers") is None
    with pytest.raises(EngineUnavailable, match="pip install transformers torch"):
        load_engine(policy("transformers:x"))
    with pytest.raises(EngineUnavailable, match="pip install gliner"):
        load_engine(policy("gliner:x"))
