"""The running network in numpy, in floats: what the gateway's native engine is compared with, and easy to read.

Every token is judged by itself and `context_tokens` neighbours on each side, by nothing else. So a long text is read in
pieces that overlap by as much, with the same result as if it were read whole, in bounded memory.
"""

from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from gateway.redact.ner.network import ENTITIES, PIECE, WEIGHTS, Found
from gateway.redact.ner.weights import read
from models.ner.features import WORD_BITS, Features, Tokens, features, tokens

# A token is part of a name if it is more likely so than not.
THRESHOLD = 0.5

Floats = npt.NDArray[np.float32]


class Reference:
    """Finds names of people, places and organisations; holds no state but its weights, so threads may share it."""

    def __init__(self, weights: dict[str, npt.NDArray[Any]], about: dict[str, Any]) -> None:
        self._table = {name: weights[f"table_{name}"] for name in about["widths"]}
        self._listed = [weights[f"table_{name}"] for name in about["listed"]]
        self._input, self._input_bias = weights["input"], weights["input_bias"]
        self._blocks = [
            (dilation, weights[f"block{number}"], weights[f"block{number}_bias"])
            for number, dilation in enumerate(about["dilations"])
        ]
        self._output, self._output_bias = weights["output"], weights["output_bias"]
        # The last hash and row stand for words that are on no list.
        self._hashes, self._values = np.append(weights["lexicon_hashes"], np.uint32(0)), weights["lexicon_values"]
        self._prefer = np.array(about["prefer"], np.float32)[:, None]
        self.context_tokens = int(about["context"])

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> Self:
        """Raises WeightsUnusable unless the file is the one that its description names."""
        return cls(*read(path))

    def find(self, text: str) -> list[Found]:
        """Start, end (code points, exclusive), entity type and score of each name, in order; addresses in parts."""
        return _spans(tokens(text), self.chances(text), self._prefer)

    def chances(self, text: str) -> Floats:
        """(2 + entities, n): see `_chances`; zeros for tokens that are not near any letter."""
        cut = tokens(text)
        count, margin = len(cut.start), self.context_tokens
        chances = np.zeros((2 + len(ENTITIES), count), np.float32)
        lettered = _near(cut.letters, margin)
        for begin in range(0, count, PIECE):
            end = min(count, begin + PIECE)
            # Texts made of punctuation or digits must not cost what words cost.
            if not lettered[begin:end].any():
                continue
            first, last = max(0, begin - margin), min(count, end + margin)
            scores = self._scores(features(cut, first, last))
            chances[:, begin:end] = _chances(scores[begin - first : end - first])
        if not lettered.all():
            chances[:, ~lettered] = 0
        return chances

    def _scores(self, given: Features) -> Floats:
        """(n, tags): what the network gives for each tag of each token."""
        table = self._table
        word = table["word"][given.word & np.uint32((1 << WORD_BITS) - 1)].astype(np.float32)
        word += table["word"][given.word >> np.uint32(32 - WORD_BITS)]
        place = np.searchsorted(self._hashes[:-1], given.word)
        place[self._hashes[place] != given.word] = len(self._hashes) - 1
        listed = self._values[place]
        bag = np.add.reduceat(table["trigram"][given.trigram].astype(np.float32), given.offset)
        bag *= given.weight[:, None]
        parts = [word, table["prefix"][given.prefix], table["suffix"][given.suffix], table["shape"][given.shape], bag]
        parts += [rows[listed[:, column]] for column, rows in enumerate(self._listed)]
        x: Floats = np.concatenate(parts, axis=1, dtype=np.float32) @ self._input
        x += self._input_bias
        for dilation, weight, bias in self._blocks:
            y = _convolve(x @ weight, dilation, bias)
            x += np.maximum(y, 0, out=y)
        return _convolve(x @ self._output, 1, self._output_bias)


def _near(marks: npt.NDArray[np.bool_], margin: int) -> npt.NDArray[np.bool_]:
    """(n,) whether one of the tokens up to `margin` before or after is marked."""
    before = np.append(0, np.cumsum(marks))
    place = np.arange(len(marks))
    near: npt.NDArray[np.bool_] = (
        before[np.minimum(place + margin + 1, len(marks))] > before[np.maximum(place - margin, 0)]
    )
    return near


def _convolve(taps: Floats, dilation: int, bias: Floats) -> Floats:
    """(n, 3 * width) to (n, width): adds to each row the first third of the one before and the last of the next."""
    width = taps.shape[1] // 3
    made: Floats = taps[:, width : 2 * width] + bias
    made[dilation:] += taps[:-dilation, :width]
    made[:-dilation] += taps[dilation:, 2 * width :]
    return made


def _chances(scores: Floats) -> Floats:
    """(n, tags) to (5, n): how likely a token is part of some name, begins one, and belongs to each entity type."""
    scores = np.ascontiguousarray(scores.T)
    scores -= scores.max(axis=0)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=0)
    made: Floats = np.empty((2 + len(ENTITIES), scores.shape[1]), np.float32)
    np.subtract(1, scores[0], out=made[0])
    begins = scores[1::2]
    begins.sum(axis=0, out=made[1])
    np.add(begins, scores[2::2], out=made[2:])
    return made


def _spans(cut: Tokens, chances: Floats, prefer: Floats) -> list[Found]:
    """Runs of tokens that are likely names of one kind, with the mean of their chances; each has a letter somewhere."""
    named = np.flatnonzero(chances[0] >= THRESHOLD)
    if not len(named):
        return []
    held = chances[:, named]
    some, begins, kind = held[0], held[1], (held[2:] * prefer).argmax(axis=0)
    fresh = np.ones(len(named), np.bool_)
    fresh[1:] = (named[1:] != named[:-1] + 1) | (kind[1:] != kind[:-1]) | (begins[1:] * 2 > some[1:])
    first = np.flatnonzero(fresh)
    size = np.diff(np.append(first, len(named)))
    begin = named[first]
    columns = (
        cut.start[begin],
        cut.end[begin + size - 1],
        kind[first],
        np.add.reduceat(some, first) / size,
        np.logical_or.reduceat(cut.letters[named], first),
    )
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [(start, end, ENTITIES[of], round(score, 3)) for start, end, of, score, lettered in rows if lettered]
