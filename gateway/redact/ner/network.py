"""The built-in names model: a text in, spans of names out. The network itself runs in C (native/)."""

import re
from pathlib import Path
from typing import Any, Self

import numpy.typing as npt

from gateway.redact.ner.engine import native
from gateway.redact.ner.weights import WeightsUnusable, laid_out, read

WEIGHTS = Path(__file__).parent / "builtin.npz"
ENTITIES = ("PERSON", "LOCATION", "ORGANIZATION")
# Tokens that are read at once: what is computed for them fits into the cache of a core.
PIECE = 400
# What may stand between a street with its number and the town.
POSTCODE = re.compile(r",?\s{0,3}[0-9A-Z -]{0,10},?\s{0,3}")

Found = tuple[int, int, str, float]


class Ner:
    """Finds names of people, places and organisations; holds no state but its weights, so threads may share it."""

    def __init__(
        self,
        weights: dict[str, npt.NDArray[Any]],
        about: dict[str, Any],
        piece: int = PIECE,
        instructions: str = "",
    ) -> None:
        """`instructions`: one of `native.INSTRUCTIONS`, otherwise the fastest; all find the same.

        Raises LookupError, TypeError or ValueError if the weights do not fit the engine.
        """
        self.context_tokens = int(about["context"])
        self._network = native.Network(
            laid_out(weights, about), about["dilations"], self.context_tokens, piece, ENTITIES, instructions
        )

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> Self:
        """Raises WeightsUnusable unless the file is the one that its description names."""
        try:
            return cls(*read(path))
        except (LookupError, TypeError, ValueError) as error:
            raise WeightsUnusable(f"the names model {path} is of another version ({type(error).__name__})") from None

    def find(self, text: str) -> list[Found]:
        """Start, end (code points, exclusive), entity type and score of each name, in order, without overlaps."""
        return _addresses(text, self._network.find(text))


def _addresses(text: str, found: list[Found]) -> list[Found]:
    """Joins the parts of one address: a place with a number, then signs or a postcode, then a place."""
    joined: list[Found] = []
    for span in found:
        start, end, entity, score = span
        if joined and entity == joined[-1][2] == "LOCATION":
            before = joined[-1]
            between = text[before[1] : start]
            if POSTCODE.fullmatch(between) and any(
                char.isdigit() for char in text[max(before[0], before[1] - 12) : before[1]]
            ):
                joined[-1] = (before[0], end, entity, min(score, before[3]))
                continue
        joined.append(span)
    return joined
