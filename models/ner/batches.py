"""Endless batches of labelled, described tokens, made while the network trains."""

import random
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.ner import corpus, plain_texts, vary
from models.ner.compose import Filler
from models.ner.corpus import Pieces
from models.ner.features import Features, features, tokens
from models.ner.lexicon import Lexicon

TAGS = ("O", "B-PERSON", "I-PERSON", "B-LOCATION", "I-LOCATION", "B-ORGANIZATION", "I-ORGANIZATION")
KIND = {"": 0, "P": 1, "L": 2, "O": 3, "?": -1}
UNKNOWN = -100
TEXTS = 96
# Rows of nothing between two texts, so that no convolution reaches from one into the next.
BETWEEN = 10
SYNTHETIC = (
    ("en", 30),
    ("forms", 14),
    ("negatives", 30),
    ("de", 6),
    ("fr", 4),
    ("es", 4),
    ("it", 3),
    ("pt", 3),
    ("north", 4),
    ("east", 5),
)


class Batch(NamedTuple):
    """n tokens of several texts; `lexicon` is (n, 5), `row` where each stands among all rows."""

    features: Features
    lexicon: npt.NDArray[np.int64]
    tag: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float32]
    rows: int


def tags(text: Pieces, start: npt.NDArray[np.int64], at: int = 0) -> npt.NDArray[np.int64]:
    """The tag of every token, by the piece in which it begins; `at` is where the text begins."""
    ends = np.cumsum([len(string) for string, _ in text]) + at
    piece = np.searchsorted(ends, start, side="right")
    kind = np.array([KIND[label] for _, label in text])[piece]
    fresh = np.ones(len(piece), np.int64)
    fresh[1:] = piece[1:] != piece[:-1]
    tag = np.where(kind > 0, 2 * kind - fresh, 0)
    return np.where(kind < 0, UNKNOWN, tag)


class Source:
    """Draws texts: annotated ones, changed ones, and such as are made from templates."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.gold = {name: [corpus.pieces(r) for r in corpus.records(name, False)] for name in corpus.GOLD}
        self.silver = {name: [corpus.pieces(r) for r in corpus.records(name, False)] for name in corpus.SILVER}
        texts = [text for group in (self.gold, self.silver) for one in group.values() for text in one]
        self.filler = Filler(self.rng, corpus.mentions(texts), plain_texts.common_nouns())

    def text(self) -> tuple[Pieces, float]:
        """A text and how much it counts."""
        rng, kind = self.rng, self.rng.random()
        if kind < 0.22:
            name = rng.choices(corpus.GOLD, (18, 22, 20, 14, 26))[0]
            text = rng.choice(self.gold[name])
            if rng.random() < 0.5:
                text = vary.exchange(text, self.filler, rng)
            return vary.vary(text, rng, 0.12), 1.0
        if kind < 0.47:
            name = rng.choices(corpus.SILVER, (60, 16, 10, 14))[0]
            text = self._doubt(rng.choice(self.silver[name]))
            if name == "wikiann-de":
                text = vary.other_nouns(text, rng)
            if rng.random() < 0.35:
                text = vary.exchange(text, self.filler, rng)
            return vary.vary(text, rng, 0.1), 0.5
        if kind < 0.56:
            return vary.vary([(plain_texts.negative(rng), "")], rng, 0.1), 1.0
        return vary.vary(self._made(), rng, 0.22), 1.0

    def _made(self) -> Pieces:
        rng = self.rng
        groups = rng.choices(
            [name for name, _ in SYNTHETIC], [share for _, share in SYNTHETIC], k=rng.choice((1, 1, 1, 2, 3))
        )
        text = vary.join([self.filler.fill(group) for group in groups], rng)
        return (
            vary.quote(text, rng)
            if rng.random() < (0.2 if any("\n" in string for string, _ in text) else 0.01)
            else text
        )

    def _doubt(self, text: Pieces) -> Pieces:
        """Silver labels miss names: what is not marked and looks like one counts for nothing."""
        doubted: Pieces = []
        for string, label in text:
            if label:
                doubted.append((string, "?" if string.islower() else label))
                continue
            for part in string.split(" "):
                bare = part.strip(".,;:()'\"*")
                mark = "?" if bare in plain_texts.named() and bare not in plain_texts.nouns() else ""
                doubted.append((part + " ", mark))
            doubted[-1] = (doubted[-1][0][:-1], doubted[-1][1])
        return [(string, label) for string, label in doubted if string]

    def batch(self, lexicon: Lexicon) -> Batch:
        drawn = [self.text() for _ in range(TEXTS)]
        return assemble([text for text, _ in drawn], [weight for _, weight in drawn], lexicon)


def assemble(texts: list[Pieces], weights: list[float], lexicon: Lexicon) -> Batch:
    """Describes all texts at once, one line after another, as if each stood alone."""
    pieces: Pieces = []
    begins = []
    at = 0
    for text in texts:
        begins.append(at)
        pieces.extend((*text, ("\n", "")))
        at += sum(len(string) for string, _ in text) + 1
    found = tokens("".join(string for string, _ in pieces))
    described = features(found)
    owner = np.searchsorted(np.array(begins), found.start, side="right") - 1
    row = np.arange(len(owner)) + BETWEEN * (owner + 1)
    tag = tags(pieces, found.start)
    weight = np.array(weights, np.float32)[owner]
    return Batch(described, lexicon.rows(described.word), tag, row, weight, int(row[-1]) + 1 + BETWEEN)
