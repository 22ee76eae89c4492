"""Findings that are nobody's data: hashes, versions, order numbers, identifiers, Dijkstra's algorithm.

Recognizers read a value by its shape; here its surroundings are read. Only the value and the 40 characters on each
side count, so that a text read in windows gives the same verdicts. What a policy looks for itself, and what the layout
of a text said, is left alone; what is doubtful stays a finding.
"""

from __future__ import annotations

import re

from gateway.pipeline.span import Span
from gateway.redact.precision.internet import is_harmless_email, is_harmless_ip, is_harmless_url
from gateway.redact.precision.names import is_harmless_name
from gateway.redact.precision.numbers import is_harmless_number, is_harmless_secret
from gateway.redact.precision.surroundings import Surroundings
from gateway.redact.recognizers.own import is_own
from gateway.redact.structure.detector import SOURCE

_NAMES = frozenset({"PERSON", "LOCATION", "ORGANIZATION", "NRP"})
_SECRETS = frozenset({"SECRET", "PASSWORD", "API_KEY", "TOKEN", "PRIVATE_KEY"})
_NUMBERS = frozenset(
    {"PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "IMEI", "IMSI", "MAC_ADDRESS", "MEDICAL_LICENSE", "VIN"}
)
_NATIONAL = re.compile(r"[A-Z]{2}_")
"""How the types of numbers begin that a country gives out."""


def harmless(text: str, span: Span) -> bool:
    """Whether what was found at `span` of `text` identifies nobody."""
    entity = span.entity
    if span.source == SOURCE or is_own(span.source):
        return False
    here = Surroundings.of(text, span.start, span.end)
    if entity in _NAMES:
        return is_harmless_name(here, entity)
    if entity == "IP_ADDRESS":
        return is_harmless_ip(here)
    if entity == "EMAIL_ADDRESS":
        return is_harmless_email(here)
    if entity == "URL":
        return is_harmless_url(here)
    if entity in _SECRETS:
        return is_harmless_secret(here)
    if entity in _NUMBERS or _NATIONAL.match(entity):
        return is_harmless_number(here, entity, span.score)
    return False
