"""Whether an answer gave a user their own values back, all of them, and nobody else's.

The mock model quotes what it saw, in that order. So a right answer has the values of the request in the order of the
request; a card may be missing, since the default policy never gives it to anybody again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import astuple

from loadtest.canaries import Person
from loadtest.search import Found, found, of_value

_LEFT = re.compile(r"<(?:EMAIL_ADDRESS|PHONE_NUMBER|IBAN_CODE|PERSON)_\d+>")
_GIVEN_BACK = frozenset({"email", "phone", "iban", "name"})


def values(people: Sequence[Person]) -> list[Found]:
    """What these people's values look like when they are found."""
    return [of_value(value) for one in people for value in astuple(one)]


def wrongs(answer: str, sent: Sequence[Found], *, whole: bool, quoted: bool = True) -> list[str]:
    """What is wrong with an answer, in words; nothing if it is right.

    `whole`: it came to its end; what broke off may lack values but has no others. `quoted`: the model quotes what it
    saw. A real one says what it likes.
    """
    seen = found(answer.encode())
    own = set(sent)
    if not whole and seen and any(_begins(one, seen[-1]) for one in sent):
        seen = seen[:-1]
    problems = [f"a foreign {one.kind}: {one.value}" for one in seen if one not in own]
    if not quoted:
        return problems
    if whole:
        problems += [
            f"a missing {one.kind}: {one.value}" for one in sent if one.kind in _GIVEN_BACK and one not in seen
        ]
        problems += [f"a placeholder left: {left}" for left in _LEFT.findall(answer)]
    if not problems and not _in_order(seen, sent):
        problems.append("the right values in the wrong order")
    return problems


def _begins(one: Found, seen: Found) -> bool:
    """Whether the last that was seen is a value whose end did not come any more."""
    return seen.kind == one.kind and one.value.startswith(seen.value)


def _in_order(seen: Sequence[Found], sent: Sequence[Found]) -> bool:
    rest = iter(sent)
    return all(one in rest for one in dict.fromkeys(seen))
