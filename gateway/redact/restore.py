"""The filter that puts the user's own values back into an answer. One pass: what it inserts is not read again."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator

from gateway.pipeline.channel import Channel
from gateway.redact.placeholder import CONTEXT_CHARS, Escape, Grammar, Mention
from gateway.redact.surrogate.lexicon import Lexicon, Stood
from gateway.redact.vault import Vault

_JSON_STARTS = ('{"', "{\n", "{ ", "{}", "[{", "[\n", '["', "[]")
_FENCE = "```json"
_JUDGED_CHARS = len(_FENCE)


def in_json(value: str) -> str:
    """A text as it stands between the quotes of a JSON string."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


class JsonWatch:
    """Tells whether a text is a JSON document, from how it begins (also inside a ```json fence)."""

    __slots__ = ("_head", "is_json")

    def __init__(self, is_json: bool) -> None:
        self.is_json = is_json
        self._head: str | None = None if is_json else ""

    def see(self, text: str) -> None:
        if self._head is None:
            return
        self._head = (self._head + text).lstrip()[:_JUDGED_CHARS]
        if self._head.startswith((*_JSON_STARTS, _FENCE)):
            self.is_json, self._head = True, None
        elif len(self._head) >= _JUDGED_CHARS:
            self._head = None


class Mentions:
    """Finds placeholders and surrogates in one pass, left to right. Where both begin together, the former counts."""

    def __init__(self, vault: Vault, grammar: Grammar) -> None:
        self._grammar = grammar
        self._lexicon = vault.surrogates.lexicon if vault.surrogates else Lexicon()
        self._has_surrogates = vault.surrogates is not None
        self.hold_chars = max(grammar.hold_chars, self._lexicon.hold_chars)

    def scan(self, text: str, position: int, *, final: bool) -> Iterator[Mention | Stood | int]:
        """Mentions from `position` on that no further text can change, then the offset from which text may still
        become part of one (the length of the text if there is none). `final`: no more text follows."""
        if not self._has_surrogates:
            yield from self._placeholders(text, position, final=final)
            return
        placeholder: Mention | int = -1
        surrogate: Stood | int = -1
        while True:
            if _start(placeholder) < position:
                placeholder = self._grammar.next(text, position, final=final)
            if _start(surrogate) < position:
                surrogate = self._lexicon.next(text, position, final=final)
            found = placeholder if _start(placeholder) <= _start(surrogate) else surrogate
            yield found
            if isinstance(found, int):
                return
            position = found.end

    def _placeholders(self, text: str, position: int, *, final: bool) -> Iterator[Mention | int]:
        while not isinstance(found := self._grammar.next(text, position, final=final), int):
            yield found
            position = found.end
        yield found


def _start(found: Mention | Stood | int) -> int:
    return found if isinstance(found, int) else found.start


def plainly_restored(text: str, vault: Vault, grammar: Grammar) -> str:
    """A complete text with its values put back as they are, in no notation."""
    parts, at = [], 0
    for found in Mentions(vault, grammar).scan(text, 0, final=True):
        if not isinstance(found, int):
            value = found.value if isinstance(found, Stood) else vault.value(found.entity, found.number)
            parts += [text[at : found.start], text[found.start : found.end] if value is None else value]
            at = found.end
    return "".join([*parts, text[at:]])


class RestoreFilter:
    """Holds back what may still become a placeholder or a surrogate, at most `hold_chars`."""

    def __init__(self, vault: Vault, grammar: Grammar, channel: Channel) -> None:
        self._vault = vault
        self._mentions = Mentions(vault, grammar)
        self._json = JsonWatch(channel.is_json)
        self._text = ""
        # How many characters at the start of `_text` have left already: they are kept as context of word bounds.
        self._left = 0
        self.hold_chars = self._mentions.hold_chars

    def push(self, text: str) -> str:
        self._text += text
        return self._pass_on(final=False)

    def flush(self) -> str:
        return self._pass_on(final=True)

    def _pass_on(self, *, final: bool) -> str:
        parts: list[str] = []
        position = self._left
        for found in self._mentions.scan(self._text, position, final=final):
            end = _start(found)
            self._take(parts, position, end)
            position = end
            if not isinstance(found, int):
                parts.append(self._value(found))
                position = found.end
        self._keep(position)
        return "".join(parts)

    def _take(self, parts: list[str], start: int, end: int) -> None:
        if piece := self._text[start:end]:
            self._json.see(piece)
            parts.append(piece)

    def _keep(self, position: int) -> None:
        context = max(0, position - CONTEXT_CHARS)
        self._text = self._text[context:]
        self._left = position - context

    def _value(self, found: Mention | Stood) -> str:
        if isinstance(found, Stood):
            return self._escape(Escape.NONE)(found.value)
        value = self._vault.value(found.entity, found.number)
        if value is None:
            # Not ours: it stays as it is.
            self._json.see(self._text[found.start : found.end])
            return self._text[found.start : found.end]
        if self._vault.is_verbatim(found.entity, found.number):
            return value
        return self._escape(found.escape)(value)

    def _escape(self, escape: Escape) -> Callable[[str], str]:
        if escape is Escape.JSON or self._json.is_json:
            return in_json
        if escape is Escape.HTML:
            return lambda value: html.escape(value, quote=False)
        return str
