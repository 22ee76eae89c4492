"""Fills the templates of `templates/` with generated names and values.

A template is a line of text with slots, `{P}`, and choices, `[one|another|]`; "\\n" is a line break. What a slot stands
for is in `Filler`; the label of a piece is "P", "L", "O" or "" for what is no name.
"""

import random
import re
from functools import cache
from pathlib import Path

from models.ner import pools
from models.ner.corpus import Pieces
from models.ner.pools import listed
from models.ner.values import Values, words

TEMPLATES = Path(__file__).parent / "templates"
SLOT = re.compile(r"\{([A-Za-z]+)\}")
Node = str | tuple[str] | list["list[Node]"]

LANGUAGES = {
    "en": "en_US en_GB en_IE en_NZ en_IN en en_KE en_US en_GB",
    "de": "de_DE de_AT de_CH de_DE tr_TR",
    "fr": "fr_FR fr_BE fr_CA fr_CH fr_DZ fr_FR",
    "es": "es_ES es_MX es_AR es_CO es_CL es_ES",
    "it": "it_IT it_IT it_IT",
    "pt": "pt_PT pt_BR",
    "north": "da_DK sv_SE no_NO fi_FI da_DK sv_SE",
    "east": "nl_NL nl_BE pl_PL cs_CZ tr_TR hu_HU ro_RO hr_HR id_ID x_in nl_NL pl_PL",
    "forms": "en_US en_GB de_DE fr_FR es_ES it_IT pt_BR nl_NL pl_PL sv_SE x_in x_ko x_zh x_ar x_af tr_TR ru_RU en",
    "negatives": "en_US",
}
TITLES = {
    "de": "Familie,Frau,Herr,Frau,Herr,Frau Dr.,Herr Dr.,Hr.,Fr.,Herrn",
    "fr": "Mme,M.,Madame,Monsieur,Mlle,Mme.,Maître",
    "es": "Sra.,Sr.,Señor,Señora,Don,Doña,la señora,D.",
    "it": "Sig.,Sig.ra,Signora,Signor,Dott.,Dottoressa,Avv.",
    "pt": "Sra.,Sr.,Senhor,Senhora,Dona,Dr.,Dra.",
    "north": "fru,hr.,herr,Fru,Hr.,frøken",
    "east": "Pani,Pan,dhr.,mevr.,mevrouw,meneer,pani,pan,paní",
}


def parse(line: str) -> list[Node]:
    """A template as nested lists: strings, slots as tuples, choices as lists of alternatives."""
    line = line.replace("\\n", "\n").replace("\\t", "\t")
    nodes, at = _sequence(line, 0, False)
    if at != len(line):
        raise ValueError(f"unbalanced template: {line!r}")
    return nodes


def _bracket(line: str, at: int) -> int:
    """The end of the choice that begins at `at`, or -1 where the bracket is only a bracket."""
    depth, choice = 0, False
    for place in range(at, len(line)):
        depth += (line[place] == "[") - (line[place] == "]")
        choice |= depth == 1 and line[place] == "|"
        if depth == 0:
            return place if choice else -1
    return -1


def _text(string: str) -> list[Node]:
    parts = SLOT.split(string)
    return [part if n % 2 == 0 else (part,) for n, part in enumerate(parts) if part or n % 2]


def _sequence(line: str, at: int, inside: bool) -> tuple[list[Node], int]:
    nodes: list[Node] = []
    plain = ""
    while at < len(line) and not (inside and line[at] in "|]"):
        if line[at] == "[" and _bracket(line, at) > 0:
            nodes += _text(plain)
            plain, choices = "", []
            while line[at] in "[|":
                inner, at = _sequence(line, at + 1, True)
                choices.append(inner)
            nodes.append(choices)
            at += 1
            continue
        if inside and line[at] == "[":
            end = line.index("]", at)
            plain, at = plain + line[at : end + 1], end + 1
            continue
        plain, at = plain + line[at], at + 1
    return nodes + _text(plain), at


