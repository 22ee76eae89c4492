"""Whether a place of a Markdown text is within a fenced block of code, where no markup counts.

Only what every renderer takes for a fence is one: three backticks at the very beginning of a line and a word at
most behind them, with no tag between it and the last empty line. Whatever may end the fence for somebody ends it.
"""

from __future__ import annotations

import re

_OPENING = re.compile(r"```[A-Za-z0-9_+#.\-]{0,30}[ ]?\Z")
_ENDING = re.compile(r"\s{0,40}(?:```|~~~|\$\$)")
_LINE_CHARS = 64
"""More of a line is not needed to tell what it is."""


class Fences:
    """Follows a text piece by piece."""

    def __init__(self) -> None:
        self.is_inside = False
        self._line = ""
        self._has_tag = False

    def see(self, text: str) -> None:
        """The next piece of the text."""
        lines = text.split("\n")
        for line in lines[:-1]:
            self._add(line)
            self._end_line()
        self._add(lines[-1])

    def see_tag(self) -> None:
        """A tag has been let through: until the next empty line, renderers may take all for HTML."""
        self._has_tag = True

    def _add(self, piece: str) -> None:
        if len(self._line) < _LINE_CHARS:
            self._line = (self._line + piece)[:_LINE_CHARS]

    def _end_line(self) -> None:
        line, self._line = self._line, ""
        if self.is_inside:
            self.is_inside = _ENDING.match(line) is None
        elif not line.strip():
            self._has_tag = False
        elif not self._has_tag:
            self.is_inside = _OPENING.match(line) is not None
