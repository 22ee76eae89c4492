"""Characters that nobody sees: they carry messages past a reader, and disguise what the other filters look for.

Removed: control characters but for tabs and the ends of lines; tag characters but for the flags of England, Scotland
and Wales; variation selectors that have nothing to vary; zero-width characters that the writing around them does not
use; soft hyphens; directions without any right-to-left text. That is all that Unicode 16.0 calls ignorable by default.
Kept: what emoji, flags, Persian, the writings of India, Hebrew and Arabic are made of, one character at a time. Two of
them in a row are no writing, and within what an address, a number or a key is made of none is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from gateway.guard.edits import Edit, filtered
from gateway.pipeline.channel import Channel, Field
from gateway.pipeline.exchange import Exchange
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.stage import StreamFilter

_FLAG = "\U0001f3f4"
_FLAG_TAGS = tuple(
    "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f" for region in ("gbeng", "gbsct", "gbwls")
)
"""RGI_Emoji_Tag_Sequence, Unicode Emoji 16.0: these three and no others."""
_JOINERS = "\u200c\u200d"
_MARKS = "\u200e\u200f\u061c"
_DIRECTIONS = "\u202a\u202b\u202c\u2066\u2067\u2068\u2069"
_OVERRIDES = "\u202d\u202e"
_CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_TAGS = "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_BLANKS = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
)
_RARE = "\U0001d173-\U0001d17a\U0001bca0-\U0001bca3"
_INVISIBLE = re.compile(
    f"[{_JOINERS}{_MARKS}{_DIRECTIONS}{_OVERRIDES}{_SELECTORS}{_BLANKS}{_RARE}{_CONTROLS}{_TAGS}{_FLAG}]"
)
_CONTROL = re.compile(f"[{_CONTROLS}]")
"""All of them that ASCII has."""
_JOINING = re.compile(
    "[\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc\U00010f00-\U00010fff\U00011000-\U0001193f]"
)
"""Arabic, Syriac and their like, the writings of India, Tibetan, Myanmar, Khmer, Mongolian."""
_UNSPACED = re.compile("[\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Writings without spaces, where a zero-width space says where a word ends."""
_IDEOGRAPH = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_KEYCAPS = "0123456789#*"
_KEYCAP = "\u20e3"
_TOKEN = re.compile(r"[A-Za-z0-9@._+\-]")
"""What values are made of that somebody else looks for."""


class InvisibleStage:
    """Removes invisible characters from every text of an answer."""

    name = "invisible"

    def on_request(self, prompt: Prompt, exchange: Exchange) -> Prompt:
        return prompt

    def open(self, exchange: Exchange, channel: Channel) -> StreamFilter:
        def note(kind: str) -> None:
            exchange.found("invisible", kind, "remove")

        if channel.field is Field.LOGPROBS:
            return _Tokens(note)
        return filtered(InvisibleEditor(note), channel)


