"""Whether a place of a Markdown text is within a fenced block of code, where no markup counts.

Fences are read by CommonMark 0.31, 4.5, also in list items (5.2). Renderers differ, and what comes before an answer
reaches one (scripts for formulas, front matter) differs more. So the first line that looks like a fence and is neither
an opening nor a closing one, or that somebody may take for something else, ends the trust: from there on nothing of
the answer counts as code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MARKER = re.compile(r"(?:[-*+]|(\d{1,9})[.)])(?=[ ]|\Z)")
_RULE = re.compile(r"(?:(?:\*[ ]*){3,}|(?:-[ ]*){3,})\Z")
_LIKE_FENCE = re.compile(r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])[\s>]+)*(?:`{3}|~{3})")
_OPENING = re.compile(r"(`{3,})[^`]*\Z|(~{3,})")
_WITHIN = re.compile(r"\s*(`{3,}|~{3,})(.*)", re.DOTALL)
_OTHER_BLOCK = re.compile(r"\s*(?:\$\$|\\\[|:::)")
_FORMULA = re.compile(r"\$\$|\\\[")
_FRONT_MATTER = re.compile(r"(?:---|\+\+\+|;;;)")
_LINE_END = re.compile("[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
"""What ends a line for some."""
_LINE_CHARS = 256
"""More of a line is not needed to tell what it is."""


@dataclass(frozen=True, slots=True)
class _Fence:
    sign: str
    count: int
    indent: int
    in_list: bool
    """Whether it may stand in a list item, which a line with less indentation would end, and the block with it."""

    def may_hold(self, line: str) -> bool:
        """Whether everybody takes the beginning of a line, and what follows, for code."""
        body = line.lstrip(" \t")
        if self.in_list and _width(line, body) < self.indent:
            return False
        match = _WITHIN.match(line)
        if match is not None:
            return match[1][0] == self.sign and len(match[1]) < self.count
        return _OTHER_BLOCK.match(line) is None

    def ends_at(self, line: str) -> bool:
        match = _WITHIN.match(line)
        if match is None or match[1][0] != self.sign or len(match[1]) < self.count or match[2].strip(" \t"):
            return False
        width = _width(line, line.lstrip(" \t"))
        return width <= 3 if not self.in_list else width == self.indent or self.indent <= width <= 3


class Fences:
    """Follows a text piece by piece."""

    def __init__(self) -> None:
        self._line = ""
        self._fence: _Fence | None = None
        self._is_lost = False
        self._is_first = True
        self._is_after_blank = True
        self._has_tag = False
        # Where the contents of the list items begin that may be open, in columns.
        self._offsets: list[int] = []

    @property
    def is_inside(self) -> bool:
        return self._fence is not None and not self._is_lost and self._fence.may_hold(self._line)

    def see(self, text: str) -> None:
        """The next piece of the text."""
        lines = text.split("\n")
        for line in lines[:-1]:
            self._add(line)
            self._end_line()
        self._add(lines[-1])

    def see_tag(self, *, is_block: bool) -> None:
        """A tag has been let through. Until the next empty line, renderers may take all for HTML; after one that opens
        or closes a block, some do so until its end."""
        self._has_tag = True
        self._is_lost = self._is_lost or is_block

    def _add(self, piece: str) -> None:
        if self._is_lost or not piece:
            return
        joined = self._line[-1:] + piece
        if _LINE_END.search(piece) or (self._fence is None and _FORMULA.search(joined)):
            self._is_lost = True
        line = self._line + piece
        # The last character is kept as well: with the next one it may begin a formula.
        self._line = line if len(line) <= _LINE_CHARS else line[: _LINE_CHARS - 1] + line[-1]

    def _end_line(self) -> None:
        line, self._line = self._line, ""
        if self._is_lost:
            return
        if self._fence is None:
            self._read(line)
        elif len(line) >= _LINE_CHARS and _WITHIN.match(line):
            # It begins as one that ends the block, and what it goes on with was not kept.
            self._is_lost = True
        elif self._fence.ends_at(line):
            self._fence = None
            self._is_after_blank = True
        elif line.strip():
            self._is_lost = not self._fence.may_hold(line)

    def _read(self, line: str) -> None:
        """A line outside of code."""
        if not line.strip():
            self._has_tag, self._is_after_blank = False, True
            return
        was_first, self._is_first = self._is_first, False
        if _OTHER_BLOCK.match(line) or (was_first and _FRONT_MATTER.match(line)):
            self._is_lost = True
            return
        if _LIKE_FENCE.match(line):
            self._fence = None if self._has_tag or len(line) >= _LINE_CHARS else self._opening(line)
            self._is_lost = self._fence is None
        else:
            self._contents(line, is_fence=False)
        self._is_after_blank = False

    def _opening(self, line: str) -> _Fence | None:
        body, width = self._contents(line, is_fence=True)
        base = self._offsets[-1] if self._offsets else 0
        match = _OPENING.match(body)
        if match is None or width - base > 3 or "\t" in line[: len(line) - len(body)]:
            return None
        signs = match[1] or match[2]
        return _Fence(signs[0], len(signs), width, bool(self._offsets))

    def _contents(self, line: str, *, is_fence: bool) -> tuple[str, int]:
        """What a line has behind the signs of list items, and in which column that begins."""
        text = line.expandtabs(4)
        body = text.lstrip(" ")
        width = len(text) - len(body)
        offsets, marker = self._offsets, _item(body)
        is_sibling = False
        # Without an empty line before it, a line of text may go on with a paragraph that it is not indented for.
        while offsets and offsets[-1] > width and (is_fence or self._is_after_blank or marker):
            offsets.pop()
            is_sibling = True
        while marker is not None and width - (offsets[-1] if offsets else 0) <= 3:
            rest = body[marker.end() :]
            if not (self._is_after_blank or is_sibling) and (not rest.strip() or marker[1] not in (None, "1")):
                # These do not end a paragraph.
                break
            body = rest.lstrip(" ")
            spaces = len(rest) - len(body)
            width += marker.end() + (spaces if 1 <= spaces <= 4 and body else 1)
            body = rest[1:] if spaces > 4 else body
            offsets.append(width)
            marker, is_sibling = _item(body), True
        return body, width


def _item(body: str) -> re.Match[str] | None:
    """The sign of a list item at the beginning of a line."""
    return None if _RULE.match(body) else _MARKER.match(body)


def _width(line: str, body: str) -> int:
    return len(line[: len(line) - len(body)].expandtabs(4))
