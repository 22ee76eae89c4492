"""What the model was told: its own words are nothing new when an answer repeats them.

Kept in the exchange and gone with it. The texts are those after redaction, so no value of the vault is among them.
"""

from __future__ import annotations

import re
from functools import cached_property

from gateway.pipeline.exchange import Exchange
from gateway.pipeline.prompt import Prompt

_CANONICAL = re.compile(r"<([A-Z][A-Z0-9_]*)_([1-9][0-9]{0,5})>")
_SEPARATORS = re.compile(r"[\s\-./()]+")
_LETTERS = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\+?\d[\d\s\-./()]{5,60}\d")
_LONG_BLOCK, _SHORT_BLOCK = 8, 4
_MOST_PLACES = 16
_NUMBER_DIGITS = 7
"""Numbers with fewer digits identify nobody."""


class PromptTexts:
    """The texts of a prompt as the model sees them, made comparable when they are first asked for."""

    def __init__(self, texts: tuple[str, ...]) -> None:
        self._texts = texts

    @cached_property
    def folded(self) -> str:
        """All texts in one, without regard to case, spaces being all alike."""
        return " ".join("\n".join(self._texts).casefold().split())

    @cached_property
    def letters(self) -> str:
        """All letters and digits, without regard to case and to what stands between them."""
        return "".join(_LETTERS.findall(self.folded))

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The digits of each long number, however it is grouped."""
        return frozenset(_digits(match[0]) for text in self._texts for match in _NUMBER.finditer(text))

    @cached_property
    def placeholders(self) -> re.Pattern[str] | None:
        """Finds the placeholders of the prompt in an answer, in every form in which they are given back."""
        found = {match.groups() for text in self._texts if "<" in text for match in _CANONICAL.finditer(text)}
        if not found:
            return None
        forms = "|".join(
            name.replace("_", r"(?:\\?_|[ -])") + r"(?:\\?_|[ -])" + number
            for name, number in sorted(found, key=lambda one: (-len(one[0]), one))
        )
        opener, closer = r"(?:<|&lt;|\\u003c)[ ]?", r"(?:[ ]?(?:>|&gt;|\\u003e))?"
        return re.compile(rf"(?:{opener}|(?<![A-Za-z0-9_]))(?:{forms})(?![0-9]){closer}", re.IGNORECASE)

    def say(self, value: str) -> bool:
        """Whether a value stands in the prompt as a whole, in whatever case; a number, however it is grouped."""
        folded = " ".join(value.casefold().split())
        if not folded:
            return True
        if _stands(folded, self.folded):
            return True
        digits = _digits(value)
        # Numbers with letters in them are compared as they are.
        return (
            len(digits) >= _NUMBER_DIGITS
            and digits == _SEPARATORS.sub("", value).lstrip("+")
            and (digits in self.numbers)
        )

    def repeats(self, letters: str, least: int) -> bool:
        """Whether `least` letters in a row (at least 8) are also in the prompt's letters."""
        size = _LONG_BLOCK if least >= 2 * _LONG_BLOCK - 1 else _SHORT_BLOCK
        if len(letters) < least or len(self.letters) < least:
            return False
        blocks = self._long_blocks if size == _LONG_BLOCK else self._short_blocks
        # As many in a row hold a whole block of the prompt, wherever they begin in it.
        for at in range(len(letters) - size + 1):
            for place in blocks.get(letters[at : at + size], ()):
                if self._shared(letters, at, place, size, least) >= least:
                    return True
        return False

    @cached_property
    def _long_blocks(self) -> dict[str, list[int]]:
        return _blocks(self.letters, _LONG_BLOCK)

    @cached_property
    def _short_blocks(self) -> dict[str, list[int]]:
        return _blocks(self.letters, _SHORT_BLOCK)

    def _shared(self, letters: str, at: int, place: int, size: int, least: int) -> int:
        """How many letters around two equal blocks are equal, no more than matter."""
        ours, count = self.letters, size
        back = 1
        while count < least and back <= min(at, place) and letters[at - back] == ours[place - back]:
            back, count = back + 1, count + 1
        forth = size
        longest = min(len(letters) - at, len(ours) - place)
        while count < least and forth < longest and letters[at + forth] == ours[place + forth]:
            forth, count = forth + 1, count + 1
        return count


def _blocks(letters: str, size: int) -> dict[str, list[int]]:
    """Where each block of a text cut into blocks stands; of those that are everywhere, some places."""
    places: dict[str, list[int]] = {}
    for at in range(0, len(letters) - size + 1, size):
        known = places.setdefault(letters[at : at + size], [])
        if len(known) < _MOST_PLACES:
            known.append(at)
    return places


def _stands(value: str, text: str) -> bool:
    at = text.find(value)
    while at >= 0:
        end = at + len(value)
        inner_left = at > 0 and value[0].isalnum() and text[at - 1].isalnum()
        inner_right = end < len(text) and value[-1].isalnum() and text[end].isalnum()
        if not (inner_left or inner_right):
            return True
        at = text.find(value, at + 1)
    return False


def _digits(text: str) -> str:
    return "".join(character for character in text if character in "0123456789")


def read(prompt: Prompt, exchange: Exchange) -> None:
    """Keep the prompt's texts for the time of its answer."""
    exchange.keep(PromptTexts(tuple(segment.text for segment in prompt.segments)))


def texts_of(exchange: Exchange) -> PromptTexts:
    """The prompt's texts; none if nobody has kept them."""
    return exchange.kept(PromptTexts) or PromptTexts(())
