"""JSON Web Tokens of an identity provider, beside the gateway's own opaque ones. The only home of the JWT library.

The library makes keys and checks signatures, no more: what a token looks like is checked in compact.py, what it
means in claims.py. Neither a message nor the log quotes a token or its claims.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import jwt

from gateway.access.claims import Accepted, accept
from gateway.access.compact import MAX_CHARS, Compact, Malformed, take_apart
from gateway.access.issuers import Issuer
from gateway.access.jwks import Fetch, FetchedKeys, FileKeys, Key, KeySource
from gateway.access.oidc_file import load_oidc
from gateway.access.principal import Principal
from gateway.access.watch import Watch
from gateway.errors import Unauthenticated
from gateway.settings import ConfigurationError

_RSA_BITS = range(2048, 8193)
_REMEMBERED = 4096
_WRONG = "This token is not valid; it may be mistyped or revoked."


def make_key(algorithm: str, jwk: Mapping[str, str]) -> Key | None:
    """A key from the public members of a JWK; None for what is none, and for RSA under 2048 bits or over 8192."""
    try:
        made = jwt.PyJWK(dict(jwk), algorithm=algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if algorithm == "RS256" and made.key.key_size not in _RSA_BITS:
        return None
    checks, public = made.Algorithm, made.key
    return Key(algorithm, json.dumps(jwk, sort_keys=True), lambda signed, sig: checks.verify(signed, public, sig))


@dataclass(frozen=True, slots=True)
class _Trusted:
    issuer: Issuer
    keys: KeySource


@dataclass(frozen=True, slots=True)
class _Seen:
    """A token that was found good, and all that it hung on."""

    accepted: Accepted
    trusted: _Trusted
    kid: str
    key: Key


class JwtVerifier:
    """Checks JWTs against the issuers of an OIDC file, which is read again within a second of a change.

    A file that has become invalid changes nothing but for a warning. Tokens found good are remembered by their
    SHA-256 for as long as they are in force; a change of the file or of their key makes them be checked anew.
    """

    def __init__(
        self,
        path: Path,
        fetch: Fetch,
        *,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        remembered: int = _REMEMBERED,
    ) -> None:
        """`clock` is monotonic, `wall_clock` gives Unix time. Raises ConfigurationError."""
        self._path = path
        self._fetch = fetch
        self._clock = clock
        self._wall_clock = wall_clock
        self._remembered = remembered
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()
        self._watch = Watch(path, clock)
        self._trusted: Mapping[str, _Trusted] = self._read()

    async def open(self) -> None:
        """Fetch all keys, so that the first requests need not wait. What fails is tried again when it is needed."""
        sources = [trusted.keys for trusted in self._trusted.values()]
        await asyncio.gather(*(source.asked("", "") for source in sources), return_exceptions=True)

    async def close(self) -> None:
        for trusted in self._trusted.values():
            trusted.keys.close()

    def ready(self) -> Mapping[str, bool]:
        """By issuer, whether its tokens can be checked now."""
        return {name: trusted.keys.is_ready() for name, trusted in self._trusted.items()}

    async def principal(self, token: str) -> Principal:
        """Waits only if keys must be fetched first.

        Raises Unauthenticated, ExpiredKey, Forbidden (no tenant that is let in) or NotReady (no keys to go by).
        """
        self._reload()
        if not token.isascii() or len(token) > MAX_CHARS:
            raise Unauthenticated(_WRONG)
        digest = hashlib.sha256(token.encode("ascii")).digest()
        if (seen := self._seen.get(digest)) is not None:
            if self._still_good(seen):
                self._seen.move_to_end(digest)
                return seen.accepted.principal
            del self._seen[digest]
        seen = await self._checked(token)
        self._seen[digest] = seen
        if len(self._seen) > self._remembered:
            self._seen.popitem(last=False)
        return seen.accepted.principal

    def _still_good(self, seen: _Seen) -> bool:
        trusted = seen.trusted
        return (
            self._wall_clock() < seen.accepted.until_s
            and trusted.keys.at_once(seen.kid, seen.key.algorithm) == seen.key
        )

    async def _checked(self, token: str) -> _Seen:
        try:
            compact = take_apart(token)
        except Malformed:
            raise Unauthenticated(_WRONG) from None
        trusted = self._issuer_of(compact)
        key = trusted.keys.at_once(compact.kid, compact.algorithm)
        if key is None:
            key = await trusted.keys.asked(compact.kid, compact.algorithm)
            # The file may have changed in the meantime.
            trusted = self._issuer_of(compact)
        if key is None or not key.verify(compact.signed, compact.signature):
            raise Unauthenticated(_WRONG)
        accepted = accept(trusted.issuer, compact.type, compact.claims, self._wall_clock())
        return _Seen(accepted, trusted, compact.kid, key)

    def _issuer_of(self, compact: Compact) -> _Trusted:
        """By what the token says of itself: it only decides whose keys it must have been signed with."""
        name = compact.claims.get("iss")
        trusted = self._trusted.get(name) if isinstance(name, str) else None
        if trusted is None or compact.algorithm not in trusted.issuer.algorithms:
            raise Unauthenticated(_WRONG)
        return trusted

    def _reload(self) -> None:
        if not self._watch.changed():
            return
        try:
            self._trusted = self._read(self._trusted)
        except ConfigurationError:
            logging.getLogger("gateway").warning("the OIDC file is not valid; what was read before stays in force")
        else:
            self._seen.clear()

    def _read(self, before: Mapping[str, _Trusted] | None = None) -> Mapping[str, _Trusted]:
        """Keys stay where nothing has changed in where they come from."""
        kept = {_origin(trusted.issuer): trusted.keys for trusted in (before or {}).values()}
        read: dict[str, _Trusted] = {}
        for issuer in load_oidc(self._path).issuers:
            keys = kept.pop(_origin(issuer)) if _origin(issuer) in kept else self._source(issuer)
            read[issuer.issuer] = _Trusted(issuer, keys)
        for unused in kept.values():
            unused.close()
        return read

    def _source(self, issuer: Issuer) -> KeySource:
        if issuer.jwks.file is not None:
            return FileKeys(self._path.parent / issuer.jwks.file, make_key, self._clock)
        return FetchedKeys(issuer, self._fetch, make_key, self._clock)


def _origin(issuer: Issuer) -> object:
    return issuer.issuer, issuer.jwks, issuer.unsafe_http
