"""Stand-ins for people: a name of the same shape, language and gender, part by part.

Each part of a name has one stand-in in the whole exchange, so that "Anna Berg" and "Anna" stay the same person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.redact.surrogate.draw import Draw
from gateway.redact.surrogate.lexicon import Entry, Lexicon
from gateway.redact.surrogate.lists import NAMES, PARTICLES, TITLES

Pieces = tuple[tuple[str, str], ...]

_PART = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_GAP = re.compile(r"(?:[ \u00a0\n.,\-‐‑–]{0,3}|['’]s)")
_POSSESSIVE = re.compile(r"['’]s$")
_MAX_PARTS = 7
_MIN_CHARS = 2
_LEAST_ALONE = 3
"""Parts of names that are shorter are not looked for by themselves."""
_LETTERS = {"pl": "ąęłńśźż", "de": "äöüß", "es": "ñ", "pt": "ãõ", "fr": "çèêëîâœ", "it": "ìò"}


@dataclass(frozen=True, slots=True, repr=False)
class _Part:
    """A word of a name or what stands between two of them. `role`: kept, initial, given or family."""

    text: str
    role: str


class People:
    """The parts of names in one exchange and their stand-ins."""

    __slots__ = ("_by_part", "_draw", "_lexicon", "_refused", "_used")

    def __init__(self, draw: Draw, lexicon: Lexicon, refused: Callable[[str], bool]) -> None:
        """`refused`: whether a word stands in the prompt, so that it can stand for nobody."""
        self._draw = draw
        self._lexicon = lexicon
        self._refused = refused
        self._by_part: dict[str, str] = {}
        self._used: set[str] = set()

    def pieces(self, name: str) -> Pieces | None:
        """The stand-in of a name and the name, piece by piece. None if this is not a name that can be read."""
        parts = _read(name)
        if parts is None:
            return None
        words = [part.text for part in parts if part.role in ("given", "family")]
        language, woman = _language(words, name), self._is_woman(words, name)
        made: list[tuple[str, str]] = []
        for part in parts:
            stand_in: str | None = part.text
            if part.role == "initial":
                stand_in = self._initial(part.text)
            elif part.role != "kept":
                stand_in = self.part(part.text, part.role == "given", language, woman)
            if stand_in is None:
                return None
            made.append((stand_in, part.text))
        return tuple(made)

    def register(self, pieces: Pieces) -> None:
        """Make the forms in which a model may write a whole name known: turned around, and with an initial."""
        self._lexicon.add(Entry("".join(a for a, _ in pieces), "".join(b for _, b in pieces), pieces))
        words = [i for i, (a, b) in enumerate(pieces) if a != b]
        if len(words) < 2 or any("," in a for a, _ in pieces) or len(pieces[words[0]][0]) == 1:
            return
        first, last = pieces[words[0]], pieces[words[-1]]
        turned = (last, (", ", ", "), *pieces[words[0] : words[-1] - 1])
        short = ((first[0][0], first[1][0]), (". ", ". "), last)
        for form in (turned, short):
            self._lexicon.add(Entry("".join(a for a, _ in form), "".join(b for _, b in form), form))

    def part(self, word: str, given: bool, language: str = "", woman: bool = False) -> str | None:
        """The stand-in of one part of a name, in the same case. None if there is none left."""
        key = word.casefold()
        if key not in self._by_part:
            chosen = self._choose(key, word, given, language or _language([word], word), woman)
            if chosen is None:
                return None
            self._by_part[key] = chosen
            self._used.add(chosen.casefold())
            if len(word) >= _LEAST_ALONE:
                self._lexicon.add(Entry(chosen, word, ((chosen, word),), lower=False))
        return _cased(self._by_part[key], word)

    def is_given(self, word: str) -> bool:
        """Whether a word is one of the given names that are known here."""
        return any(word.casefold() in map(str.casefold, (*n.women, *n.men)) for n in NAMES.values())

    def _choose(self, key: str, word: str, given: bool, language: str, woman: bool) -> str | None:
        wanted = NAMES[language]
        lists = [wanted, *(names for code, names in NAMES.items() if code not in ("ru", "el", language))]
        if _script(word) != "latin":
            lists = [wanted]
        kind = ("woman" if woman else "man") if given else "family"
        for names in lists:
            options = (names.women if woman else names.men) if given else names.families
            for name in self._draw.order(kind, key, options):
                folded = name.casefold()
                if folded not in self._used and folded not in self._by_part and not self._refused(name):
                    return name
        return None

    def _initial(self, letter: str) -> str | None:
        alphabet = {"latin": "ABCDEFGHJKLMNOPRSTVW", "ru": "АБВГДЕИКЛМНПРСТ", "el": "ΑΒΓΔΕΘΚΛΜΝΠΡΣΤ"}[_script(letter)]
        for other in self._draw.order("initial", letter.casefold(), alphabet):
            if other != letter.upper():
                return _cased(other, letter)
        return None

    def _is_woman(self, words: Sequence[str], name: str) -> bool:
        for word in words:
            for names in NAMES.values():
                if word.capitalize() in names.women:
                    return True
                if word.capitalize() in names.men:
                    return False
        first = words[0].casefold() if words else ""
        return first.endswith(("a", "а", "я", "α", "η", "ie", "lle", "tte")) or name.startswith(("Ms", "Mrs", "Frau"))

    def __repr__(self) -> str:
        return "<People>"


def _read(name: str) -> list[_Part] | None:
    matches = list(_PART.finditer(name))
    if not 1 <= len(matches) <= _MAX_PARTS:
        return None
    parts, at, groups = [], 0, [0]
    for match in matches:
        gap, word = name[at : match.start()], match[0]
        ending = _POSSESSIVE.search(word)
        word = word[: ending.start()] if ending else word
        if not _GAP.fullmatch(gap) or not word or not _script(word):
            return None
        parts += [_Part(gap, "kept")] if gap else []
        groups += [groups[-1] + (1 if " " in gap else 0)] * (1 + bool(gap))
        parts.append(_Part(word, "name"))
        at = match.start() + len(word)
    if not _GAP.fullmatch(name[at:]):
        return None
    parts += [_Part(name[at:], "kept")] if name[at:] else []
    read = _with_roles(parts, groups[1:], name)
    return read if any(part.role in ("given", "family") for part in read) else None


def _with_roles(parts: Sequence[_Part], groups: Sequence[int], name: str) -> list[_Part]:
    """Before a comma stands the family's name, else at the end; what is no part of the name is kept."""
    own = [i for i, part in enumerate(parts) if part.role == "name" and _is_own(part.text)]
    last = groups[own[-1]] if own else 0
    comma = name.find(",")
    read, at = [], 0
    for index, part in enumerate(parts):
        role = "kept"
        if index in own:
            is_family = (at < comma) if comma > 0 else groups[index] == last
            role = "initial" if len(part.text) < _MIN_CHARS else "family" if is_family else "given"
            if len(own) == 1 and not _follows_title(parts, index):
                role = "initial" if len(part.text) < _MIN_CHARS else "given" if _is_known(part.text) else "family"
        read.append(_Part(part.text, role))
        at += len(part.text)
    return read


