"""How letters and chats name people: salutations, signatures, titles, introductions, "my landlord …"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.redact.conversation.common import COMMON
from gateway.redact.pieces import PIECE_CHARS, matches, pieces
from gateway.redact.structure.cues import (
    CUES_OF_SIGNATURES,
    INTRODUCTION_WORDS,
    INTRODUCTIONS,
    RELATION_WORDS,
    RELATIONS,
    SALUTATION_WORDS,
    SALUTATIONS,
    SIGNATURE_WORDS,
    TITLE_WORDS,
    WEAK_INTRODUCTION_WORDS,
    WEAK_INTRODUCTIONS,
    is_no_name,
)
from gateway.redact.structure.found import LIKELY, Found
from gateway.redact.structure.name_shapes import NAME, TITLE, is_personal

_TITLED = re.compile(rf"(?<![\w-])({TITLE})[ \u00a0](?:{TITLE}[ \u00a0])*({NAME})")
_SALUTED = re.compile(rf"(?<![\w-])(?:{SALUTATIONS})[ ](?:{TITLE}[ ])*({NAME})(?=[ ]?[,!:.\n–-]|$)")
_SIGNED = re.compile(
    rf"(?:^|(?<=[.!?\n] ))(?i:{CUES_OF_SIGNATURES})[ ]{{0,2}}[,.!–-]?[ \r]{{0,3}}\n\s{{0,8}}"
    rf"(?:[-–] ?)?(?:{TITLE}[ ])*({NAME})[ \r]*(?=\n|,|\(|$)",
    re.M,
)
_LOWER_NAME = r"[^\W\d_]{2,20}"
_ENDS = r"(?=[ ]?(?:[.,;!?\n)]|and |from |und |aus |et |y |e |$))"
_INTRODUCED = re.compile(
    rf"(?<![\w-])(?i:{INTRODUCTIONS})[ :]{{1,2}}(?:({NAME})|({_LOWER_NAME})(?:[ ]({_LOWER_NAME}))?{_ENDS})"
)
_WEAKLY_INTRODUCED = re.compile(rf"(?<![\w-])(?i:{WEAK_INTRODUCTIONS})[ ]({NAME}){_ENDS}")
_RELATED = re.compile(rf"(?<![\w-])(?i:{RELATIONS})[ ,]{{1,2}}(?:({NAME})|({_LOWER_NAME})(?![\w'’-]))")
_TITLES_OF_POLES = frozenset({"Pan", "Pana", "Panu", "Pani", "Panią"})
_POLISH = re.compile("[ąćęłńśźżĄĆĘŁŃŚŹŻ]")
_WORD = re.compile(r"[^\W\d_]+")
_ABBREVIATION_CHARS = 4
_SIGNATURE_CHARS = 512
"""More than a signature with its cue has."""


def find_letters(text: str) -> Iterator[Found]:
    words = frozenset(word for piece in pieces(text) for word in piece.lower().translate(_PUNCTUATION).split())
    for cues, kind in _KINDS:
        if not words.isdisjoint(cues):
            yield from kind(text)


def _titled(text: str) -> Iterator[Found]:
    for match in matches(_TITLED, text):
        if match[1] not in _TITLES_OF_POLES or _POLISH.search(text, max(0, match.start() - 200), match.end() + 200):
            yield from _name(match, 2)


def _saluted(text: str) -> Iterator[Found]:
    for match in matches(_SALUTED, text):
        yield from _name(match, 1)


def _signed(text: str) -> Iterator[Found]:
    at = 0
    while at < len(text):
        match = _SIGNED.search(text, at, at + PIECE_CHARS + _SIGNATURE_CHARS)
        if match is None or match.start() >= at + PIECE_CHARS:
            at += PIECE_CHARS
            continue
        yield from _name(match, 1)
        # "thanks" above "Cheers" is a signature above a signature.
        at = match.start(1)


def _introduced(text: str) -> Iterator[Found]:
    for match in matches(_INTRODUCED, text):
        yield from _name(match, 1)
        if match[2] is not None and not is_no_name(match[2]):
            last = 3 if match[3] is not None and not is_no_name(match[3], everyday=True) else 2
            yield Found(match.start(2), match.end(last), "PERSON", LIKELY)


def _weakly_introduced(text: str) -> Iterator[Found]:
    for match in matches(_WEAKLY_INTRODUCED, text):
        if not is_no_name(match[1].split()[0].casefold(), everyday=True):
            yield from _name(match, 1)


def _related(text: str) -> Iterator[Found]:
    for match in matches(_RELATED, text):
        yield from _name(match, 1)
        if match[2] is not None and match[2].islower() and not is_no_name(match[2]):
            yield Found(*match.span(2), "PERSON", LIKELY)


def _name(match: re.Match[str], group: int) -> Iterator[Found]:
    name = match[group]
    if name is None or not is_personal(name):
        return
    words = name.split()
    # "Patient MRN 0048": an abbreviation.
    if len(words) == 1 and name.isupper() and len(name) <= _ABBREVIATION_CHARS:
        return
    # "Dear Will," names somebody and "Dear Customer," nobody; a lone common word is neither after a relation.
    if len(words) == 1 and words[0].casefold() in COMMON and match.re is _RELATED:
        return
    yield Found(*match.span(group), "PERSON", LIKELY)


_PUNCTUATION = str.maketrans(dict.fromkeys(".,;:!?()[]\"'’*_-<>/\u00a0", " "))
_KINDS = (
    (TITLE_WORDS, _titled),
    (SALUTATION_WORDS, _saluted),
    (SIGNATURE_WORDS, _signed),
    (INTRODUCTION_WORDS, _introduced),
    (WEAK_INTRODUCTION_WORDS, _weakly_introduced),
    (RELATION_WORDS, _related),
)
"""Each kind with the words of which it needs one: most texts have none, and looking for words is cheap."""
