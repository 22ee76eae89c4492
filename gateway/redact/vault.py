"""The values of one exchange, their placeholders and their surrogates.

It lives in memory, for one exchange, and is never written.

It must never print, log, pickle or outlive what it holds.
"""

from __future__ import annotations

from typing import NoReturn

from gateway.redact.placeholder import LITERAL, canonical
from gateway.redact.surrogate.chooser import Surrogates


class Vault:
    """Gives each value one placeholder, numbered per type by first appearance.

    `surrogates`: the stand-ins of the values that have one instead.
    """

    __slots__ = ("_by_placeholder", "_by_value", "_last", "_reserved", "_verbatim", "surrogates")

    def __init__(self, surrogates: Surrogates | None = None) -> None:
        self.surrogates = surrogates
        self._by_value: dict[str, str] = {}
        self._by_placeholder: dict[tuple[str, int], str] = {}
        self._last: dict[str, int] = {}
        self._reserved: set[tuple[str, int]] = set()
        self._verbatim: set[tuple[str, int]] = set()

    def placeholder(self, entity: str, value: str, *, verbatim: bool = False) -> str:
        """The placeholder of a value, the same each time, whatever type it is found as later.

        `verbatim`: the value is in the notation of its text already and is never escaped once more.
        """
        known = self._by_value.get(value)
        if known is not None:
            return known
        number = self._last.get(entity, 0) + 1
        while (entity, number) in self._reserved:
            number += 1
        self._last[entity] = number
        self._by_placeholder[(entity, number)] = value
        self._by_value[value] = made = canonical(entity, number)
        if verbatim:
            self._verbatim.add((entity, number))
        return made

    def reserve(self, entity: str, number: int) -> bool:
        """Leave a number to the user who wrote it. False if it has been given out already.

        Literals have no numbers of their own to leave: they are always written anew.
        """
        if entity == LITERAL or (entity, number) in self._by_placeholder:
            return False
        self._reserved.add((entity, number))
        return True

    def known(self, value: str) -> str | None:
        """The placeholder that a value has got."""
        return self._by_value.get(value)

    def value(self, entity: str, number: int) -> str | None:
        return self._by_placeholder.get((entity, number))

    def is_verbatim(self, entity: str, number: int) -> bool:
        return (entity, number) in self._verbatim

    def entities(self) -> frozenset[str]:
        """The types of which there are values."""
        return frozenset(self._last)

    def __len__(self) -> int:
        return len(self._by_placeholder) + (len(self.surrogates) if self.surrogates else 0)

    def __repr__(self) -> str:
        return f"<Vault of {len(self)} values>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a vault is never written")
