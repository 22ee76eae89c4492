"""The prompts of the load test: about 115 words each with six personal values that no other prompt has."""

from __future__ import annotations

import json
import random
from dataclasses import astuple, dataclass
from pathlib import Path

MODEL = "bench"
SEED = 20260101
_MOST = 90_001
# Has no factor in common with _MOST: the numbers come in another order, each of them once.
_STEP = 7_919
_AREAS = ("212", "312", "415", "617", "713", "206", "303", "404", "602", "702", "503", "305")
_WORDS = ("north", "river", "maple", "stone", "cedar", "amber", "coral", "delta", "ember", "frost", "grove", "harbor")
_OPENINGS = (
    "Please write a short and friendly reply to the customer whose message follows below.",
    "Summarise the following message of a customer in two sentences and propose what to do next.",
    "Turn the notes below into a polite letter that explains what happened and what we will do.",
)
_COMPLAINTS = (
    "The parcel came late and one of the two boxes was open, so the customer would like to have the money back.",
    "The invoice was paid twice because the form did not answer, and the second payment has to be sent back.",
    "The subscription was cancelled in time but it was charged again, and the account is now locked as well.",
    "The new router loses its connection every few hours although it was exchanged once already.",
)
_CLOSINGS = (
    "Keep the tone calm, do not promise a date, and thank the customer for the patience shown so far.",
    "Say clearly which documents are still missing and how they can be handed in without a visit.",
    "Ask whether the matter is settled with that, and offer a voucher for the next order if it is not.",
)


@dataclass(frozen=True, slots=True)
class Values:
    """The personal values of one prompt."""

    email: str
    phone: str
    card: str
    iban: str
    ssn: str
    address: str


@dataclass(frozen=True, slots=True)
class PromptCase:
    """A request body and what is personal in it."""

    values: Values
    content: str

    def body(self, *, stream: bool = False) -> dict[str, object]:
        body: dict[str, object] = {"model": MODEL, "messages": [{"role": "user", "content": self.content}]}
        return {**body, "stream": True} if stream else body

    def personal(self) -> tuple[str, ...]:
        return astuple(self.values)


def make(count: int) -> list[PromptCase]:
    """The same prompts each time, no value in two of them. At most 90,000."""
    rng = random.Random(SEED)
    return [_case(number * _STEP % _MOST, rng) for number in range(count)]


def write_bodies(cases: list[PromptCase], path: Path) -> None:
    """One JSON body a line."""
    path.write_text("".join(json.dumps(case.body()) + "\n" for case in cases), "utf-8")


def _case(number: int, rng: random.Random) -> PromptCase:
    values = Values(
        email=f"{rng.choice(_WORDS)}.{rng.choice(_WORDS)}{number}@{rng.choice(_WORDS)}{rng.randint(2, 99)}.com",
        phone=f"+1 {rng.choice(_AREAS)}-{200 + number // 10_000 * 3 + rng.randint(0, 2)}-{number % 10_000:04}",
        card=_card(number, rng),
        iban=_iban(number, rng),
        ssn=f"{rng.randint(100, 599)}-{10 + number // 1_000:02}-{1 + number % 1_000 + 1_000 * rng.randint(0, 8):04}",
        address=f"{rng.randint(11, 99)}.{number // 65_536 + 1}.{number // 256 % 256}.{number % 256}",
    )
    content = (
        f"{rng.choice(_OPENINGS)} The customer can be reached under {values.email} or by phone at {values.phone}. "
        f"{rng.choice(_COMPLAINTS)} The order was paid with the credit card {values.card} and the refund should go to "
        f"the bank account {values.iban} of the same person. For the check of identity the social security number "
        f"{values.ssn} was given in the form, which was sent from the address {values.address} this week. "
        f"{rng.choice(_CLOSINGS)}"
    )
    return PromptCase(values, content)


def _card(number: int, rng: random.Random) -> str:
    """Sixteen digits with a valid Luhn digit, in groups of four."""
    digits = f"4{rng.randint(0, 99_999):05}{number:09}"
    doubled = [int(d) * (2 if i % 2 == 0 else 1) for i, d in enumerate(digits)]
    check = -sum(d - 9 if d > 9 else d for d in doubled) % 10
    full = f"{digits}{check}"
    return " ".join(full[i : i + 4] for i in range(0, 16, 4))


def _iban(number: int, rng: random.Random) -> str:
    """A German IBAN with valid check digits (ISO 7064, mod 97-10)."""
    account = f"{rng.randint(10_000_000, 89_999_999)}{number:010}"
    check = 98 - int(f"{account}131400") % 97
    return f"DE{check:02}{account}"
