"""The annotated texts that travel with the project, as pieces: (string, label) with "" for what is no name."""

import json
import lzma
import re
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
LABELS = {"PERSON": "P", "LOCATION": "L", "ORGANIZATION": "O"}
GOLD = ("uner-da", "uner-en-ewt", "uner-pt", "uner-sv", "wnut17")
SILVER = ("wikiann-de", "wikiann-en", "wikiann-fr", "wikiann-nl")
# Every 25th text of a training file is kept apart to choose by; the files under eval/ are never trained on.
DEV_EVERY = 25

Pieces = list[tuple[str, str]]


def read(path: Path) -> list[dict[str, Any]]:
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def pieces(record: dict[str, Any]) -> Pieces:
    """The text cut at its spans; of overlapping spans the first counts."""
    text, at, found = record["text"], 0, []
    spans = record["spans"] + record.get("optional", [])
    for span in sorted(spans, key=lambda s: (s["start"], -s["end"])):
        if span["start"] < at or span["label"] not in LABELS:
            continue
        found.append((text[at : span["start"]], ""))
        found.append((text[span["start"] : span["end"]], LABELS[span["label"]]))
        at = span["end"]
    found.append((text[at:], ""))
    return [(string, label) for string, label in found if string]


def records(name: str, dev: bool) -> list[dict[str, Any]]:
    whole = read(DATA / f"{name}.jsonl.xz")
    return [record for number, record in enumerate(whole) if (number % DEV_EVERY == 0) == dev]


def evaluation(name: str) -> list[dict[str, Any]]:
    return read(DATA / "eval" / f"{name}.jsonl.xz")


def mentions(texts: list[Pieces]) -> dict[str, list[str]]:
    """The strings annotated as person, place or organisation, for exchanging them."""
    found: dict[str, list[str]] = {"P": [], "L": [], "O": []}
    for text in texts:
        for string, label in text:
            if label and re.fullmatch(r"[^\W\d_][\w.'’ -]{1,40}", string):
                found[label].append(string)
    return found
