"""The words of a request, indexed once, so that thousands of values cost no more than one look-up each."""

from __future__ import annotations

import re

from gateway.pipeline.exchange import Deadline
from gateway.redact.conversation.folding import Folded

UNSPACED_SCRIPTS = 0x2E80
"""From here on scripts write words without spaces between them, so there are no word bounds to ask for."""
WORD = re.compile("[^\\W_\u2e80-\U0010ffff]+")
_WORDS_PER_CHECK = 1 << 13


class Words:
    """A text, its folded form, and where each of its words stands in that."""

    def __init__(self, given: str, deadline: Deadline) -> None:
        """Raises DeadlineExceeded."""
        deadline.left()
        folded = Folded(given)
        self.given = given
        self.text = folded.text
        self.origin = folded.origin
        self.places: dict[str, list[int]] = {}
        places = self.places
        for number, match in enumerate(WORD.finditer(self.text)):
            places.setdefault(match[0], []).append(match.start())
            if number % _WORDS_PER_CHECK == 0:
                deadline.left()


def words_of(key: str) -> list[tuple[str, int]]:
    """The words of a folded value and where they begin."""
    return [(match[0], match.start()) for match in WORD.finditer(key)]


def runs_on(left: str, right: str) -> bool:
    """Whether two neighbouring characters belong to one word."""
    return bool(left and right) and all(c.isalnum() and ord(c) < UNSPACED_SCRIPTS for c in (left, right))
