"""Which stand-in a value gets in one exchange. It holds values: it dies with the exchange and is never written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn

from gateway.redact.surrogate import addresses, dates, numbers
from gateway.redact.surrogate.draw import Draw
from gateway.redact.surrogate.lexicon import Entry, Lexicon, bare, is_word
from gateway.redact.surrogate.lists import COMPANIES, LEGAL_FORMS, PLACES
from gateway.redact.surrogate.people import People
from gateway.redact.surrogate.seen import Seen

# What notations escape, in which a stand-in does not show that its value has to be escaped too.
_ESCAPED = frozenset("<>&")
_LEADS = "+("
_LATIN_ENDS = "\u0250"
_NUMBER_CHARS = 7
_WEEKS = (8, 104)
_NAME_LIKE = re.compile(r"[^\W\d_]+(?:[ '’.-]{1,2}[^\W\d_]+){0,5}")

Candidate = tuple[str, Callable[[], None]]
"""A stand-in, and what makes it known to the lexicon."""


class Surrogates:
    """The stand-ins of one exchange: one for each value, none for two, none that its prompt speaks of so far.

    Texts are read in the order in which a model reads them, before their values get stand-ins. What a later text says
    does not change a stand-in, so that earlier turns stay as they are; the stage hides what would look like one.
    """

    def __init__(self, key: bytes, tenant: str) -> None:
        self._draw = Draw(key, tenant)
        self.lexicon = Lexicon()
        # No part refers to the whole: when the exchange ends, all of it goes at once and does not wait for a collector.
        self._seen = Seen()
        self._people = People(self._draw, self.lexicon, self._seen.says_word)
        self._domains = addresses.Domains(self._draw)
        self._by_value: dict[str, str | None] = {}
        self._weeks = 0

    def read(self, text: str) -> None:
        """Note a text of the prompt: no stand-in chosen from now on has a word of it."""
        self._seen.read(text)

    def avoid(self, value: str) -> None:
        """Note a value that was found: no stand-in chosen from now on contains it."""
        self._seen.avoid(value)

    def known(self, value: str) -> str | None:
        """The stand-in that a value has got."""
        return self._by_value.get(value)

    def stand_in(self, entity: str, value: str) -> str | None:
        """The stand-in of a value, the same each time, whatever type it is found as later. None if there is no
        sensible one: then a placeholder stands for it."""
        if value not in self._by_value:
            self._by_value[value] = self._choose(entity, value)
        return self._by_value[value]

    def _choose(self, entity: str, value: str) -> str | None:
        ends_well = is_word(value[-1:]) or value.endswith(".")
        if _ESCAPED & set(value) or not ends_well or not is_word(value.lstrip(_LEADS)[:1]):
            return None
        self.avoid(value)
        for stand_in, make_known in self._candidates(entity, value):
            if stand_in != value and not self._seen.is_taken(stand_in):
                self._seen.issue(stand_in)
                make_known()
                return stand_in
        return None

    def _candidates(self, entity: str, value: str) -> Iterator[Candidate]:
        if entity in _NUMBERS:
            made = _NUMBERS[entity](value, self._draw)
            return (self._number(one, value) for one in made if not self._seen.says_number(one))
        return _MAKERS.get(entity, Surrogates._id)(self, value)

    def _person(self, value: str) -> Iterator[Candidate]:
        pieces = self._people.pieces(value)
        if pieces is not None:
            # Its parts have been chosen so that the prompt says none of them.
            yield "".join(a for a, _ in pieces), lambda: self._people.register(pieces)

    def _url(self, value: str) -> Iterator[Candidate]:
        return map(self._plain(value), addresses.urls(value, self._draw, self._domains))

    def _ip(self, value: str) -> Iterator[Candidate]:
        return map(self._plain(value), addresses.ips(value, self._draw))

    def _email(self, value: str) -> Iterator[Candidate]:
        return map(self._plain(value), addresses.emails(value, self._draw, self._people, self._domains))

    def _phone(self, value: str) -> Iterator[Candidate]:
        for made, national in numbers.phones(value, self._draw):
            if not self._seen.says_number(national):
                yield self._number(made, value, national if made.startswith(_LEADS[0]) else "")

    def _date(self, value: str) -> Iterator[Candidate]:
        if not self._weeks:
            # Drawn from the first date of a conversation: its later turns have it too, another conversation has not.
            drawn = self._draw.number("weeks", value)
            sign, span = divmod(drawn % (2 * (_WEEKS[1] - _WEEKS[0])), _WEEKS[1] - _WEEKS[0])
            self._weeks = (span + _WEEKS[0]) * (-1 if sign else 1)
        if (moved := dates.moved(value, self._weeks)) is not None:
            made, ways = moved
            entries = [Entry(made, value), *(Entry(a, b) for a, b in ways if a != made)]
            yield made, lambda: self._learn(*entries)

    def _place(self, value: str) -> Iterator[Candidate]:
        if _NAME_LIKE.fullmatch(value) and all(c < _LATIN_ENDS for c in value):
            yield from self._named(value, PLACES, "place", "")

    def _company(self, value: str) -> Iterator[Candidate]:
        words = value.split(" ")
        tail = ""
        while len(words) > 1 and words[-1].strip(".,").replace(".", "").lower() in LEGAL_FORMS:
            tail = f" {words.pop()}{tail}"
        name = " ".join(words)
        if tail and name.endswith(","):
            name, tail = name[:-1], "," + tail
        if _NAME_LIKE.fullmatch(name):
            yield from self._named(name, COMPANIES, "company", tail)

    def _named(self, name: str, options: tuple[str, ...], kind: str, tail: str) -> Iterator[Candidate]:
        if not is_word(name[0]):
            return
        for option in self._draw.order(kind, name.casefold(), options):
            if not self._seen.says_word(option):
                cased = option.upper() if name.isupper() and len(name) > 4 else option
                made = cased + tail
                entry = Entry(made, name + tail, ((cased, name), (tail, tail)), lower=bool(tail))
                short = Entry(cased, name, ((cased, name),), lower=False)
                yield made, lambda known=(entry, short): self._learn(*known)  # type: ignore[misc]

    def _id(self, value: str) -> Iterator[Candidate]:
        for made in numbers.ids(value, self._draw):
            if not self._seen.says_number(made):
                yield self._number(made, value)

    def _number(self, made: str, value: str, national: str = "") -> Candidate:
        """Found by its letters and digits where they tell enough and only separators stand between them."""
        if len(bare(made)) < _NUMBER_CHARS or not set(made) - set(_LEADS + " \u00a0.-()/") <= set(
            filter(str.isalnum, made)
        ):
            return self._plain(value)(made)

        def learn() -> None:
            self.lexicon.add_number(Entry(made, value, leads=made[0] if made[0] in _LEADS else ""))
            if len(national) >= _NUMBER_CHARS:
                self.lexicon.add_number(Entry("", value, leads="("), national)

        return made, learn

    def _plain(self, value: str) -> Callable[[str], Candidate]:
        return lambda made: (made, lambda: self._learn(Entry(made, value)))

    def _learn(self, *entries: Entry) -> None:
        for entry in entries:
            self.lexicon.add(entry)

    def __len__(self) -> int:
        return len(self._seen)

    def __repr__(self) -> str:
        return f"<Surrogates for {len(self)} values>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("surrogates are never written")


_NUMBERS: Mapping[str, numbers.Maker] = {
    "CREDIT_CARD": numbers.cards,
    "IBAN_CODE": numbers.ibans,
    "US_SSN": numbers.social_security,
    "UK_NHS": numbers.nhs,
}
_MAKERS: Mapping[str, Callable[[Surrogates, str], Iterator[Candidate]]] = {
    **dict.fromkeys(("PERSON", "PER"), Surrogates._person),
    **dict.fromkeys(("LOCATION", "GPE", "LOC", "CITY"), Surrogates._place),
    **dict.fromkeys(("ORGANIZATION", "ORGANISATION", "ORG"), Surrogates._company),
    **dict.fromkeys(("DATE_TIME", "DATE_OF_BIRTH"), Surrogates._date),
    "EMAIL_ADDRESS": Surrogates._email,
    "PHONE_NUMBER": Surrogates._phone,
    "URL": Surrogates._url,
    "IP_ADDRESS": Surrogates._ip,
}
