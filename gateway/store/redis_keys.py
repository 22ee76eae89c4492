"""What things are called in Redis. The braces put all that an owner has into one slot of a cluster."""

from __future__ import annotations

from gateway.store.port import Place, check_topic


def start(owner: str) -> str:
    """How the keys of all entries of an owner begin."""
    return f"pgw:{{{owner}}}:"


def key(place: Place) -> str:
    """The key of an entry."""
    return start(place.owner) + place.name


def limit_key(owner: str, name: str) -> str:
    """The key of what is used of a limit, which is no entry."""
    return f"pgw:limit:{{{owner}}}:{name}"


def channel(topic: str) -> str:
    """Where messages of a topic go. Raises ValueError if it is none."""
    return f"pgw:{check_topic(topic)}"
