"""The bodies of requests. A text names a person so that each of their values can be found by what stands around it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from loadtest.canaries import Person

MODEL = "llama"
Body = dict[str, Any]
_TEMPLATES = (
    "Please write a reply to {name}, who can be reached at {email} or by phone at {phone}. The order was paid with the "
    "credit card {card}, and the refund goes to the account {iban}. Keep it short.",
    "Summarise this note of the help desk. Customer: {name}\nE-mail: {email}\nPhone: {phone}\nCredit card: {card}\n"
    "IBAN: {iban}\nThe parcel came late and one of the boxes was open.",
    "Dear team, my name is {name}. My e-mail address is {email} and my phone number is {phone}. You charged my "
    "credit card {card} twice; please send the money to my IBAN {iban}. What do I have to do next?",
)
_AGAIN = "again"
_TOOL = {
    "type": "function",
    "function": {
        "name": "note",
        "description": "Keeps what is known of a customer.",
        "parameters": {"type": "object", "properties": {"known": {"type": "array", "items": {"type": "string"}}}},
    },
}


def text(rng: random.Random, one: Person) -> str:
    template = rng.choice(_TEMPLATES)
    return template.format(name=one.name, email=one.email, phone=one.phone, card=one.card, iban=one.iban)


def chat(messages: Sequence[Body], **fields: Any) -> Body:
    return {"model": MODEL, "messages": list(messages), "max_tokens": 64, **fields}


def user(content: str) -> Body:
    return {"role": "user", "content": content}


def with_tools(content: str, *, stream: bool) -> Body:
    """The mock model answers it with a call of the tool."""
    return chat([user(content)], tools=[_TOOL], stream=stream)


def embeddings(texts: Sequence[str]) -> tuple[Body, list[int]]:
    """For texts, each with the word `again` once more than the one before; and how often each has it.

    The mock model's vectors count that word, so that vectors of another request are told apart.
    """
    counts = [1 + index for index in range(len(texts))]
    inputs = [f"{said} {' '.join([_AGAIN] * count)}" for said, count in zip(texts, counts, strict=True)]
    return {"model": MODEL, "input": inputs}, counts


def counted(said: str) -> int:
    """How often a text has the word that vectors count."""
    return said.split().count(_AGAIN)
