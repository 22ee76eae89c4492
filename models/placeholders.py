"""What training and evaluation share about placeholders, and the line between what each of them may use."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from typing import Final

KINDS: Final = (
    "PERSON", "EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "IP_ADDRESS", "URL", "LOCATION",
    "ORGANIZATION", "US_SSN", "DATE_TIME", "CRYPTO", "US_PASSPORT", "UK_NHS", "MEDICAL_LICENSE", "NRP",
    "US_DRIVER_LICENSE", "US_BANK_NUMBER", "AGE", "ID", "SECRET", "EMPLOYEE_ID", "PROJECT", "PLACEHOLDER",
)  # fmt: skip
PATTERN: Final = re.compile(r"<[A-Z][A-Z_]*_[0-9]+>")

#: Numbers that training never shows, so that the evaluation can ask for them.
HELD_OUT_NUMBERS: Final = tuple(range(13, 100, 5))


def find(text: str) -> list[str]:
    """The distinct placeholders of a text, in the order in which they first occur."""
    return list(dict.fromkeys(PATTERN.findall(text)))


def kinds_of(placeholders: Iterable[str]) -> list[str]:
    """`<EMAIL_ADDRESS_2>` becomes `EMAIL_ADDRESS`."""
    return [placeholder[1:-1].rsplit("_", 1)[0] for placeholder in placeholders]


def held_out_order(placeholders: Sequence[str]) -> bool:
    """Whether this sequence of types belongs to the evaluation: about a fifth of all sequences do."""
    if len(placeholders) < 2:
        return False
    return zlib.crc32(" ".join(kinds_of(placeholders)).encode()) % 5 == 0
