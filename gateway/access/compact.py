"""A JWT taken apart, strictly: three parts of canonical base64url, two JSON objects in UTF-8, each name once.

Nothing here is believed yet. What two parsers could read in two ways is refused before a key is looked for (RFC 8725,
RFC 7515): padding and stray bits, keys that stand twice, NaN, nesting, extensions that we do not know.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_CHARS = 16 * 2**10
_MAX_HEADER_CHARS = 4 * 2**10
_MAX_DEPTH = 12
_MAX_DIGITS = 20
_MAX_KID = 256
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")
_REFUSED_HEADERS = frozenset({"crit", "b64", "jku", "jwk", "x5u", "x5c", "enc", "zip", "epk", "cty"})
"""Extensions, keys that the token brings along, encryption, a token in a token."""


class Malformed(ValueError):
    """This is no JWT of the kind that is taken here. It says no more, and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Compact:
    """A token whose signature nobody has checked."""

    algorithm: str
    kid: str
    type: str
    """The header `typ` in lower case, without `application/`; `jwt` if there is none."""
    claims: Mapping[str, Any] = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def take_apart(token: str) -> Compact:
    """Raises Malformed."""
    parts = token.split(".") if len(token) <= MAX_CHARS else []
    if len(parts) != 3 or len(parts[0]) > _MAX_HEADER_CHARS:
        raise Malformed
    header = _object(_decoded(parts[0]))
    if not _REFUSED_HEADERS.isdisjoint(header):
        raise Malformed
    algorithm, kid, type_ = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or not isinstance(type_, str):
        raise Malformed
    if not isinstance(kid, str) or not 0 < len(kid) <= _MAX_KID:
        raise Malformed
    return Compact(
        algorithm=algorithm,
        kid=kid,
        type=type_.lower().removeprefix("application/"),
        claims=_object(_decoded(parts[1])),
        signed=f"{parts[0]}.{parts[1]}".encode("ascii"),
        signature=_decoded(parts[2]),
    )


def _decoded(part: str) -> bytes:
    if _BASE64URL.fullmatch(part) is None:
        raise Malformed
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        raise Malformed from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != part.encode("ascii"):
        raise Malformed
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    try:
        # As text: from bytes Python would also take UTF-16 and UTF-32.
        document = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant, parse_int=_small
        )
    except (ValueError, RecursionError):
        raise Malformed from None
    if not isinstance(document, dict) or _is_deep(document):
        raise Malformed
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed
    return found


def _no_constant(_: str) -> Any:
    """NaN and Infinity are no JSON, though Python takes them."""
    raise Malformed


def _small(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise Malformed
    return int(digits)


def _is_deep(document: dict[str, Any]) -> bool:
    level: list[Any] = [document]
    for _ in range(_MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
