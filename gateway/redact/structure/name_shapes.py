"""How names of persons are written: the shapes that all kinds of structure share."""

from __future__ import annotations

import re

from gateway.redact.conversation.common import COMMON, PARTICLES, TITLES
from gateway.redact.precision.vocabulary import GENERIC, PRODUCTS

_UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĘĚĞĢĪİĶŁĻĽŃŅŇŐŒŘŚŞŠŢŤŪŮŰŹŻŽΑ-ΩА-Я"
_CORE = r"[^\W\d_]+(?:['’\-][^\W\d_]+)*"
_CAPITAL = rf"(?:[{_UPPER}]\.(?:[ -]?[{_UPPER}]\.)*|(?:[OD]['’]|d['’]|al-|el-)?[{_UPPER}]{_CORE}|[{_UPPER}][^\W\d_]+)"
_PARTICLE = r"(?:von|van|vom|zu|zur|der|den|ter|ten|de|del|della|di|da|das|do|dos|du|la|le|bin|ibn|bint|al|el|st\.|y|e)"
NAME = rf"{_CAPITAL}(?:[ ](?:{_PARTICLE}[ ]){{0,3}}{_CAPITAL}){{0,3}}"
"""One to four capitalised words, with particles, hyphens, apostrophes and initials."""
TITLE = (
    r"(?:M(?:r|rs|s|x)\b\.?|Miss\b|Dr\.?(?:[ -]?(?:med|phil|jur|ing|rer\. nat|h\.c|dent)\.?)?|Prof\b\.?|Professor\b|"
    r"Herrn?\b|"
    r"Frau\b|Hr\.|Fr\.|M(?:me|lle)\b\.?|Mgr\.?|Madame\b|Monsieur\b|M\.|Maître\b|Sr(?:a|ta)?\.|Señora?\b|"
    r"Señorita\b|"
    r"Do[nñ]a\b|Don\b|D\.[ª]?|Dott(?:\.ssa|\.)?|Sig(?:\.ra|\.na|\.)?|Signora?\b|Avv\.|Ing\.|Senhora?\b|Dhr\.?|Mevr\.?|"
    r"Mevrouw\b|Meneer\b|Panią?\b|Pana\b|Panu\b|Pan\b|Sir\b|Dame\b)"
)
FULL_NAME = re.compile(NAME)
_ANY_NAME = re.compile(rf"(?:{TITLE}\s)*({_CORE}\.?(?:[ ]{_CORE}\.?){{0,4}})")
_REVERSED = re.compile(rf"{_CORE}(?:[ ]{_CORE}){{0,2}},[ ]?{_CORE}\.?(?:[ ]{_CORE}\.?){{0,2}}")
_WORDS = re.compile(r"[^\W\d_]+")
_THINGS = frozenset(
    """portal safety care satisfaction data record records history protection privacy experience statement box
    inc ltd gmbh llc corp co ag sa bv nv srl spa plc kg team group services service support department dept office
    company bank university school hospital hotel restaurant shop store market center centre museum church street
    road avenue lane park bridge airport station product widget pro plus premium basic deluxe edition version
    report project plan system server client app application module package library framework database table column
    index test default manager management engineer developer assistant director administrator operator supervisor
    controller engine factory builder view page site website news letter list file folder document image picture
    photo video audio chair desk lamp mouse keyboard monitor laptop cable case bag shoes shirt coffee tea pizza
    burger soup chicken salad cake apple juice unknown anonymous undefined everyone everybody nobody someone there
    folks guys friends colleagues kollegen zusammen tous toutes todos tutti iedereen allen wszyscy sir madam valued
    customer customers client clients applicant colleague colleagues neighbor neighbour kunde kundin kunden
    president präsident bürgermeister minister chairman speaker direktor doktor cliente clientes hiring recruiter
    committee members parents students""".split()
)


def is_personal(name: str) -> bool:
    """Whether a string of the right shape may be somebody's name: not all of its words are words of another kind."""
    words = [word.casefold() for word in _WORDS.findall(name)]
    if not words or any(word in _THINGS for word in words):
        return False
    return not all(word in GENERIC or word in PRODUCTS or word in TITLES for word in words)


def is_everyday(name: str) -> bool:
    """Whether any word of a name is a common word too."""
    return any(word.casefold() in COMMON and word.casefold() not in PARTICLES for word in _WORDS.findall(name))


def full_match(value: str) -> bool:
    """Whether a value is written like a name with at least two capitalised words."""
    return " " in value and bool(FULL_NAME.fullmatch(value)) and is_personal(value)


def name_in(value: str) -> tuple[int, int] | None:
    """Where the name stands in the value of a field for names, in whatever case; without a title before it."""
    if not 2 <= len(value) <= 60:
        return None
    match = _ANY_NAME.fullmatch(value)
    if match is None:
        return (0, len(value)) if _REVERSED.fullmatch(value) else None
    return match.span(1) if is_personal(match[1]) else None
