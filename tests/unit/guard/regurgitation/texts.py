"""Made-up texts and the keys they are indexed with."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from gateway.guard.regurgitation import Document, Index, IndexKey, part_of, write_index
from gateway.settings import ConfigurationError

KEY = IndexKey("k1", bytes(range(32)))
_HEADS = "b c d f g l m n p r s t v br cl dr fl gr pl st tr".split()
_CORES = "a e i o u ai ea ou".split()
_TAILS = ["", "", "n", "r", "s", "t", "l", "m", "nd", "st"]


class Keys:
    """A key source with one key."""

    def __init__(self, key: IndexKey = KEY) -> None:
        self.key = key

    def key_for(self, purpose: str, key_id: str | None = None) -> tuple[str, bytes]:
        if key_id not in (None, self.key.id):
            raise ConfigurationError(f"the keyset has no key {key_id}")
        return self.key.id, self.key.secret


def vocabulary(seed: int, size: int = 3000) -> list[str]:
    """Different words of one to three syllables."""
    chance = random.Random(seed)
    words: dict[str, None] = {}
    while len(words) < size:
        word = "".join(
            chance.choice(_HEADS) + chance.choice(_CORES) + chance.choice(_TAILS) for _ in range(chance.randint(1, 3))
        )
        words[word] = None
    return list(words)


PROTECTED, OTHER = vocabulary(1), vocabulary(2)


def text(seed: int, words: int, of: Sequence[str] = PROTECTED) -> str:
    """Sentences, a word as often as words are."""
    chance = random.Random(seed)
    made = []
    for i in range(words):
        word = of[min(int(chance.paretovariate(0.6)), len(of)) - 1] if chance.random() < 0.5 else chance.choice(of)
        made.append(word.capitalize() if i % 12 == 0 else word)
        if i % 12 == 11:
            made[-1] += chance.choice([".", ".\n", "?", ".\n\n"])
        elif chance.random() < 0.08:
            made[-1] += ","
    return " ".join(made)


def documents(count: int, words: int = 400, seed: int = 100) -> list[tuple[Document, str]]:
    return [(Document(f"doc-{seed}-{n}"), text(seed * 1000 + n, words)) for n in range(count)]


def index_of(path: Path, batch: Sequence[tuple[Document, str]], key: IndexKey = KEY) -> Index:
    write_index(path, [part_of(key, batch)], key)
    return Index.open(path, Keys(key))
