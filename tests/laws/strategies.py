"""Texts, cuts and fakes for the laws."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import strategies as st

from gateway.pipeline.exchange import Deadline, Exchange
from gateway.pipeline.prompt import Prompt, Vocabulary
from gateway.pipeline.span import Span
from gateway.pipeline.stage import Chain, StreamFilter
from gateway.policy.schema import Redact
from tests.support.stages import redact_stage

ENTITIES = ("PERSON", "EMAIL_ADDRESS", "IP_ADDRESS", "ID")
SPECIAL = 'O"Neil\\'
"""A value with characters that JSON escapes."""
# Values that the fake detector finds, chosen to be awkward: alike, nested, like placeholders, special in JSON.
VALUES = {
    "Ann Lee": "PERSON",
    "Ann": "PERSON",
    SPECIAL: "PERSON",
    "<PERSON_1>": "PERSON",
    "a@b.cc": "EMAIL_ADDRESS",
    "23.4.5.6": "IP_ADDRESS",
    "1": "ID",
    "PERSON_2": "ID",
    "straße": "PERSON",
}
_WORDS = st.sampled_from(
    [
        *VALUES,
        "<PERSON_1>", "<PERSON_2>", "<person 1>", "person_1", "PERSON_1", "&lt;PERSON_1&gt;", "\\u003cPERSON_1\\u003e",
        "<EMAIL_ADDRESS_1>", "email_address_1", "<Email Address 1 >", "EMAIL\\_ADDRESS\\_1", "<ID_1>", "id_1", "ID_12",
        "<PLACEHOLDER_1>", "placeholder_1", "IP_ADDRESS_1", "<", ">", "&lt;", "&gt;", "\\u003c", "\\u003e", "_", "1",
        "0", " ", "\n", "PERSON", "PERSON_", "person ", "é", "K", "ſ", "x", "{\"", "\"}", "```json", "\\", "&", "漢",
    ]
)  # fmt: skip
TEXTS = st.lists(st.one_of(_WORDS, st.text(max_size=4)), max_size=14).map("".join)
CUTS = st.lists(st.integers(min_value=0, max_value=200), max_size=12)


class FakeDetector:
    """Finds every literal occurrence of VALUES, overlapping or not."""

    def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
        return [
            [
                Span(match.start(), match.start() + len(value), entity, 0.9, "recognizers[0]")
                for value, entity in VALUES.items()
                for match in re.finditer(f"(?={re.escape(value)})", text)
            ]
            for text in texts
        ]


def redact_chain() -> Chain:
    return Chain([redact_stage(Redact(), FakeDetector(), ENTITIES, b"k" * 32)])


def exchange() -> Exchange:
    return Exchange(id="x", tenant="t", subject="s", model="m", deadline=Deadline.after(lambda: 0.0, 5.0))


def prompt(*texts: str) -> Prompt:
    """A prompt of messages; the words of its form are no segments."""
    words = Vocabulary(frozenset({"messages", "role", "content"}), frozenset({"user"}), frozenset(), ("messages",))
    return Prompt.of({"messages": [{"role": "user", "content": text} for text in texts]}, words)


def texts_of(redacted: Prompt) -> list[str]:
    return [message["content"] for message in redacted.body["messages"]]


def pieces(text: str, cuts: Sequence[int]) -> list[str]:
    at = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(at)]


def run(stream_filter: StreamFilter, parts: Sequence[str]) -> tuple[str, list[str]]:
    """The whole output, and what had left after each push and the flush."""
    left, states = "", []
    for part in parts:
        left += stream_filter.push(part)
        states.append(left)
    left += stream_filter.flush()
    states.append(left)
    return left, states


def shuffled(parts: Sequence[str], seed: int) -> list[str]:
    copy = list(parts)
    random.Random(seed).shuffle(copy)
    return copy
