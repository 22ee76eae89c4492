"""Prompts for the evaluation in the wording of the training, with numbers and orders that training never shows.

`models/heldout.py` is the harder half: there the wording is new too.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from models import placeholders, words
from models.grammar import Writer
from models.heldout import Case

#: How long and mixed the prompts are, from 0 to 1: those of everyday use, not the longest of the training.
LEVEL: Final = 0.6
#: Tasks in which the right placeholder has to be chosen, not just copied.
LOOK_UPS: Final = frozenset({"lookup", "relation"})


class HeldOutWriter(Writer):
    """Writes as in training, but every number, and every order of types, is one of those kept for the evaluation."""

    def word(self, bank: Sequence[str]) -> str:
        """A word that fits: training mixes in others, and words that do not exist."""
        return self.rng.choice(bank)

    def salad(self) -> str:
        """Training has strings of any words in any order here; whoever gives an instruction does not."""
        return self.rng.choice(words.ADVERBS)

    def kind(self) -> str:
        """A known type."""
        return self.rng.choice(placeholders.KINDS)

    def item(self, kind: str) -> str:
        """A new placeholder of this type with a number that training never shows."""
        while True:
            placeholder = f"<{kind}_{self.rng.choice(placeholders.HELD_OUT_NUMBERS)}>"
            if placeholder not in self.used:
                self.used.add(placeholder)
                return placeholder

    def items(self, count: int) -> list[str]:
        """Placeholders of mixed types, in an order that training does not use."""
        while True:
            kinds = [self.kind() for _ in range(count)]
            if count < 2 or placeholders.held_out_order([f"<{kind}_1>" for kind in kinds]):
                return [self.item(kind) for kind in kinds]


def cases(count: int = 240, seed: int = 77_000) -> list[Case]:
    """Requests whose right answer has placeholders; the kinds of request take turns."""
    made: list[Case] = []
    for attempt in range(100 * count):
        writer = HeldOutWriter(random.Random(seed + attempt), LEVEL)
        tasks = (writer.compose, writer.listing, writer.lookup, writer.repeat, writer.summarise, writer.as_json,
                 writer.relation, writer.compose)  # fmt: skip
        task = tasks[len(made) % len(tasks)]
        said, answer = task()
        asked = placeholders.find(answer)
        if asked:
            made.append(Case(task.__name__, (*writer.system(), ("user", said)), tuple(asked)))
        if len(made) == count:
            break
    return made
