"""Filters that read a text through its notation: what is JSON is read without its escapes and stays valid JSON.

An editor sees plain characters and says what becomes of them, in order. The filters here know how these characters
are written in the answer, so no editor has to.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from gateway.pipeline.channel import Channel
from gateway.pipeline.stage import Stopped, StreamFilter


@dataclass(frozen=True, slots=True)
class Edit:
    """What becomes of the next `count` characters: they stay (None), or `text` stands in their place. Or the answer
    stops before them: `stop` is the rule that says so."""

    count: int
    text: str | None = None
    stop: str = ""


class Editor(Protocol):
    """Decides on characters in order, at most `hold_chars` of them late."""

    @property
    def hold_chars(self) -> int: ...

    def push(self, text: str) -> Sequence[Edit]:
        """What becomes of the characters that have been decided on; nothing comes after a stop."""
        ...

    def flush(self) -> Sequence[Edit]:
        """What becomes of all that are left."""
        ...


def filtered(editor: Editor, channel: Channel) -> StreamFilter:
    """The filter that does what an editor says on a channel."""
    return JsonFilter(editor) if channel.is_json else PlainFilter(editor)


class PlainFilter:
    """A text in which every character stands for itself."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._held = ""
        self.hold_chars = editor.hold_chars

    def push(self, text: str) -> str:
        self._held += text
        return self._written(self._editor.push(text))

    def flush(self) -> str:
        return self._written(self._editor.flush())

    def _written(self, edits: Sequence[Edit]) -> str:
        parts: list[str] = []
        at = 0
        for edit in edits:
            if edit.stop:
                raise Stopped(edit.stop, "".join(parts))
            parts.append(self._held[at : at + edit.count] if edit.text is None else edit.text)
            at += edit.count
        self._held = self._held[at:]
        return "".join(parts)


_ESCAPE_CHARS = 12
"""The longest notation of one character: two halves of a surrogate pair."""
_UNFINISHED = re.compile(r"\\(?:u[0-9a-fA-F]{0,3}|u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?)?\Z")
_WRITTEN = re.compile(
    r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\([^u])|(.)", re.DOTALL
)
_NAMED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_DIGIT = re.compile(r"[0-9]")
_QUOTE = re.compile(r"(?<!\\)\"")
_OUTSIDE = re.compile(
    r"(?:rue|ue|alse|lse|se|ull|ll|l)?(?:[ \t\r\n{}\[\],:\"0-9+\-.eE]|true|false|null)*"
    r"(?:t|tr|tru|f|fa|fal|fals|n|nu|nul)?"
)
"""What a document may have outside of its strings (RFC 8259), and any piece of that."""