def _follows_title(parts: Sequence[_Part], index: int) -> bool:
    return any(part.text.casefold() in TITLES for part in parts[:index])


def _is_own(word: str) -> bool:
    return word.casefold() not in TITLES and not (word.islower() and word in PARTICLES)


def _is_known(word: str) -> bool:
    name = word.capitalize()
    return any(name in names.women or name in names.men for names in NAMES.values()) or name.endswith(("a", "e", "ie"))


def _language(words: Sequence[str], name: str) -> str:
    """The language whose names these are, by its lists, its letters or its particles; English if none tells."""
    if (script := _script(name)) != "latin" and script:
        return script
    for word in words:
        for code, names in NAMES.items():
            if word.capitalize() in names.women + names.men + names.families:
                return code
    folded = name.casefold()
    for code, letters in _LETTERS.items():
        if any(letter in folded for letter in letters):
            return code
    for code, particles in (("nl", ("van ", "de jong", "ten ")), ("de", ("von ", "zu ")), ("it", ("di ", "della "))):
        if any(particle in folded for particle in particles):
            return code
    return "en"


def _script(text: str) -> str:
    """latin, ru (Cyrillic), el (Greek), or nothing for scripts of which there are no names here."""
    letter = next((c for c in text if c.isalpha()), "")
    if letter and (letter < "\u0250" or "\u1e00" <= letter < "\u1f00"):
        return "latin"
    if "\u0400" <= letter < "\u0530":
        return "ru"
    if "\u0370" <= letter < "\u0400":
        return "el"
    return ""


def _cased(name: str, like: str) -> str:
    if like.isupper() and (len(like) > 1 or len(name) == 1):
        return name.upper()
    return name.lower() if like.islower() else name
