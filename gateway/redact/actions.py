"""What a found value is exchanged for, by action. Only placeholders can be turned back."""

from __future__ import annotations

import hashlib
import hmac


def masked(value: str) -> str:
    """A star for every character that is not a space: the length stays, nothing else."""
    return "".join(c if c.isspace() else "*" for c in value)


def removed(entity: str) -> str:
    """Only the kind is left, so that the model knows that something stood here."""
    return f"<{entity}>"


def hashed(key: bytes, tenant: str, entity: str, value: str) -> str:
    """`<PERSON#9f86d081884c7d65>`: the same value gives the same text within a tenant, and no other key does.

    HMAC-SHA256 over tenant, type and value, each preceded by its length so that they cannot run into each other.
    """
    parts = b"".join(len(part).to_bytes(8, "big") + part for part in (p.encode() for p in (tenant, entity, value)))
    return f"<{entity}#{hmac.new(key, parts, hashlib.sha256).hexdigest()[:16]}>"
