"""What the prompt of one exchange has said so far, and what has been given out: nothing of it may stand for a value."""

from __future__ import annotations

import re

from gateway.redact.surrogate.lexicon import ENDINGS, bare, fold

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+")
_SEPARATED = re.compile(r"(?<=[^\W_])[ \t\u00a0.\-()/]{1,3}(?=[^\W_])")
_LEAST_VALUE = 3


class Seen:
    """Texts and values of a prompt, and the stand-ins chosen for them. Texts are taken in when they are asked for."""

    __slots__ = ("_bare", "_folded", "_issued", "_unread", "_values", "_words")

    def __init__(self) -> None:
        self._issued: set[str] = set()
        self._unread: list[str] = []
        self._words: set[str] = set()
        self._folded: list[str] = []
        self._bare: list[str] = []
        self._values: dict[int, set[str]] = {}

    def __len__(self) -> int:
        """How many stand-ins have been given out."""
        return len(self._issued)

    def read(self, text: str) -> None:
        self._unread.append(text)

    def avoid(self, value: str) -> None:
        """Shorter values stand in too many words by chance."""
        if len(value) >= _LEAST_VALUE:
            self._values.setdefault(len(value), set()).add(fold(value))

    def issue(self, stand_in: str) -> None:
        self._issued.add(stand_in)

    def is_taken(self, stand_in: str) -> bool:
        """Whether another value has it, or the prompt says it, or it contains a value."""
        self._take_in()
        folded = fold(stand_in)
        if stand_in in self._issued or any(folded in text for text in self._folded):
            return True
        return any(
            folded[at : at + length] in values
            for length, values in self._values.items()
            for at in range(len(folded) - length + 1)
        )

    def says_number(self, number: str) -> bool:
        """Whether the letters and digits of a number stand in the prompt, however they are separated."""
        self._take_in()
        digits = bare(number)
        return any(digits in text for text in self._bare)

    def says_word(self, word: str) -> bool:
        """Whether a word stands in the prompt, with an ending or without, or a value within it."""
        self._take_in()
        folded = fold(word)
        if folded in self._words or any(folded + ending in self._words for ending in ENDINGS):
            return True
        return self.is_taken(word)

    def _take_in(self) -> None:
        for text in self._unread:
            folded = fold(text)
            self._words.update(_WORD.findall(folded))
            self._folded.append(folded)
            self._bare.append(_SEPARATED.sub("", text.lower()))
        self._unread.clear()

    def __repr__(self) -> str:
        return "<Seen>"
