"""A conversation that is sent again with each turn is redacted as if nothing of it were remembered."""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.pipeline.exchange import Deadline
from gateway.pipeline.prompt import Segment
from gateway.pipeline.span import Span
from gateway.policy.schema import Memo as MemoPolicy
from gateway.policy.schema import Redact
from gateway.redact.conversation import found_values, spread, stand_apart
from gateway.redact.finder import Finder, memos
from gateway.redact.rules import Rules

NEVER = Deadline.after(lambda: 0.0, 1.0)
VALUES = {
    "Anna Berg": "PERSON", "Anna Smith": "PERSON", "Carl Berg": "PERSON", "Will Rose": "PERSON", "Rose": "PERSON",
    "Will van der Smith": "PERSON", "B. Smith": "PERSON", "Ann": "PERSON", "Zoë Straße": "PERSON",
    "Rose Hill": "LOCATION",
    "ANNA BERG": "ORGANIZATION", "+1 212 555 0187": "PHONE_NUMBER", "212-555-0187": "PHONE_NUMBER",
    "12125550187": "ID", "(212) 555 0199": "PHONE_NUMBER", "GB33 BUKB 2020 1555 5555 55": "IBAN_CODE",
    "anna.berg@example.org": "EMAIL_ADDRESS", "Anna.Berg@example.org": "EMAIL_ADDRESS", "aberg92": "USERNAME",
    "s3cr3t-Word": "PASSWORD", "S3CR3T-word": "PASSWORD", "4111 1111 1111 1111": "CREDIT_CARD", "1111111": "ID",
    "田中太郎": "PERSON", "@@@@@@@": "ID", "May": "PERSON", "2021": "ID",
}  # fmt: skip
WORDS = """will the rose go up may hill then call (212) +1 Mr ms. van der B. a, Anna's Bergs 5550187 hannah annual
_ @""".split()
FOUND = re.compile("|".join(re.escape(value) for value in sorted(VALUES, key=len, reverse=True)))


class Reader:
    """Finds values as they are written above, in some texts all and in others half of them."""

    entities = frozenset(VALUES.values())

    def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
        return [self._detect(text) for text in texts]

    def _detect(self, text: str) -> list[Span]:
        found = [Span(m.start(), m.end(), VALUES[m[0]], 0.9, "test") for m in FOUND.finditer(text)]
        return found[:: 1 + len(text) % 2]


def otherwise(value: str, chance: random.Random) -> str:
    """A value as it may be written elsewhere."""
    parts = value.split()
    return chance.choice(
        [
            value, value, value.upper(), value.lower(), value.replace(" ", ""), value.replace(" ", "-"), parts[-1],
            " ".join(reversed(parts)), f"{parts[0][0]}. {parts[-1]}", (parts[0][0] + parts[-1]).lower(), f"{parts[0]}s",
            f"@{value.replace(' ', '').lower()}{chance.randint(1, 99)}", f"x{value}y", value[1:],
        ]
    )  # fmt: skip


def text_of(chance: random.Random) -> str:
    pieces = [
        chance.choice(WORDS) if chance.random() < 0.6 else otherwise(chance.choice(list(VALUES)), chance)
        for _ in range(chance.randint(0, 9))
    ]
    text = chance.choice([" ", " ", " ", "\n", ", "]).join(pieces)
    kind = chance.random()
    if kind < 0.06:
        return json.dumps({"note": text})
    return base64.b64encode(text.encode()).decode() if kind < 0.12 else text


def message_of(number: int, first: int, chance: random.Random) -> list[Segment]:
    parts = 1 if chance.random() < 0.8 else chance.randint(2, 3)
    label = "note" if chance.random() < 0.05 else ""
    return [Segment(("m", first + n), text_of(chance), label=label, message=number) for n in range(parts)]


def finder(size: int) -> Finder:
    policy = Redact.model_validate({"default": "placeholder", "entities": {"LOCATION": "mask"}})
    return Finder(Reader(), Rules(policy, Reader.entities), memos(lambda: 0.0, MemoPolicy(size=size)))


@pytest.mark.parametrize("seed", range(40))
def test_what_is_remembered_of_a_conversation_changes_nothing(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(8):
        remembering, segments = finder(8 << 20), list[Segment]()
        for turn in range(7):
            segments += message_of(turn, len(segments), chance)
            if chance.random() < 0.7:
                anew = finder(0).find(segments, NEVER, "owner")
                assert remembering.find(segments, NEVER, "owner") == anew


def test_what_came_before_is_not_searched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[Sequence[str]] = []

    def noted(texts: Sequence[str], *rest: Any) -> Any:
        searched.append(texts)
        return spread(texts, *rest)

    monkeypatch.setattr("gateway.redact.finder.spread", noted)
    remembering = finder(8 << 20)
    turns = ["I am Anna Berg.", "Hello.", "Call (212) 555 0199.", "Carl Berg will."]
    for number in range(len(turns)):
        remembering.find([Segment(("m", n), text, message=n) for n, text in enumerate(turns[: number + 1])], NEVER, "")
    # The last one says that Berg is Carl's name too, so all of it has to be looked at.
    assert searched == [turns[:1], turns[1:2], turns[2:3], turns]


def test_many_values_are_not_looked_for_one_by_one_in_a_long_text() -> None:
    names = [f"{chr(97 + n % 26)}{n:04}x@example.org" for n in range(2000)]
    spans = [[Span(0, len(name), "EMAIL_ADDRESS", 0.9, "test")] for name in names]
    values = list(found_values(names, spans, range(len(names))).values())
    assert stand_apart(values[:2], ["no address. " * 100_000], NEVER)
    assert not stand_apart(values, ["no address. " * 100_000], NEVER)
