"""Kinds of personal data as rows of tables: a pattern, what checks a match, and the words that speak for it.

One recognizer class serves all rows. A row's pattern may begin with words that are not part of what is found (`ssn: `
before a number); `\\K` ends them, and whoever filters texts before matching may leave the `\\K` out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer

Check = Callable[[str], bool]

AFTER_WORD = r"(?<![^\W_])"
"""Not within a word; `_` separates words, as in `user_ssn`."""
NUMBER_GAP = r"[^\n\d]{0,24}?"
"""Between a word that announces a number and the number: anything short that is no digit."""
LABEL_GAP = (
    r"(?:[ \t]{0,3}(?:(?:numbers?|nummer|num[ée]ro|n[úu]mero|numer|no|nr|num|id|code|is|was|ist"
    r"|lautet|est|es|è|é|jest)\b\.?"
    r"|n[°ºo]|[.:=#|\"'`\-–(])){0,4}[ \t\"'`]{0,4}"
)
"""The same before values that may begin with letters: only words and signs that belong to a label."""
END = r"(?![^\W_])"
"""What a value must not run on into."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of value. `check` rejects matches that it denies; if `certain`, a match that it accepts scores 1.

    `score` counts where there is no check or it is not certain; `context` raises it by 0.35.
    """

    entity: str
    name: str
    pattern: str
    score: float = 0.6
    check: Check | None = None
    certain: bool = True
    context: tuple[str, ...] = ()


class CheckedRecognizer(PatternRecognizer):
    """A pattern whose matches are checked, for instance by their check digits."""

    def __init__(self, row: Row, check: Check, language: str) -> None:
        super().__init__(
            supported_entity=row.entity,
            name=row.name,
            supported_language=language,
            patterns=[_pattern(row)],
            context=list(row.context),
        )
        self._check = check
        self._accepted = True if row.certain else None

    def validate_result(self, pattern_text: str) -> bool | None:
        return self._accepted if self._check(pattern_text) else False


def recognizers(rows: Iterable[Row], language: str) -> list[EntityRecognizer]:
    """A recognizer for each row."""
    return [_recognizer(row, language) for row in rows]


def _recognizer(row: Row, language: str) -> EntityRecognizer:
    if row.check is not None:
        return CheckedRecognizer(row, row.check, language)
    return PatternRecognizer(
        supported_entity=row.entity,
        name=row.name,
        supported_language=language,
        patterns=[_pattern(row)],
        context=list(row.context),
    )


class _ShippedPattern(Pattern):
    """Presidio compiles each pattern to see whether it can be, without the flags with which it is then used, so that
    all are compiled twice: half a second of each start. What ships is compiled by the tests."""

    def __init__(self, row: Row) -> None:
        self.name, self.regex, self.score = row.name, row.pattern, row.score
        self.compiled_regex = self.compiled_with_flags = None


def _pattern(row: Row) -> Pattern:
    return _ShippedPattern(row)


def keyed(words: str, value: str, gap: str = NUMBER_GAP) -> str:
    """A pattern for a value after one of some words (a pattern, too), which are not part of what is found."""
    whole = r"(?![^\W\d_])" if gap is LABEL_GAP else ""
    return rf"{AFTER_WORD}(?:{words}){whole}{gap}\K(?:{value}){END}"


def after(entity: str, name: str, words: str, value: str, check: Check | None = None, gap: str = NUMBER_GAP) -> Row:
    """A row for a value that only the words before it tell from others."""
    return Row(entity, name, keyed(words, value, gap), 0.75, check)


def cased(pattern: str) -> str:
    """The pattern with regard to case, which Presidio ignores by default."""
    return rf"(?-i:{pattern})"


def digits(text: str) -> str:
    """The digits of a text."""
    return "".join(character for character in text if character in "0123456789")


def joined(text: str) -> str:
    """The letters and digits of a text, in upper case: how checks of numbers want them."""
    return "".join(character for character in text if character.isalnum()).upper()
