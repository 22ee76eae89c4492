"""The built-in names model: what it finds, and that it finds the same however a text is cut, placed or threaded."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.redact.ner.network import WEIGHTS, Ner
from gateway.redact.ner.recognizer import BuiltinNerRecognizer
from gateway.redact.ner.weights import WeightsUnusable, read
from models.ner.features import tokens

LETTER = (
    "Dear Ms. Alvarez,\n\nthank you for your letter of 3 May. Our colleague Benedikt Sommer will visit you in Hamburg "
    "on Tuesday to look at the heating, which has not worked since the end of January. Please tell him if the key is "
    "with the neighbours.\n\nKind regards,\nCharlotte Webb\n12 Mill Lane, 40213 Leeds\n\n" + "7 8 9 10 " * 5 + "\n"
)


@pytest.fixture(scope="module")
def model() -> Ner:
    return Ner.load()


def names(model: Ner, text: str) -> list[tuple[str, str]]:
    return [(text[start:end], entity) for start, end, entity, _ in model.find(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Please write to Charlotte Webb about the rent", ("Charlotte Webb", "PERSON")),
        ("remind sarah that the meeting is moved to monday", ("sarah", "PERSON")),
        ("plan a long weekend in Lisbon with kids", ("Lisbon", "LOCATION")),
        ("Schreibe eine Mahnung an Benedikt Sommer wegen der Miete", ("Benedikt Sommer", "PERSON")),
        ("virement au nom de Camille Fournier", ("Camille Fournier", "PERSON")),
        ('{"customer":{"name":"Rafael Ortega","age":41}}', ("Rafael Ortega", "PERSON")),
        ("id,name,city\n4,Julia Novak,Vienna\n5,Peter Larsson,Oslo", ("Peter Larsson", "PERSON")),
    ],
)
def test_names_are_found_with_their_exact_place(model: Ner, text: str, expected: tuple[str, str]) -> None:
    assert expected in names(model, text)


@pytest.mark.parametrize(
    "text",
    [
        "git commit --amend on branch main",
        "how long do i boil an egg",
        "Explain photosynthesis in two sentences",
        "def total(items): return sum(item.price for item in items)",
        "Fehlermeldung beim Start der Anwendung",
        "SELECT count(*) FROM orders WHERE created > 5",
    ],
)
def test_harmless_texts_stay_untouched(model: Ner, text: str) -> None:
    assert names(model, text) == []


def test_an_address_is_one_place(model: Ner) -> None:
    text = "Please send the parcel to 221 Baker Street, Springfield, IL 62704"
    (found,) = model.find(text)
    assert text[found[0] : found[1]] == "221 Baker Street, Springfield, IL 62704"
    assert found[2] == "LOCATION"


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u0301", "\u200b\u200b", "\ud800", "😀😀", "...", "12 34"])
def test_a_text_without_words_has_no_names(model: Ner, text: str) -> None:
    assert model.find(text) == []


@pytest.mark.parametrize("piece", [1, 7, 64, 100_000])
def test_how_a_long_text_is_cut_does_not_matter(model: Ner, piece: int) -> None:
    text = LETTER * 20
    whole = model.find(text)
    assert Ner(*read(WEIGHTS), piece=piece).find(text) == whole


def test_what_is_farther_than_the_context_does_not_matter(model: Ner) -> None:
    near = "and so on " * model.context_tokens
    alone = f"{near}Charlotte Webb lives in Hamburg {near}"
    for far in ("Berlin ", "x = 1; ", "JOHN SMITH, "):
        text = far * 50 + alone + far * 50
        shift = len(far) * 50
        inside = [f for f in model.find(text) if shift + len(near) <= f[0] < shift + len(alone) - len(near)]
        assert [(s - shift, e - shift, kind) for s, e, kind, _ in inside] == [f[:3] for f in model.find(alone)]


def test_scores_are_chances_and_spans_are_in_order(model: Ner) -> None:
    found = model.find(LETTER * 3)
    assert found
    assert all(0.5 <= score <= 1 for *_, score in found)
    assert all(before[1] <= after[0] for before, after in pairwise(found))


def test_invisible_characters_hide_no_name(model: Ner) -> None:
    text = "Please write to Char\u200blotte We\u00adbb about the rent"
    assert ("Char\u200blotte We\u00adbb", "PERSON") in names(model, text)


def test_threads_share_one_model(model: Ner) -> None:
    expected = model.find(LETTER)
    with ThreadPoolExecutor(4) as pool:
        assert all(found == expected for found in pool.map(model.find, [LETTER] * 40))


@pytest.mark.parametrize("text", ["a" * 300_000, "7" * 300_000, "<" * 300_000, "e\u0301" * 100_000, "😀" * 300_000])
def test_one_long_run_is_one_token(model: Ner, text: str) -> None:
    assert len(tokens(text).start) == 1
    assert len(model.find(text)) <= 1


def test_a_missing_or_damaged_file_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "builtin.npz"
    with pytest.raises(WeightsUnusable, match="cannot be read"):
        Ner.load(path)
    path.with_suffix(".json").write_bytes(WEIGHTS.with_suffix(".json").read_bytes())
    path.write_bytes(WEIGHTS.read_bytes()[:-1])
    with pytest.raises(WeightsUnusable, match="damaged"):
        Ner.load(path)
    path.write_bytes(WEIGHTS.read_bytes())
    about = json.loads(WEIGHTS.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps(about | {"dilations": [1, 2, 3]}))
    with pytest.raises(WeightsUnusable, match="another version"):
        Ner.load(path)
    path.with_suffix(".json").write_text("{}")
    with pytest.raises(WeightsUnusable):
        Ner.load(path)


def test_the_recognizer_reports_what_it_was_asked_for(model: Ner) -> None:
    recognizer = BuiltinNerRecognizer("de", model=model)
    recognizer.load()
    text = "Charlotte Webb lives in Hamburg"
    both = recognizer.analyze(text, ["PERSON", "LOCATION"])
    assert [(r.entity_type, r.start, r.end) for r in both] == [("PERSON", 0, 14), ("LOCATION", 24, 31)]
    assert [r.entity_type for r in recognizer.analyze(text, ["LOCATION"])] == ["LOCATION"]
    assert recognizer.supported_language == "de"


def test_a_recognizer_that_cannot_load_says_so(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnusable):
        BuiltinNerRecognizer(weights=tmp_path / "none.npz")