@cache
def templates() -> dict[str, list[list[Node]]]:
    return {
        path.stem: [parse(line) for line in path.read_text("utf-8").splitlines() if line]
        for path in sorted(TEMPLATES.glob("*.txt"))
    }


ORG_ENDS, STREET_ENDS = listed("org_ends"), listed("street_ends")
EXTRAS = "Apt. {}|Suite {}|Flat {}|P.O. Box {}|Unit {}|{}. OG|Top {}"
PARTICLES = "van |van der |de |von |di |da |O'|Mc|al-|El |bin "


class Filler(Values):
    """Makes labelled pieces out of templates; all chance comes from `rng`."""

    def __init__(self, rng: random.Random, mentions: dict[str, list[str]], nouns: list[str]) -> None:
        super().__init__(rng, nouns)
        self.mentions = mentions
        self.people = pools.people()
        self.locales = sorted(self.people)
        self.places, self.place_weights = pools.cities()
        self.addresses = pools.addresses()
        self._cities: list[str] = []
        self._locale, self._group, self._last = "en_US", "en", ("Ann", "Lee")

    def fill(self, group: str) -> Pieces:
        rng = self.rng
        choice = rng.random()
        own = LANGUAGES[group].split()
        self._group, self.english = group, group == "en"
        self._locale = rng.choice(own) if choice < 0.6 else rng.choice(self.locales)
        made: Pieces = []
        self._expand(rng.choice(templates()[group]), made)
        return made

    def _expand(self, nodes: list[Node], made: Pieces) -> None:
        for node in nodes:
            if isinstance(node, str):
                made.append((node, ""))
            elif isinstance(node, tuple):
                made.extend(self.slot(node[0]))
            else:
                self._expand(self.rng.choice(node), made)

    def slot(self, name: str) -> Pieces:
        named = getattr(self, f"_slot_{name}", None)
        if named is not None:
            return named()
        return [(self.value(name), "")]

    def first(self) -> str:
        rng = self.rng
        if rng.random() < 0.08:
            return rng.choice(pools.NICKNAMES)
        locale = self._locale if rng.random() < 0.85 else rng.choice(self.locales)
        name = rng.choice(self.people.get(locale, self.people["en"])[0])
        return f"{name}-{rng.choice(self.people[rng.choice(self.locales)][0])}" if rng.random() < 0.02 else name

    def last(self) -> str:
        rng = self.rng
        locale = self._locale if rng.random() < 0.85 else rng.choice(self.locales)
        choices = self.people.get(locale, self.people["en"])[1]
        name = rng.choice(choices)
        if rng.random() < 0.12:
            other = rng.choice(choices)
            name = name[: max(2, len(name) // 2)] + other[len(other) // 2 :].lower()
        elif rng.random() < 0.03:
            name = f"{name}-{rng.choice(choices)}"
        elif rng.random() < 0.03:
            name = rng.choice(PARTICLES.split("|")) + name
        return name

    def full(self) -> str:
        rng, first, last = self.rng, self.first(), self.last()
        self._last = (first, last)
        kind = rng.random()
        if self._locale in {"x_ko", "x_zh", "hu_HU"} and kind < 0.6:
            return f"{last} {first}"
        if kind < 0.78:
            return f"{first} {last}"
        if kind < 0.83:
            return f"{first} {rng.choice('ABCDEFGHJKLMNPRSTW')}. {last}"
        if kind < 0.87:
            return f"{first[0]}. {last}"
        if kind < 0.93:
            return f"{first} {self.first()} {last}"
        if kind < 0.96:
            return f"{first} {last} {self.last()}"
        return rng.choice(self.mentions["P"])

    def _slot_P(self) -> Pieces:
        return [(self.full(), "P")]

    def _slot_F(self) -> Pieces:
        return [(self.first(), "P")]

    def _slot_N(self) -> Pieces:
        return [(self.last(), "P")]

    def _slot_PF(self) -> Pieces:
        return [(self.first() if self.rng.random() < 0.7 else self.full(), "P")]

    def _slot_LF(self) -> Pieces:
        return [(f"{self.last()}, {self.first()}", "P")]

    def _slot_W(self) -> Pieces:
        name = self.rng.choice(pools.WORDLIKE) if self.rng.random() < 0.6 else self.first().lower()
        return [(name, "P")]

    def _slot_T(self) -> Pieces:
        titles = TITLES.get(self._group)
        if titles is None or self.rng.random() < 0.15:
            return [(self.full(), "P")]
        name = self.last() if self.rng.random() < 0.75 else self.full()
        return [(f"{self.rng.choice(titles.split(','))} {name}", "P")]

    def city(self) -> str:
        if not self._cities:
            self._cities = self.rng.choices(self.places, self.place_weights, k=1000)
            self._cities += self.rng.choices(self.places, k=300)
            self.rng.shuffle(self._cities)
        return self._cities.pop()

    def _slot_C(self) -> Pieces:
        return [(self.city(), "L")]

    def _slot_K(self) -> Pieces:
        return [(self.rng.choice(pools.countries()), "L")]

    def _slot_L(self) -> Pieces:
        kind = self.rng.random()
        if kind < 0.5:
            return self._slot_C()
        return self._slot_K() if kind < 0.85 else [(self.rng.choice(self.mentions["L"]), "L")]

    def _slot_S(self) -> Pieces:
        return [(self.street(), "L")]

    def street(self) -> str:
        rng, pool = self.rng, self._pool()
        if rng.random() < 0.3:
            name = rng.choice((self.last(), self.city(), rng.choice(words()).title()))
            return f"{rng.randint(1, 999)} {name} {rng.choice(STREET_ENDS)}"
        if rng.random() < 0.15:
            named = rng.choice(pool["street_name"] or pool["street"])
            return f"{rng.randint(1, 9999)} {named} {rng.randint(1, 999)}{rng.choice(('', '', ' St', '.'))}"
        return rng.choice(pool["street"]).replace("\n", ", ")

    def _pool(self) -> dict[str, list[str]]:
        pool = self.addresses.get(self._locale)
        if pool is None or self.rng.random() < 0.3:
            return self.addresses[self.rng.choice(sorted(self.addresses))]
        return pool

    def address(self, gap: str) -> str:
        rng, pool = self.rng, self._pool()
        kind = rng.random()
        if kind < 0.04:
            return f"the corner of {self.street()} and {self.last()} {rng.choice(STREET_ENDS)}"
        if kind < 0.35:
            return rng.choice(pool["addr"]).replace("\n", gap)
        street, code, city = self.street(), rng.choice(pool["zip"]), self.city()
        if kind < 0.6:
            return f"{street}{gap}{code} {city}"
        if kind < 0.7:
            return f"{street}{gap}{city}{gap}{rng.choice(pools.countries())} {code}"
        if kind < 0.78:
            return f"{street}{gap}{city} {code}"
        extra = rng.choice(EXTRAS.split("|")).format(rng.randint(1, 999))
        return f"{street}{gap}{extra}{gap}{city}{gap}{rng.choice(pools.countries())} {code}"

    def _slot_A(self) -> Pieces:
        return [(self.address(", " if self.rng.random() < 0.85 else " "), "L")]

    def _slot_AM(self) -> Pieces:
        return [(self.address(self.rng.choice(("\n", "\n", "\n "))), "L")]

    def _slot_O(self) -> Pieces:
        rng, kind = self.rng, self.rng.random()
        if kind < 0.4:
            return [(rng.choice(self._pool()["org"] or ["Acme"]), "O")]
        if kind < 0.75:
            return [(rng.choice(self.mentions["O"]), "O")]
        word, other = rng.choice(words()).title(), rng.choice(words()).title()
        head = rng.choice((self.last(), self.city(), word, f"{word} {other}"))
        return [(f"{head} {rng.choice(ORG_ENDS)}", "O")]

    def _value_email(self) -> str:
        first, last = self._last if self.rng.random() < 0.7 else (self.first(), self.last())
        return self.address_of(first, last)

    def _value_zip(self) -> str:
        return self.rng.choice(self._pool()["zip"])

    def _value_job(self) -> str:
        return self.rng.choice(self._pool()["job"] or ["Engineer"]).split(",")[0]
