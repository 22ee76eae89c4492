"""Scores the built-in names model alone: `python -m models.ner.evaluate`, as shipped, without patterns or policy.

Of persons and places: the share of characters hidden, of spans hidden whole, and the share of the model's spans that
touch something annotated (persons, places, organisations, and whatever else is annotated as personal).
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gateway.redact.ner.network import WEIGHTS, Ner
from models.ner import corpus

NAMES = {"PERSON", "LOCATION"}
SETS = ("hand-dev", "presidio-synth", "wnut17", "germeval14", "uner-de-pud", "uner-da", "uner-pt", "uner-sv")


def _characters(spans: Iterable[dict[str, Any]]) -> set[int]:
    return {at for span in spans for at in range(span["start"], span["end"])}


def score(model: Ner, records: list[dict[str, Any]], worst: int = 0) -> dict[str, float]:
    """Shares as the module says, and `touched`: of the texts without anything personal, those with a finding."""
    chars = hidden = spans = whole = made = good = empty = touched = 0
    bad = []
    for record in records:
        text, optional = record["text"], record.get("optional", [])
        wanted = [span for span in record["spans"] if span["label"] in NAMES]
        found = [f for f in model.find(text) if f[2] in NAMES]
        covered = {at for start, end, _, _ in found for at in range(start, end)}
        gold = {at for at in _characters(wanted) if not text[at].isspace()}
        allowed = _characters(record["spans"]) | _characters(optional)
        wrong = [text[start:end] for start, end, _, _ in found if not allowed & set(range(start, end))]
        chars, hidden = chars + len(gold), hidden + len(gold & covered)
        spans += len(wanted)
        whole += sum({a for a in range(s["start"], s["end"]) if text[a].isalnum()} <= covered for s in wanted)
        made, good = made + len(found), good + len(found) - len(wrong)
        if not record["spans"] and not optional:
            empty, touched = empty + 1, touched + bool(found)
        missed = "".join(text[at] for at in sorted(gold - covered))
        bad.append((len(missed) + 4 * len(wrong), missed, wrong, text))
    for _, missed, wrong, text in sorted(bad, key=lambda entry: -entry[0])[:worst]:
        print(f"\nmissed {missed!r} wrong {wrong}\n{text[:500]}")
    part = {"recall": (hidden, chars), "whole": (whole, spans), "precision": (good, made), "touched": (touched, empty)}
    return {"texts": len(records)} | {name: a / b if b else 0.0 for name, (a, b) in part.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--dev", action="store_true", help="the texts kept from training and the handmade prompts")
    parser.add_argument("--worst", type=int, default=0, help="print the texts with most mistakes")
    parser.add_argument("--only", default="", help="one set")
    given = parser.parse_args()
    model = Ner.load(given.weights)
    if given.dev:
        sets = {name: corpus.records(name, True) for name in (*corpus.GOLD, *corpus.SILVER)}
        lines = (corpus.DATA / "handmade-dev.jsonl").read_text("utf-8").splitlines()
        sets["handmade-dev"] = [json.loads(line) for line in lines]
    else:
        sets = {name: corpus.evaluation(name) for name in SETS}
    for name, records in sets.items():
        if given.only in ("", name):
            figures = score(model, records, given.worst)
            print(f"{name:16}", " ".join(f"{key} {value:.3f}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
