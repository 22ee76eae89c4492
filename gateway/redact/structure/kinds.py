"""All kinds of structure, in one list."""

from __future__ import annotations

from gateway.redact.structure.addresses import find_addresses
from gateway.redact.structure.found import Kind
from gateway.redact.structure.letters import find_letters
from gateway.redact.structure.logs import find_logs
from gateway.redact.structure.pairs import find_pairs
from gateway.redact.structure.sql import find_sql
from gateway.redact.structure.tables import find_tables

KINDS: tuple[Kind, ...] = (find_tables, find_pairs, find_sql, find_addresses, find_logs, find_letters)

ENTITIES: tuple[str, ...] = (
    "PERSON",
    "EMAIL_ADDRESS",
    "PHONE_NUMBER",
    "LOCATION",
    "DATE_OF_BIRTH",
    "US_SSN",
    "ID_NUMBER",
    "IBAN_CODE",
    "CREDIT_CARD",
    "SECRET",
    "USERNAME",
    "IP_ADDRESS",
)
"""All types that some kind can find."""