class InvisibleEditor:
    """Decides on each invisible character by the visible one before it. A run that is removed is noted once."""

    hold_chars = len(_FLAG_TAGS[0])

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._held = ""
        self._before = ""
        """The last character that stays."""
        self._visible = ""
        self._is_right_to_left = False
        self._last_removed = ""

    def push(self, text: str) -> list[Edit]:
        return self._edits(self._held + text, final=False)

    def flush(self) -> list[Edit]:
        return self._edits(self._held, final=True)

    def _edits(self, text: str, *, final: bool) -> list[Edit]:
        edits: list[Edit] = []
        at = 0
        invisible = _CONTROL if text.isascii() else _INVISIBLE
        while match := invisible.search(text, at):
            start = match.start()
            self._see(text[at:start])
            edits.append(Edit(start - at))
            at = start
            if text[start] == _FLAG:
                length = _flag_length(text, start, final=final)
                if length is None:
                    self._held = text[start:]
                    return edits
                self._see(_FLAG)
                edits.append(Edit(length))
                at += length
                continue
            if start + 1 == len(text) and not final and self._needs_next():
                self._held = text[start:]
                return edits
            edits.append(self._decide(text[start], text[start + 1 : start + 2]))
            at += 1
        self._see(text[at:])
        edits.append(Edit(len(text) - at))
        self._held = ""
        return edits

    def _see(self, text: str) -> None:
        if text:
            self._before = self._visible = text[-1]
            if not self._is_right_to_left and not text.isascii():
                self._is_right_to_left = _RIGHT_TO_LEFT.search(text) is not None
            self._last_removed = ""

    def _needs_next(self) -> bool:
        """Whether what follows a character tells whether it stays."""
        return _TOKEN.match(self._visible) is not None or self._visible in _KEYCAPS

    def _decide(self, character: str, following: str) -> Edit:
        if self._may_stay(character) and not (self._needs_next() and _hides(character, following)):
            self._before, self._last_removed = character, ""
            return Edit(1)
        kind = _kind(character)
        if kind != self._last_removed:
            self._note(kind)
        self._last_removed = kind
        return Edit(1, "")

    def _may_stay(self, character: str) -> bool:
        before, visible = self._before, self._visible
        if character == "\u200d" and (_is_emoji(visible) and before in (visible, "\ufe0f")):
            return True
        if not visible or before != visible:
            return False
        if character in _JOINERS:
            return _JOINING.match(visible) is not None and not visible.isdecimal()
        if _is_selector(character):
            return _varies(visible, character)
        if character in _MARKS or character in _DIRECTIONS:
            return self._is_right_to_left
        if character == "\u200b":
            return _UNSPACED.match(visible) is not None and not visible.isdecimal()
        return "\u180b" <= character <= "\u180f" and "\u1800" <= visible <= "\u18af"


class _Tokens:
    """Tokens of log probabilities come one by one and are no text: of those with tags nothing is kept of the tags."""

    hold_chars = 0

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note

    def push(self, text: str) -> str:
        kept = re.sub("[\U000e0000-\U000e0fff]", "", text)
        if kept != text:
            self._note("tags")
        return kept

    def flush(self) -> str:
        return ""


def _hides(character: str, following: str) -> bool:
    """Whether a character stands within a value, for all that can be told from what is next to it."""
    if _is_selector(character):
        return following != _KEYCAP
    return _TOKEN.match(following) is not None or _INVISIBLE.match(following) is not None


def _flag_length(text: str, at: int, *, final: bool) -> int | None:
    """How many characters of a flag stay; None: more text is needed."""
    rest = text[at + 1 : at + 1 + len(_FLAG_TAGS[0])]
    if rest in _FLAG_TAGS:
        return 1 + len(rest)
    if not final and at + 1 + len(rest) == len(text) and any(tags.startswith(rest) for tags in _FLAG_TAGS):
        return None
    return 1


def _is_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _varies(visible: str, selector: str) -> bool:
    """Whether a character has variants of that kind (StandardizedVariants.txt, emoji-variation-sequences.txt)."""
    if selector >= "\U000e0100":
        return _IDEOGRAPH.match(visible) is not None
    if selector in "\ufe0e\ufe0f":
        return visible in _KEYCAPS or _is_emoji(visible)
    category = unicodedata.category(visible)
    return category in ("Sm", "So") or _IDEOGRAPH.match(visible) is not None or "\u1000" <= visible <= "\u109f"


def _is_emoji(character: str) -> bool:
    """Symbols, modifiers of skin colour, and the two signs of punctuation among the emoji."""
    return character != "" and (unicodedata.category(character) in ("So", "Sk", "Sm") or character in "\u203c\u2049")


def _kind(character: str) -> str:
    if _is_selector(character):
        return "variation_selectors"
    if "\U000e0000" <= character <= "\U000e0fff":
        return "tags"
    if unicodedata.category(character) == "Cc":
        return "controls"
    if character in _DIRECTIONS or character in _OVERRIDES or character in _MARKS:
        return "directions"
    return "zero_width"
