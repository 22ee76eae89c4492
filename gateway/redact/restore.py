"""The filter that puts the user's own values back into an answer. One pass: what it inserts is not read again."""

from __future__ import annotations

import html
import json
from collections.abc import Callable

from gateway.pipeline.channel import Channel
from gateway.redact.placeholder import CONTEXT_CHARS, Escape, Grammar, Mention
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


class RestoreFilter:
    """Holds back what may still become a placeholder, at most `hold_chars`."""

    def __init__(self, vault: Vault, grammar: Grammar, channel: Channel) -> None:
        self._vault = vault
        self._grammar = grammar
        self._json = JsonWatch(channel.is_json)
        self._text = ""
        # How many characters at the start of `_text` have left already: they are kept as context of word bounds.
        self._left = 0
        self.hold_chars = grammar.hold_chars

    def push(self, text: str) -> str:
        self._text += text
        parts: list[str] = []
        position = self._left
        for found in self._grammar.scan(self._text, position):
            end = found.start if isinstance(found, Mention) else found
            self._take(parts, position, end)
            if isinstance(found, Mention):
                parts.append(self._value(found))
                position = found.end
            else:
                position = end
        self._keep(position)
        return "".join(parts)

    def flush(self) -> str:
        parts: list[str] = []
        position = self._left
        for mention in self._grammar.mentions(self._text):
            if mention.start >= position:
                self._take(parts, position, mention.start)
                parts.append(self._value(mention))
                position = mention.end
        self._take(parts, position, len(self._text))
        self._keep(len(self._text))
        return "".join(parts)

    def _take(self, parts: list[str], start: int, end: int) -> None:
        if piece := self._text[start:end]:
            self._json.see(piece)
            parts.append(piece)

    def _keep(self, position: int) -> None:
        context = max(0, position - CONTEXT_CHARS)
        self._text = self._text[context:]
        self._left = position - context

    def _value(self, mention: Mention) -> str:
        value = self._vault.value(mention.entity, mention.number)
        if value is None:
            # Not ours: it stays as it is.
            self._json.see(self._text[mention.start : mention.end])
            return self._text[mention.start : mention.end]
        if self._vault.is_verbatim(mention.entity, mention.number):
            return value
        return self._escape(mention.escape)(value)

    def _escape(self, escape: Escape) -> Callable[[str], str]:
        if escape is Escape.JSON or self._json.is_json:
            return in_json
        if escape is Escape.HTML:
            return lambda value: html.escape(value, quote=False)
        return str
