"""What the tiny LLaMA should answer: fixed forms that depend on nothing but the placeholders asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence

from models import placeholders, words


def answer_compose(items: Sequence[str]) -> str:
    """A short letter that mentions every placeholder once."""
    rest = list(items)
    kinds = placeholders.kinds_of(rest)
    greeting = "Dear customer,"
    if kinds and kinds[0] == "PERSON":
        greeting = f"Dear {rest.pop(0)},"
        kinds.pop(0)
    body = [clause(kind).format(item) for kind, item in zip(kinds, rest, strict=True)]
    return " ".join([greeting, "thank you for your message.", *body, "Kind regards."])


def clause(kind: str) -> str:
    """The sentence with which answers mention a placeholder of this type."""
    return words.CLAUSES.get(kind, f"The {label(kind)} is {{}}.")


def label(kind: str) -> str:
    """What answers call a type."""
    return words.LABELS.get(kind, ("item",))[0]


def enumerate_items(items: Sequence[str]) -> str:
    """`A, B and C`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def answer_summary(items: Sequence[str]) -> str:
    """One line that names every placeholder."""
    return f"In short, this is about {enumerate_items(items)}." if items else "In short, there is nothing to add."


def answer_noted(items: Sequence[str]) -> str:
    """The answer to facts without a request."""
    return f"I have noted {enumerate_items(items)}." if items else "I have noted that."


def answer_list(items: Sequence[str], kinds: Sequence[str]) -> str:
    """One placeholder per line, under a heading that says which types were asked for."""
    if not items:
        return "There are none."
    things = " and ".join(words.PLURALS[kind][0] for kind in kinds) or "placeholders"
    return "\n".join([f"Here are the {things}:", *(f"- {item}" for item in items)])


def answer_json(items: Sequence[str]) -> str:
    """A JSON list of types and values."""
    kinds = placeholders.kinds_of(items)
    return json.dumps([{"type": kind, "value": item} for kind, item in zip(kinds, items, strict=True)])


def answer_lookup(kind: str, owner: str, item: str) -> str:
    """The answer to a question for one value."""
    return f"The {label(kind)} of {owner} is {item}." if owner else f"The {label(kind)} is {item}."
