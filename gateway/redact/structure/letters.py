"""How letters and chats name people: salutations, signatures, titles, introductions, "my landlord …"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

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
_MAY_BE_TITLED = re.compile(r"[MHDFSPAI](?<![\w-].)")
_MAY_BE_SALUTED = re.compile(r"[ABCDEGHKLMOPQSTW](?<![\w-].)")
"""Where the patterns above can match: to look for the first letters takes a fraction of the time."""
_OF_INTRODUCTIONS = (
    "name is|name's|name ist|heiße|heisse|appelle|nom est|nom de|llamo|nombre es|nombre de|chiamo|nome è|nome é|chamo|"
    "heet|naam is|nazywam|imię|heter|hedder|named|called|llamad|nommé|namens|namen von|behalf of|nome di|nome de"
).split("|")
"""One of these is in each introduction."""
_OF_WEAK_INTRODUCTIONS = "i am |i'm |i’m |this is |je suis |soy |sono |sou |ik ben |jestem |ich bin ".split("|")
_SMALL_FIRSTS = "dae"
"""Small letters with which a name may begin: d'Arc, al-Said, el-Said."""
_OWNERS = tuple(
    """my his her our their your mein meine meinen meinem meiner unser unsere mon ma notre mi nuestro nuestra mio mia
    meu minha mijn onze mój moja moim moją""".split()
)
"""What stands before whoever is somebody's relation, with no more than one word between them."""
_OWNER_CHARS = 24
_OF_NOBODYS = "patient pat. witness zeug onkel tante uncle aunt detective nurse judge".split()
"""Of those that need no owner."""


def find_letters(text: str) -> Iterator[Found]:
    cues = _CUES.intersection(_words(text))
    if not cues:
        return
    # Some letters are the same without regard to case, and yet have no small letter in common. Long texts are too long.
    is_even = len(text) <= PIECE_CHARS and (text.isascii() or not any(letter in text for letter in "ıİſ"))
    lowered = text.lower() if is_even else ""
    for kind in _KINDS:
        if not cues.isdisjoint(kind.cues) and (not is_even or kind.may_be(text, lowered, cues)):
            yield from kind.find(text)


def _words(text: str) -> list[str]:
    if len(text) <= PIECE_CHARS:
        return text.lower().translate(_PUNCTUATION).split()
    return [word for piece in pieces(text) for word in piece.lower().translate(_PUNCTUATION).split()]


def _matches(pattern: re.Pattern[str], begin: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """What `matches` gives for a pattern, every match of which begins with one of `begin`, and that has a character."""
    if len(text) > PIECE_CHARS:
        yield from matches(pattern, text)
        return
    after = 0
    for first in begin.finditer(text):
        start = first.start()
        if start >= after and (match := pattern.match(text, start)) is not None:
            after = match.end()
            yield match


def _titled(text: str) -> Iterator[Found]:
    for match in _matches(_TITLED, _MAY_BE_TITLED, text):
        if match[1] not in _TITLES_OF_POLES or _POLISH.search(text, max(0, match.start() - 200), match.end() + 200):
            yield from _name(match, 2)


def _saluted(text: str) -> Iterator[Found]:
    for match in _matches(_SALUTED, _MAY_BE_SALUTED, text):
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


def _may_always_be(_text: str, _lowered: str, _cues: frozenset[str]) -> bool:
    return True


def _may_be_signed(text: str, _lowered: str, _cues: frozenset[str]) -> bool:
    return "\n" in text


def _may_be_introduced(_text: str, lowered: str, _cues: frozenset[str]) -> bool:
    return any(said in lowered for said in _OF_INTRODUCTIONS)


def _may_be_weakly_introduced(text: str, lowered: str, _cues: frozenset[str]) -> bool:
    for said in _OF_WEAK_INTRODUCTIONS:
        at = lowered.find(said)
        while at >= 0:
            first = text[at + len(said) : at + len(said) + 1]
            if first in _SMALL_FIRSTS or not first.islower():
                return True
            at = lowered.find(said, at + 1)
    return False


def _may_be_related(_text: str, lowered: str, cues: frozenset[str]) -> bool:
    if any(said in lowered for said in _OF_NOBODYS):
        return True
    for relation in cues & RELATION_WORDS:
        at = lowered.find(" " + relation)
        while at >= 0:
            before = lowered[max(0, at - _OWNER_CHARS) : at].split(" ")[-2:]
            if any(word.endswith(_OWNERS) for word in before):
                return True
            at = lowered.find(" " + relation, at + 1)
    return False


class _Kind(NamedTuple):
    """`cues`: words of which a text needs one. `may_be`: what is seen at once in a short text, in the same with small
    letters, and in the cues that it has. Most texts have no cue, and looking for words is cheap."""

    cues: frozenset[str]
    may_be: Callable[[str, str, frozenset[str]], bool]
    find: Callable[[str], Iterator[Found]]


_PUNCTUATION = str.maketrans(dict.fromkeys(".,;:!?()[]\"'’*_-<>/\u00a0", " "))
_KINDS = (
    _Kind(TITLE_WORDS, _may_always_be, _titled),
    _Kind(SALUTATION_WORDS, _may_always_be, _saluted),
    _Kind(SIGNATURE_WORDS, _may_be_signed, _signed),
    _Kind(INTRODUCTION_WORDS, _may_be_introduced, _introduced),
    _Kind(WEAK_INTRODUCTION_WORDS, _may_be_weakly_introduced, _weakly_introduced),
    _Kind(RELATION_WORDS, _may_be_related, _related),
)
_CUES = frozenset[str]().union(*(kind.cues for kind in _KINDS))
