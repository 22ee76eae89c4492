"""What a kind of structure found in a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

SURE = 0.85
"""The score of a value whose field says what it is and whose shape agrees."""
LIKELY = 0.7


class Found(NamedTuple):
    """Code points [start, end) are a value of type `entity`."""

    start: int
    end: int
    entity: str
    score: float = SURE


Kind = Callable[[str], Iterator[Found]]
"""Finds one kind of structure. It must be cheap for texts without it, and linear for all."""
