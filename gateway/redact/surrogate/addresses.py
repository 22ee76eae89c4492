"""Stand-ins for addresses on the internet: the domains, addresses and ranges that are reserved for documentation."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator

from gateway.redact.surrogate.draw import Draw
from gateway.redact.surrogate.lists import COMPANIES, MAILBOXES
from gateway.redact.surrogate.people import People

_ATTEMPTS = 16
_TOKEN = re.compile(r"[A-Za-z]+|[0-9]+|[^A-Za-z0-9]+")
_LOCAL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._+-]*[A-Za-z0-9])?")
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_URL = re.compile(r"((?:https?|ftp)://)?([A-Za-z0-9.-]+\.[A-Za-z]{2,24})(:\d{1,5})?((?:/[A-Za-z0-9._~%/-]*)?)")
_RESERVED = ("example.com", "example.org", "example.net")
_NETS = ("192.0.2", "198.51.100", "203.0.113")
_LEAST_NAME = 3


class Domains:
    """The domains of one exchange and their stand-ins: those reserved by RFC 2606, and names below them."""

    __slots__ = ("_by_domain", "_draw", "_used")

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._by_domain: dict[str, str] = {}
        self._used: set[str] = set()

    def stand_in(self, domain: str, attempt: int) -> str:
        """The same for the same domain, and another one for each further attempt."""
        key = domain.lower()
        if attempt:
            return self._below(key, attempt)
        if key not in self._by_domain:
            options = [name for name in self._draw.order("domain", key, _RESERVED) if name not in self._used | {key}]
            chosen = options[0] if options else self._below(key, len(self._used))
            self._by_domain[key] = chosen
            self._used.add(chosen)
        return self._by_domain[key]

    def _below(self, key: str, attempt: int) -> str:
        number = self._draw.number("subdomain", key, attempt)
        return f"{COMPANIES[number % len(COMPANIES)].lower()}.{_RESERVED[number % len(_RESERVED)]}"


def emails(value: str, draw: Draw, people: People, domains: Domains) -> Iterator[str]:
    """Addresses of the same shape. Parts that are names are the stand-ins of these names."""
    local, _, domain = value.rpartition("@")
    if not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        return
    for attempt in range(_ATTEMPTS):
        made = _local(local, draw, people, attempt)
        if made is None:
            return
        yield f"{made}@{domains.stand_in(domain, attempt)}"


def _local(local: str, draw: Draw, people: People, attempt: int) -> str | None:
    tokens = _TOKEN.findall(local)
    words = [i for i, token in enumerate(tokens) if token.isalpha() and len(token) >= _LEAST_NAME]
    made = []
    for index, token in enumerate(tokens):
        part: str | None = token
        if token.lower() in MAILBOXES:
            part = next(box for box in draw.order("mailbox", token.lower(), MAILBOXES) if box != token.lower())
        elif index in words:
            # A word by itself is rather a family's name, the first of several a given name.
            part = people.part(token, people.is_given(token) or (len(words) > 1 and index != words[-1]))
            part = _plain(part) if part else None
        elif token.isalnum():
            part = _random(token, draw, attempt)
        if part is None:
            return None
        made.append(part)
    return "".join(made)


def _plain(name: str) -> str:
    """Without marks on letters."""
    return "".join(c for c in unicodedata.normalize("NFKD", name) if c.isascii())


def _random(token: str, draw: Draw, attempt: int) -> str:
    if token.isdigit():
        return "".join(map(str, draw.below("digits", token, attempt, [10] * len(token))))
    letters = "abcdefghjklmnoprstuvw"
    drawn = "".join(letters[n] for n in draw.below("letters", token, attempt, [len(letters)] * len(token)))
    return drawn.upper() if token.isupper() else drawn


def urls(value: str, draw: Draw, domains: Domains) -> Iterator[str]:
    """Addresses below a reserved domain, with a path of the same shape. None for those with a query."""
    match = _URL.fullmatch(value)
    if match is None or not match[0][-1].isalnum():
        return
    for attempt in range(_ATTEMPTS):
        tokens = _TOKEN.findall(match[4])
        path = "".join(_random(token, draw, attempt) if token.isalnum() else token for token in tokens)
        yield f"{match[1] or ''}{domains.stand_in(match[2], attempt)}{match[3] or ''}{path}"


def ips(value: str, draw: Draw) -> Iterator[str]:
    """Addresses of the ranges for documentation: RFC 5737, RFC 3849."""
    bare, slash, prefix = value.partition("/")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return
    for attempt in range(_ATTEMPTS):
        drawn = draw.below("ip", str(address), attempt, [len(_NETS), 254, 0xFFFF, 0xFFFF])
        if address.version == 4:
            yield f"{_NETS[drawn[0]]}.{drawn[1] + 1}{slash}{prefix}"
        else:
            yield f"2001:db8:{drawn[2]:x}::{drawn[3] + 1:x}{slash}{prefix}"
