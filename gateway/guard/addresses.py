"""Where an address leads, read as browsers read it, and how one is written so that nothing follows it.

The rules are those of the WHATWG URL standard: white space and control characters are dropped, backslashes are
slashes, what stands before the last `@` is no host, full-width letters and dots are plain ones.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from gateway.guard.carried import Restores, carries, holds, host_carries
from gateway.guard.prompt_texts import PromptTexts

_DROPPED = re.compile(r"[\x00-\x20\x7f-\xa0\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]*):(.*)", re.IGNORECASE | re.DOTALL)
_WEB = frozenset({"http", "https", "ftp", "ws", "wss"})
_CALLS = frozenset({"tel", "sms", "mailto", "geo"})
"""Schemes that open a program of the user's in which nothing is sent yet."""
_DOTS = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61", "."))
_DOT = re.compile("[.\u3002\uff0e\uff61]")
_WHOLE_URL = re.compile(r"\s*<URL_[1-9][0-9]{0,5}>\s*")
_SLASHES = re.compile(r"\s*<?\s*[/\\]{2}")
_HOST = re.compile(r"[^\s/?#@\\%:\[\]<>\"'^|`{}]+")
_PORT = re.compile(r":\d{0,5}\Z")
_NUMERIC = re.compile(r"(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+))*\.?\Z", re.IGNORECASE)
_DOTTED = re.compile(r"(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}\Z")
_DOMAIN = re.compile(r"[^\s/?#.]+(?:\.[^\s/?#.]+)+")
_HTTP = re.compile(r"h(tt)(ps?(?::|%3a))", re.IGNORECASE)
_FIRST_HOST = re.compile(r"((?:[a-z][a-z0-9+.\-]*:)?[/\\]*)([^/?#\\]*)", re.IGNORECASE)
_WWW = re.compile(r"(?<![a-z0-9])www\.", re.IGNORECASE)


def defanged(address: str) -> str:
    """The address for reading only: `https://a.example/b` is written `hxxps://a[.]example/b`."""
    head = _FIRST_HOST.match(address, address.startswith("<"))
    if head is None:
        return address
    scheme, host = head.groups()
    if scheme.strip("/\\") and not _HTTP.match(scheme):
        scheme = scheme.replace(":", "[:]")
    host = _DOT.sub("[.]", host).replace("@", "[@]")
    text = address[: head.start()] + scheme + host + _WWW.sub("www[.]", address[head.end() :])
    return _HTTP.sub(lambda match: "hxx" + match[2], text)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address leads: `host` is empty where it stays on the page's own."""

    scheme: str
    host: str
    is_plain: bool
    """The host is written in the one way that everybody reads alike."""


def place(address: str) -> Place:
    """What a browser makes of an address as it stands in a link."""
    text = _DROPPED.sub("", _ESCAPED.sub(r"\1", html.unescape(html.unescape(address)))).strip("<>")
    written = _FIRST_HOST.match(address.lstrip("<"))
    is_plain = written is None or not set(written[0]) & set("\\&")
    match = _SCHEME.match(text)
    if match and match[1].lower() not in _WEB and match[2] and not _is_port(match[2]):
        return Place(match[1].lower(), "", is_plain)
    scheme, rest = (match[1].lower(), match[2]) if match and match[1].lower() in _WEB else ("", text)
    rest = rest.replace("\\", "/")
    if scheme or rest.startswith("//") or _SLASHES.match(address):
        # Also where backslashes are escapes for some: the others see a host.
        rest = rest.lstrip("/")
    elif not _DOMAIN.match(rest):
        return Place("", "", is_plain)
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    host = unquote(authority.rpartition("@")[2])
    host = unicodedata.normalize("NFKC", _PORT.sub("", host)).translate(_DOTS).lower().rstrip(".")
    plain = is_plain and "@" not in authority and "%" not in authority and _HOST.fullmatch(host) is not None
    return Place(scheme, host or "?", plain)


def _is_port(text: str) -> bool:
    """Whether what follows a colon makes what stands before it a host, not a scheme."""
    return re.match(r"\d{1,5}(?:[/?#]|\Z)", text) is not None


class Hosts:
    """The hosts of a policy: exact names, and `*.example.com` for all below one."""

    def __init__(self, names: Sequence[str]) -> None:
        self._exact = frozenset(_ascii(name) for name in names if not name.startswith("*."))
        self._below = tuple("." + _ascii(name[2:]) for name in names if name.startswith("*."))

    def has(self, host: str) -> bool:
        name = _ascii(host)
        return name in self._exact or name.endswith(self._below)


def _ascii(name: str) -> str:
    """A name as the domain name system has it (RFC 3490)."""
    try:
        return name.lower().encode("idna").decode()
    except UnicodeError:
        return name.lower()


class Addresses:
    """Judges addresses by the policy's hosts and by what the prompt says."""

    def __init__(self, hosts: Hosts | None, said: PromptTexts, restores: Restores = lambda _: False) -> None:
        self._restores = restores
        self._hosts = hosts
        self._said = said
        # The last one that was asked for, and whether it carries anything: an address in a link is read twice.
        self._last = ("", False)

    @property
    def has_list(self) -> bool:
        return self._hosts is not None

    def fault(self, address: str, *, is_read: bool = False) -> str | None:
        """Why nobody may follow an address, or None. `is_read`: it is part of one that carries nothing."""
        where = place(address)
        if where.scheme and where.scheme not in _WEB | _CALLS:
            return "scheme"
        # Within another address a host is part of a path, where more words of the prompt are let through.
        if host_carries(address, where.host, self._said) if is_read else self.carries(address, where):
            return "value"
        if not where.host:
            return None
        if self._hosts is not None:
            return None if where.is_plain and self._hosts.has(where.host) else "host"
        if not where.is_plain or (_NUMERIC.match(where.host) and not _DOTTED.match(where.host)):
            return "disguise"
        return None

    def carries(self, address: str, where: Place | None = None) -> bool:
        """Whether an address, which leads to `where`, carries data of the prompt to somebody."""
        is_mail = _is_mail_to(address, where or place(address))
        return not is_mail and self._carries(address)

    def _carries(self, address: str) -> bool:
        if self._last[0] != address:
            self._last = address, carries(address, self._said, self._restores)
        return self._last[1]

    def carries_in_code(self, text: str) -> bool:
        """The same where most of what looks like an address is none: words of the prompt count with a host only."""
        where = place(text)
        if where.scheme or _SLASHES.search(text):
            return self.carries(text, where)
        return _WHOLE_URL.fullmatch(text) is None and holds(text, self._said, self._restores)


def _is_mail_to(address: str, where: Place) -> bool:
    """A link to the user's own address sends nothing unless it has a text with it."""
    return where.scheme in _CALLS and "?" not in address
