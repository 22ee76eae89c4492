"""Long texts in pieces: nobody can interrupt what C code does with a text, so other requests would wait for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

PIECE_CHARS = 1 << 15
"""What takes well below a millisecond to fold, translate or split."""
MATCH_CHARS = 2048
"""More than any match has that is looked for in pieces."""
_SPACE = re.compile(r"\s")


def pieces(text: str) -> Iterator[str]:
    """The text in order, cut at white space where there is any."""
    start = 0
    while len(text) - start > 2 * PIECE_CHARS:
        space = _SPACE.search(text, start + PIECE_CHARS, start + 2 * PIECE_CHARS)
        end = space.start() if space else start + PIECE_CHARS
        yield text[start:end]
        start = end
    yield text[start:]


def matches(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """What `pattern.finditer(text)` gives, for matches of at most MATCH_CHARS, with a pause between pieces."""
    at = 0
    while at < len(text):
        end = after = at + PIECE_CHARS
        for match in pattern.finditer(text, at, end + MATCH_CHARS):
            if match.start() >= end:
                break
            after = max(end, match.end())
            yield match
        at = after
