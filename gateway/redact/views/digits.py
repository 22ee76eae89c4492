"""Numbers taken apart: `3 7 8 2 …`, `4111/1111/1111/1111`, broken over lines, or in words ("four one double one").

Put together, the digits of any table, date or version would look like somebody's number. So runs are put together only
in the shapes in which people write one number, and what is then found counts only if a checksum says so, or if the
digits were written or spoken one by one and are as many as a phone number has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from gateway.pipeline.span import Span
from gateway.redact.pieces import pieces
from gateway.redact.views.spoken import LETTERS
from gateway.redact.views.view import Edit, View, disjoint, edited

GROUPS, SINGLE, SAID = "normal:digits", "normal:digits:single", "normal:digits:said"
_CHECKED = frozenset({"CREDIT_CARD", "IBAN_CODE"})
"""Types that their own checksum tells from any other number."""
_NUMBERED = frozenset(
    {
        "PHONE_NUMBER", "PL_PESEL", "IN_AADHAAR", "AU_ABN", "AU_TFN", "AU_MEDICARE", "UK_NHS", "KR_RRN",
        "US_NPI", "US_ITIN", "DE_TAX_ID", "MEDICAL_LICENSE",
    }
)  # fmt: skip
_PHONE_DIGITS = 10
_SSN_DIGITS = 9
_MIN_DIGITS, _MAX_DIGITS = 7, 34
_CARD_DIGITS = range(13, 20)
_CARDS = frozenset({(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (4, 4, 4, 1), (4, 5, 6), (5, 5, 5), (8, 8)})
_DIGIT = re.compile(r"[0-9]")
_GAP = r"""[ \t._·•|/,;:\\"'+>\r\n-]{1,8}+"""
# What begins with one of few characters is looked for faster than what begins by looking behind.
_SPREAD = re.compile(rf"[0-9](?<![0-9A-Za-z][0-9])[0-9]*+(?:{_GAP}[0-9]++)++")
_IBAN = re.compile(
    rf"[A-Z](?<![0-9A-Za-z][A-Z])[A-Z][0-9]{{2}}(?:{_GAP}[A-Z0-9]{{4}}(?![A-Z0-9])){{2,7}}(?:{_GAP}[A-Z0-9]{{1,3}})?(?![A-Z0-9])"
)
_USUAL_GAPS = (" ", "-")
_SINGLE_GAPS = frozenset({" ", "  ", ".", "-", " - ", " . ", "·", "_", "|", "/"})
_PHONE_GAPS = (" ", "-", ".", "/", " - ")
_WRAP = re.compile(r"[ -]?\r?\n(?:> ?){0,3} {0,4}|\t")
_MAX_PHONE_DIGITS = 15
_SSN_NEAR = re.compile(r"\bssn\b|social security", re.IGNORECASE)
_NEAR_CHARS = 80
_IN_WORDS = {
    0: "zero oh nought null nul cero zéro",
    1: "one eins uno una un une um uma een één jeden",
    2: "two zwei zwo dos deux due dois duas twee dwa",
    3: "three drei tres trois tre três drie trzy",
    4: "four vier cuatro quatre quattro quatro cztery",
    5: "five fünf fuenf cinco cinq cinque vijf pięć",
    6: "six sechs seis sei zes sześć meia",
    7: "seven sieben siete sept sette sete zeven siedem",
    8: "eight acht ocho huit otto oito osiem",
    9: "nine neun nueve neuf nove negen dziewięć",
}
_VALUES = {word: digit for digit, words in _IN_WORDS.items() for word in words.split()}
_TIMES = {"double": 2, "doppel": 2, "doble": 2, "triple": 3, "treble": 3, "dubbel": 2}
_KNOWN = frozenset({*_VALUES, *_TIMES})
_IN_RUN = _KNOWN | {"o"}
_WORD = re.compile(rf"\b(?:{'|'.join(sorted(_KNOWN, key=len, reverse=True))}|o|[0-9]{{1,34}})\b", re.IGNORECASE)
_WORD_GAP = re.compile(r"[\s,.;/-]{1,4}")
_BREAKS = str.maketrans(",.;-/\n", "      ")
_MIN_WORDS = 4
_NEAR_WORDS = 8


def admits(view: View, span: Span) -> bool:
    """Whether a finding counts, given how its view was made."""
    if view.reading == LETTERS:
        return any(c.isalpha() or c == "@" for c in view.text[span.start : span.end])
    if view.reading != GROUPS:
        return True
    kinds = view.kinds(span)
    if not kinds & {GROUPS, SINGLE, SAID}:
        # Nothing here was put together, so the text as it is shows it too.
        return False
    if span.entity in _CHECKED:
        return True
    if GROUPS in kinds:
        return False
    digits = len(_DIGIT.findall(view.text[span.start : span.end]))
    if span.entity == "US_SSN":
        return digits == _SSN_DIGITS
    has_plus = view.text[max(0, span.start - 1) : span.start + 1].count("+") > 0
    return span.entity in _NUMBERED and (digits >= _PHONE_DIGITS or has_plus)


def collapsed(view: View) -> View | None:
    """A view with its numbers put together, if any is taken apart."""
    text = view.text
    edits = [*_spread(text), *_said(text)]
    if not edits:
        return None
    made = edited(view, disjoint(edits))
    made.reading = GROUPS
    return made


def _spread(text: str) -> Iterator[Edit]:
    if not _DIGIT.search(text):
        return
    for run in _SPREAD.finditer(text):
        # A longer run is a table or a column of numbers.
        if len(run[0]) <= _MAX_DIGITS * 9:
            yield from _run(text, run)
    for run in _IBAN.finditer(text):
        if set(re.findall(_GAP, run[0])) - {" "}:
            yield from _together(text, run.start(), run.end(), GROUPS)


def _run(text: str, run: re.Match[str]) -> Iterator[Edit]:
    sizes = tuple(len(digits) for digits in _DIGITS.findall(run[0]))
    gaps = set(re.findall(_GAP, run[0]))
    total = sum(sizes)
    if not _MIN_DIGITS <= total <= _MAX_DIGITS:
        return
    if _is_wrapped(text, run, gaps, total):
        yield from _together(text, run.start(), run.end(), SINGLE)
    elif max(sizes) == 1:
        if not _counts(_DIGIT.findall(run[0])):
            kind = SINGLE if len(gaps) == 1 and gaps <= _SINGLE_GAPS else GROUPS
            yield from _together(text, run.start(), run.end(), kind)
    elif _is_card(sizes, gaps) or (total in _CARD_DIGITS and len(sizes) <= 8 and any("\n" in gap for gap in gaps)):
        yield from _together(text, run.start(), run.end(), GROUPS)


_DIGITS = re.compile(r"[0-9]+")


def _is_wrapped(text: str, run: re.Match[str], gaps: set[str], total: int) -> bool:
    """A phone number with its country code that a line's end or a tab cuts in two."""
    if total > _MAX_PHONE_DIGITS or text[max(0, run.start() - 1) : run.start()] != "+":
        return False
    return any(map(_WRAP.fullmatch, gaps)) and all(gap in _PHONE_GAPS or _WRAP.fullmatch(gap) for gap in gaps)


def _is_card(sizes: tuple[int, ...], gaps: set[str]) -> bool:
    """As it is printed on a card, but not with the separators with which it is found anyway."""
    return sizes in _CARDS and not (len(gaps) == 1 and gaps <= set(_USUAL_GAPS))


def _counts(digits: Sequence[str]) -> bool:
    """1 2 3 4 5 6 7 8 9 0, or backwards, or one digit all along."""
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(digits)}
    return len(steps) == 1 and steps <= {0, 1, 9}


