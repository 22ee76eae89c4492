"""What lists of names and words say of a word, by its hash: a name, a place, how common, how it is used.

The last are Brown clusters, classes of words that stand in the same surroundings in large texts; they know a German
noun from a surname although both have a capital.
"""

import csv
import gzip
import importlib.util
import json
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from wordfreq import top_n_list

from models.ner import pools
from models.ner.features import features, tokens

FIRST, LAST, CITY, REGION = 1, 2, 4, 8
LANGUAGES = "de fr es it pt nl pl da sv nb fi cs tr".split()
TIERS = (1500, 8000, 30000)
# Columns of the values: lists and frequency; capitals and German nouns; clusters by language.
COLUMNS = ("code", "usage", "english", "german", "spanish")
CLUSTERS = {"english": ("en", 160_000), "german": ("de", 260_000), "spanish": ("es", 90_000)}
SIZES = {"code": 256, "usage": 32, "english": 1001, "german": 751, "spanish": 701}


class Lexicon(NamedTuple):
    """Sorted hashes of n words, and (n + 1, len(COLUMNS)) values; the last row, of zeros, is for all other words."""

    hashes: npt.NDArray[np.uint32]
    values: npt.NDArray[np.uint16]

    def rows(self, words: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """(m,) hashes to (m, len(COLUMNS)) values."""
        place = np.minimum(np.searchsorted(self.hashes, words), len(self.hashes) - 1)
        place[self.hashes[place] != words] = len(self.hashes)
        return self.values[place].astype(np.int64)


def _hashes(words: list[str]) -> npt.NDArray[np.uint32]:
    """The hashes of single words; what is cut into several tokens counts with each."""
    return np.concatenate(
        [features(tokens("\n".join(words[at : at + 5000]))).word for at in range(0, len(words), 5000)]
    )


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations)))


def _table(language: str, kind: str) -> dict[str, Any]:
    with gzip.open(
        _folder("spacy_lookups_data") / "data" / f"{language}_lexeme_{kind}.json.gz", "rt", encoding="utf-8"
    ) as file:
        return dict(json.load(file))


@cache
def german() -> dict[str, set[str]]:
    """German nouns by what they are: common nouns, places, first names, surnames."""
    found: dict[str, set[str]] = {"noun": set(), "Toponym": set(), "Vorname": set(), "Nachname": set()}
    path = next(_folder("german_nouns").rglob("nouns.csv"))
    with path.open(encoding="utf-8") as file:
        rows = csv.DictReader(file)
        for row in rows:
            kinds = set(row["pos"].split(","))
            names = {
                value for key, value in row.items() if value and key not in {"pos"} and not key.startswith("genus")
            }
            names = {name for name in names if re.fullmatch(r"[A-ZÄÖÜ][a-zäöüß]+", name)}
            named = kinds & set(found)
            for kind in named or ({"noun"} if "Eigenname" not in kinds else set()):
                found[kind] |= names
    return found


class _Builder:
    def __init__(self) -> None:
        self.found: dict[int, list[int]] = {}

    def row(self, word: int) -> list[int]:
        return self.found.setdefault(word, [0] * len(COLUMNS))

    def mark(self, names: list[str], bit: int) -> None:
        for word in _hashes(names).tolist():
            self.row(word)[0] |= bit

    def common(self, language: str, shift: int) -> None:
        ranked = [word for word in top_n_list(language, TIERS[-1]) if word.isalpha()]
        for tier, size in zip((3, 2, 1), TIERS, strict=True):
            for word in _hashes(ranked[:size]).tolist():
                row = self.row(word)
                if (row[0] >> shift) & 3 < tier:
                    row[0] = row[0] & ~(3 << shift) | tier << shift

    def clusters(self, column: str) -> None:
        """The cluster of the commonest spelling, and which spelling that is."""
        language, size = CLUSTERS[column]
        cluster, chance = _table(language, "cluster"), _table(language, "prob")
        number = {name: at + 1 for at, name in enumerate(sorted(set(cluster.values()) - {0}))}
        best: dict[str, dict[str, float]] = {}
        words = sorted((w for w in chance if w.isalpha() and 1 < len(w) < 25), key=lambda w: -chance[w])
        for word in words[:size]:
            best.setdefault(word.lower(), {})[word] = chance[word]
        for low, hashed in zip(best, _hashes_of(list(best)), strict=True):
            row, forms = self.row(hashed), best[low]
            top = max(forms, key=lambda form: forms[form])
            if not row[COLUMNS.index(column)]:
                row[COLUMNS.index(column)] = number.get(cluster.get(top, 0), 0)
            if column in {"english", "spanish"}:
                capital = max((p for form, p in forms.items() if form != low), default=-25.0)
                gap = capital - forms.get(low, -25.0)
                level = 1 if gap < -1.5 else 2 if gap < 1 else 3
                row[1] |= level << (0 if column == "english" else 2)


def _hashes_of(words: list[str]) -> list[int]:
    """One hash for each of words that are single tokens."""
    found = []
    for at in range(0, len(words), 5000):
        cut = tokens("\n".join(words[at : at + 5000]))
        hashed = features(cut).word
        found.extend(hashed[cut.gap == 2].tolist())
    return found


@cache
def build() -> Lexicon:
    made, people, nouns = _Builder(), pools.people().values(), german()
    first = {n for firsts, _ in people for n in firsts if " " not in n} | set(pools.NICKNAMES) | nouns["Vorname"]
    last = {n for _, lasts in people for n in lasts if " " not in n} | nouns["Nachname"]
    city = {c for c in pools.cities()[0] if " " not in c and "-" not in c} | nouns["Toponym"]
    for bit, names in ((FIRST, first), (LAST, last), (CITY, city)):
        made.mark(sorted(names), bit)
    made.mark(sorted({c for c in pools.countries() if " " not in c}), REGION)
    made.common("en", 4)
    for language in LANGUAGES:
        made.common(language, 6)
    for column in CLUSTERS:
        made.clusters(column)
    for word in _hashes(sorted(nouns["noun"])).tolist():
        made.row(word)[1] |= 16
    hashes = np.array(sorted(made.found), np.uint32)
    values = [made.found[int(word)] for word in hashes] + [[0] * len(COLUMNS)]
    return Lexicon(hashes, np.array(values, np.uint16))