_SIGNS = frozenset(' \t\r\n{}[],:"0123456789+-.')
_LITERALS = ("true", "false", "null")
_LETTERS = string.ascii_letters
_WORD_CHARS = 5
"""The longest literal."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """One character as it is written. `inside`: it belongs to a string, so that another text may take its place."""

    written: str
    inside: bool


def _goes_on(before: str, written: str) -> bool:
    """Whether a document may go on so outside of its strings, behind what was written there."""
    if written in _SIGNS:
        return True
    word = before[len(before.rstrip(_LETTERS)) :] + written
    return any(literal.startswith(word) for literal in _LITERALS) or (written in "eE" and before[-1:].isdigit())


class JsonFilter:
    """A JSON document. What stands inside of its strings is replaced; digits of its numbers become nines. What should
    be a document and is none is replaced wherever it is no JSON."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._pending = ""
        self._units: list[_Unit] = []
        self._in_string = False
        # What stands before the first unit, as it was written.
        self._before = ""
        self._has_strayed = False
        self.hold_chars = _ESCAPE_CHARS * (editor.hold_chars + 1)

    def push(self, text: str) -> str:
        text = self._pending + text
        # A backslash begins an escape if an even number of them stands before it, so the tail is read from the left.
        end = _complete(text)
        self._pending = text[end:]
        return self._written(self._editor.push(self._read(text[:end])))

    def flush(self) -> str:
        rest = "".join(self._take(character, character) for character in self._pending)
        self._pending = ""
        decided = self._written(self._editor.push(rest)) if rest else ""
        try:
            return decided + self._written(self._editor.flush())
        except Stopped as stopped:
            raise Stopped(stopped.rule, decided + stopped.before) from None

    def _read(self, text: str) -> str:
        """The characters that the document means, noting how each is written."""
        if "\\" not in text and '"' not in text:
            self._units += [_Unit(character, self._in_string) for character in text]
            return text
        return "".join(self._take(_meant(match), match[0]) for match in _WRITTEN.finditer(text))

    def _take(self, character: str, written: str) -> str:
        is_quote = written == '"'
        self._units.append(_Unit(written, self._in_string and not is_quote))
        if is_quote:
            self._in_string = not self._in_string
        return character

    def _written(self, edits: Sequence[Edit]) -> str:
        parts: list[str] = []
        at = 0
        for edit in edits:
            if edit.stop:
                raise Stopped(edit.stop, "".join(parts))
            units = self._units[at : at + edit.count]
            if edit.text == "":
                parts.append(self._emptied(units))
            else:
                self._has_strayed = self._has_strayed and not units
                parts.append("".join(u.written for u in units) if edit.text is None else _replaced(units, edit.text))
            self._before = (self._before + "".join(u.written for u in units[-_WORD_CHARS:]))[-_WORD_CHARS:]
            at += edit.count
        del self._units[:at]
        return "".join(parts)

    def _emptied(self, units: Sequence[_Unit]) -> str:
        """What stays where nothing is said: what makes the document, as long as it is one. Such edits may be pieces of
        one, cut anywhere, so each character is judged by those before it alone."""
        kept, before = [], self._before
        for unit in units:
            is_outside = not unit.inside
            self._has_strayed = self._has_strayed or (is_outside and not _goes_on(before, unit.written))
            if is_outside and (not self._has_strayed or unit.written == '"'):
                kept.append(_DIGIT.sub("9", unit.written))
            before = (before + unit.written)[-_WORD_CHARS:]
        return "".join(kept)


def _complete(text: str) -> int:
    """How many characters at the start of a text are whole notations, whatever follows."""
    if "\\" not in text[-_ESCAPE_CHARS:]:
        return len(text)
    at = 0
    # The escapes of the text in order: an even number of backslashes before one must not be taken apart.
    while (at := text.find("\\", at)) >= 0:
        if _UNFINISHED.match(text, at):
            return at
        match = _WRITTEN.match(text, at)
        at = match.end() if match else at + 1
    return len(text)


def _meant(match: re.Match[str]) -> str:
    high, low, single, named, plain = match.groups()
    if plain:
        return str(plain)
    if named:
        return _NAMED.get(named, str(named))
    if single:
        code = int(single, 16)
        # Half of a surrogate pair is no character.
        return "\ufffd" if 0xD800 <= code < 0xE000 else chr(code)
    return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)


def _replaced(units: Sequence[_Unit], text: str) -> str:
    """The units with the text in place of what they say, once; what makes the document stays.

    Outside of strings a document has signs and numbers only. Whatever else stands there makes it no JSON, and is
    replaced like any text.
    """
    written = json.dumps(text, ensure_ascii=False)[1:-1]
    if not any(unit.inside for unit in units):
        outside = "".join(unit.written for unit in units)
        return _DIGIT.sub("9", outside) if _OUTSIDE.fullmatch(outside) else text
    parts, is_said = [], False
    for inside, group in groupby(units, key=lambda unit: unit.inside):
        outside = "" if inside else "".join(unit.written for unit in group)
        if outside and _OUTSIDE.fullmatch(outside):
            parts.append(_DIGIT.sub("9", outside))
            continue
        if not is_said:
            parts.append(written)
            is_said = True
        # Where strings end is known by their quotes, whatever else is wrong.
        parts.append("".join(_QUOTE.findall(outside)))
    return "".join(parts)


class Wordless:
    """For the tokens of log probabilities where texts are masked or blocked: a token leaves before anybody knows
    whether the text that it is a piece of may. Its figures stay, its text does not."""

    hold_chars = 0

    def push(self, text: str) -> str:
        return ""

    def flush(self) -> str:
        return ""
