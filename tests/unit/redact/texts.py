"""Texts to compare detectors on, the same each time: personal values, what looks like them, and anything at all."""

from __future__ import annotations

import random
from collections.abc import Sequence

PIECES = (
    "call 212-555-0187", "+44 20 7946 0958", "(030) 901820", "4111-1111-1111-1111", "5500 0000 0000 0004",
    "DE89 3704 0044 0532 0130 00", "10.0.0.1", "::1", "2001:db8::8a2e:370:7334", "536-90-4399", "078-05-1120",
    "a.b@example.org", "http://example.com/x?y=1", "www.example.org", "12/31/1999", "2024-05-06T10:11:12Z",
    "00:1B:44:11:3A:B7", "123e4567-e89b-12d3-a456-426614174000", "GB29NWBK60161331926819", "bank account 12345678",
    "license A1234567", "passport 912803456", "nhs 943 476 5919", "ext. 123", "x 55", "the", "quick", "7", "—", "é",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "\n", ",", "order 4711-0815", "v1.2.3.4", "1,234,567.89", "03.04.2021",
)  # fmt: skip
NEAR = (
    "4111111111111112", "4111 1111 1111 111", "DE89370400440532013001", "DE89 3704 0044 0532 0130 0012345",
    "999.1.1.1", "1.2.3.4.5", "1.2.3.4/33", "1::2::3", "fe80::1%eth0", "::ffff:1.2.3.4", "000-12-3456", "666-12-3456",
    "123-45-678", "9123456789", "912-70-1234", "912701234", "a@b", "@b.co", "a..b@c.de", "x@y.zz", "http://", "www.",
    "x.museum", "q.com/", "'http://a.de'", "13/32/1999", "2024-13-01", "1-JAN-99", "bc1qw508d6qejxtdg4y5r3zarvary0c5x",
    "AB1234563", "A9123456", "BB1388568", "00-1B-44-11-3A-B7", "001B.4411.3AB7", "ssn", "driver license", "account#",
    "9434765919", "943-476-5919", "credit card", "phone number",
    "٣٤٥٦٧٨٩٠١٢", "４１１１１１１１１１１１１１１１", "K9123456",
    "ſsn 536904399", "İBAN", "jane@münchen.de", "a\u0301@b.de", "555\u20111234567", "(555) 123-4567 ext 12", "\ud800",
)  # fmt: skip
GLUE = (" ", " ", " ", "", "\n", ", ", "-", ".", "_", ":", "/", "@", "'", "\t", "\u00a0", "é", "0", "a", "(", ")")
ALPHABETS = ("0123456789-. ", "abcdefABCDEF0123456789:", "a1@.-_ ", "0123456789/:", "ſKİıéß٣中 \u0301\u200b😀\ud800a1.")
_LAST = 0x110000


def random_texts(count: int, seed: int = 7) -> list[str]:
    """Values one after the other, between words."""
    chance = random.Random(seed)
    return [" ".join(chance.choices(PIECES, k=chance.randint(1, 25))) for _ in range(count)]


def mixed_texts(count: int, seed: int) -> list[str]:
    """Values and near values, glued and damaged; characters of few kinds, that nearly make values; any characters."""
    chance = random.Random(seed)
    return [chance.choice((_glued, _glued, _glued, _few, _any))(chance) for _ in range(count)]


def _glued(chance: random.Random) -> str:
    pieces = (_damaged(chance, chance.choice((*PIECES, *NEAR))) for _ in range(chance.randint(1, 10)))
    return "".join(piece + chance.choice(GLUE) for piece in pieces)


def _damaged(chance: random.Random, piece: str) -> str:
    if chance.random() < 0.6:
        return piece
    at = chance.randrange(len(piece))
    return piece[:at] + chance.choice(("", chance.choice(GLUE), piece[at].swapcase() * 2)) + piece[at + 1 :]


def _few(chance: random.Random) -> str:
    return "".join(chance.choices(chance.choice(ALPHABETS), k=chance.randint(1, 80)))


def _any(chance: random.Random) -> str:
    return "".join(chr(chance.randrange(chance.choice((128, 0x3000, _LAST)))) for _ in range(chance.randint(1, 60)))


def sizes(unit: str, lengths: Sequence[int]) -> list[str]:
    """The same text over and over, cut at these lengths."""
    return [(unit * (length // len(unit) + 1))[:length] for length in lengths]
