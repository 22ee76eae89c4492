"""Invented people. Each request has one of its own, so that a value found anywhere tells where it came from.

Every value carries a mark that no other text of a run has: a domain, a prefix, a bank code, one of a few surnames. So
one pass of some patterns (search.py) finds all of them, also those that nobody has remembered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

DOMAIN = "kestrelmail.net"
PHONE_PREFIX = "1579"
CARD_PREFIX = "453962"
BANK_CODE = "70090100"
MOST = 100_000
"""So many people are different in each of their values; then they come again."""
_FIRST = (
    "Amara Clara Daniel Elena Felix Greta Hannah Ivan Jonas Karin Laura Marcus Nadia Oliver Paula Quentin Rosa Simon "
    "Teresa Victor Walter Yvonne Anton Bianca Carlos Diana Edward Frieda Gustav Helena Isabel Julian Katrin Leonard "
    "Miriam Norbert Ottilie Philip Sabine Thomas"
).split()
BEFORE_HYPHEN = (
    "Okafor Lindqvist Brandauer Castellanos Dvorak Eriksson Fitzgerald Giordano Hartmann Iglesias Jablonski "
    "Kowalczyk Lehmann Moreau Nakamura Oyelaran Petrovic Quintero Rasmussen Santoro Takahashi Ulbrich Vasquez "
    "Wisniewski Yamamoto Zimmermann Andersson Bergmann Carvalho Delacroix Ekstrand Fernandez Grabowski Hoffmann "
    "Ivanova Johansson Kaminski Lombardi Mendoza Novak Olofsson Pellegrini Rodriguez Schneider Thorvaldsen "
    "Urquhart Villanueva Weidmann Zelenka Achterberg"
).split()
AFTER_HYPHEN = (
    "Abernathy Bauer Contreras Dietrich Esposito Fontaine Gallagher Hernandez Ibsen Jankowski Kruger Lefebvre "
    "Martinez Nielsen Ortega Pedersen Romano Sokolov Tanaka Ueda Vogel Winkler Xavier Zapata Albrecht Bianchi "
    "Colombo Dubois Engel Ferrari Gonzalez Huber Jensen Keller Larsson Mancini Neumann Oliveira Pereira Richter "
    "Sorensen Torres Vargas Weber Ziegler Aguilar Becker Conti Durand Fischer"
).split()
# Neither has a factor in common with the sizes of what it walks through, so each number comes once.
_STEP = 7_919
_LONG_STEP = 7_654_321


@dataclass(frozen=True, slots=True)
class Person:
    """The values of one person, as they stand in a prompt."""

    name: str
    email: str
    phone: str
    card: str
    iban: str


@dataclass(slots=True)
class People:
    """Draws people. Every `step`-th from `first` on, so that several processes draw different ones."""

    seed: int
    first: int = 0
    step: int = 1
    drawn: int = 0

    def draw(self) -> Person:
        number = self.first + self.step * self.drawn
        self.drawn += 1
        return person(self.seed, number)

    def __iter__(self) -> Iterator[Person]:
        while True:
            yield self.draw()


def person(seed: int, number: int) -> Person:
    """The same person each time."""
    place = (number * _STEP + seed) % MOST
    first, rest = place % len(_FIRST), place // len(_FIRST)
    before, after = rest % len(BEFORE_HYPHEN), rest // len(BEFORE_HYPHEN)
    return Person(
        name=f"{_FIRST[first]} {BEFORE_HYPHEN[before]}-{AFTER_HYPHEN[after]}",
        email=f"box{place:05d}@{DOMAIN}",
        phone=f"+49 {PHONE_PREFIX} {(number * _LONG_STEP + seed) % 8_000_000 + 2_000_000}",
        card=_card((number * _LONG_STEP + seed) % 10**9),
        iban=_iban((number * _LONG_STEP + seed) % 10**10),
    )


def _card(number: int) -> str:
    """Sixteen digits in groups of four, the last one as Luhn says."""
    digits = f"{CARD_PREFIX}{number:09d}"
    full = digits + str(-luhn_sum(digits + "0") % 10)
    return " ".join(full[start : start + 4] for start in range(0, 16, 4))


def luhn_sum(digits: str) -> int:
    """A multiple of ten if the last digit is right (ISO/IEC 7812-1)."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if index % 2 else 1)
        total += value - 9 if value > 9 else value
    return total


def _iban(number: int) -> str:
    """A German one with the check digits of ISO 7064, mod 97-10."""
    account = f"{BANK_CODE}{number:010d}"
    return f"DE{98 - int(account + '131400') % 97:02d}{account}"