def _together(text: str, start: int, end: int, kind: str) -> Iterator[Edit]:
    """Letters and digits kept, everything else between them gone."""
    dashes = _dashes(text, start, sum(c.isdigit() for c in text[start:end]), kind)
    count = 0
    for at in range(start, end):
        kept = text[at] if text[at].isalnum() else ""
        count += len(kept)
        yield Edit(at, at + 1, kept + "-" if kept and count in dashes else kept, kind)


def _dashes(text: str, start: int, digits: int, kind: str) -> tuple[int, ...]:
    """After which digits a social security number has its dashes: without them it is nine digits like any others."""
    if kind == GROUPS or digits != _SSN_DIGITS:
        return ()
    return (3, 5) if _SSN_NEAR.search(text[max(0, start - _NEAR_CHARS) : start]) else ()


_RUN_CHARS = 256
"""More than the words have that show a run of digits."""


def _said(text: str) -> Iterator[Edit]:
    before = ""
    for piece in pieces(text):
        if _go_together((before + piece).lower().translate(_BREAKS).split()):
            break
        before = piece[-_RUN_CHARS:]
    else:
        return
    run: list[re.Match[str]] = []
    for word in _WORD.finditer(text):
        if run and not _WORD_GAP.fullmatch(text, run[-1].end(), word.start()):
            yield from _said_run(text, run)
            run = []
        run.append(word)
    yield from _said_run(text, run)


def _go_together(words: Sequence[str]) -> bool:
    """Whether enough words for digits stand near each other: in most texts that have some they do not.

    Of so many words in a row one is seen even if only every fourth is looked at.
    """
    if _IN_RUN.isdisjoint(words[::_MIN_WORDS]) and not any(word.isdigit() for word in words[::_MIN_WORDS]):
        return False
    for at in range(0, len(words), _MIN_WORDS):
        if words[at] in _IN_RUN or words[at].isdigit():
            near = words[max(0, at - _NEAR_WORDS) : at + _NEAR_WORDS]
            if sum(map(_KNOWN.__contains__, near)) >= _MIN_WORDS:
                return True
    return False


def _said_run(text: str, run: Sequence[re.Match[str]]) -> Iterator[Edit]:
    if sum(not word[0].isdigit() for word in run) < _MIN_WORDS:
        return
    meant = _meant(run)
    total = sum(map(len, meant))
    if not _MIN_DIGITS <= total <= _MAX_DIGITS or _counts("".join(meant)):
        return
    dashes = _dashes(text, run[0].start(), total, SAID)
    at, count = run[0].start(), 0
    for word, digits in zip(run, meant, strict=True):
        if at < word.start():
            yield Edit(at, word.start(), "", SAID)
        count += len(digits)
        yield Edit(word.start(), word.end(), digits + "-" if digits and count in dashes else digits, SAID)
        at = word.end()


def _meant(run: Sequence[re.Match[str]]) -> list[str]:
    """The digits of each word; "double" has none and gives the next word twice as many."""
    meant, times = [], 1
    for word in run:
        said = word[0].lower()
        if said in _TIMES:
            times = _TIMES[said]
            meant.append("")
            continue
        digits = said if said.isdigit() else str(_VALUES.get(said, 0))
        meant.append(digits * times if len(digits) == 1 else digits)
        times = 1
    return meant
