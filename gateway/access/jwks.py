"""An issuer's public keys: where they come from, how long they are believed, and which of them are any good.

A key is found by its id and algorithm in a dictionary; nothing in a token says where else to look.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from gateway.access.issuers import Issuer
from gateway.access.watch import Watch
from gateway.errors import NotReady
from gateway.settings import ConfigurationError

Fetch = Callable[[str], Awaitable[tuple[bytes, str | None]]]
"""Gets a URL: the body of a 200 and its Cache-Control. Raises OSError. Bounds time and size, follows no redirect."""
_MAX_BYTES = 512 * 2**10
_MAX_KEYS = 128
_MAX_KID = 256
_MAX_EXPONENT_CHARS = 8
"""Of base64: exponents are small (mostly AQAB); a huge one makes each check slow."""
_MAX_MEMBER_CHARS = 1400
"""Of base64: 8192 bits and a bit."""
_PATIENCE_S = 10.0
_LEAST_LIFE_S = 60.0
_RENEW_AFTER = 0.8
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])", re.IGNORECASE)
_NO_STORE = re.compile(r"(?:^|[\s,])no-(?:store|cache)(?:$|[\s,])", re.IGNORECASE)
_LOG = logging.getLogger("gateway")


@dataclass(frozen=True, slots=True)
class Key:
    """One public key. Two are equal if their material is."""

    algorithm: str
    material: str
    verify: Callable[[bytes, bytes], bool] = field(compare=False, repr=False)
    """Of what was signed and its signature."""


Keys = Mapping[tuple[str, str], Key]
"""By key id and algorithm."""
MakeKey = Callable[[str, Mapping[str, str]], Key | None]
"""From an algorithm and the public members of a JWK; None if it is no key, or a weak one."""


class KeySource(Protocol):
    """Where the keys of one issuer come from."""

    def at_once(self, kid: str, algorithm: str) -> Key | None:
        """The key if it is known and in force now. Never waits."""
        ...

    async def asked(self, kid: str, algorithm: str) -> Key | None:
        """The same, after asking the issuer if that is due. Raises NotReady if there are no keys to go by."""
        ...

    def is_ready(self) -> bool: ...

    def close(self) -> None: ...


def read_keys(body: bytes, make_key: MakeKey) -> Keys:
    """The keys of a JWKS (RFC 7517) that are any good; others are left out. Raises ValueError if it is none.

    An empty set is one: an issuer may withdraw all its keys.
    """
    document = _document(body)
    listed = document.get("keys")
    if not isinstance(listed, list) or len(listed) > _MAX_KEYS:
        raise ValueError("no list of keys")
    found = [(jwk["kid"], key) for jwk in listed if (key := _usable(jwk, make_key)) is not None]
    # Two keys under one name: nobody can say which is meant.
    named = Counter((kid, key.algorithm) for kid, key in found)
    return {(kid, key.algorithm): key for kid, key in found if named[kid, key.algorithm] == 1}


def _document(body: bytes) -> dict[str, Any]:
    if len(body) > _MAX_BYTES:
        raise ValueError("too large")
    try:
        document = json.loads(body.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("no JSON object")  # noqa: TRY004
    return document


def _usable(jwk: Any, make_key: MakeKey) -> Key | None:
    """A public key for signatures, of a kind that we take. A private or shared key that is published is none."""
    if not isinstance(jwk, dict) or not _is_name(jwk.get("kid")) or "d" in jwk or "k" in jwk:
        return None
    members: tuple[str, ...]
    match jwk.get("kty"), jwk.get("crv"):
        case "RSA", _:
            algorithm, members = "RS256", ("n", "e")
        case "EC", "P-256":
            algorithm, members = "ES256", ("crv", "x", "y")
        case "OKP", "Ed25519":
            algorithm, members = "EdDSA", ("crv", "x")
        case _:
            return None
    uses = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", algorithm) != algorithm:
        return None
    if not isinstance(uses, list) or "verify" not in uses or len(str(jwk.get("e", ""))) > _MAX_EXPONENT_CHARS:
        return None
    public = {name: jwk.get(name) for name in ("kty", *members)}
    if not all(isinstance(value, str) and len(value) <= _MAX_MEMBER_CHARS for value in public.values()):
        return None
    return make_key(algorithm, {name: str(value) for name, value in public.items()})


def _is_name(kid: Any) -> bool:
    return isinstance(kid, str) and 0 < len(kid) <= _MAX_KID


class FileKeys:
    """Keys from a JWKS file, which is read again within a second of a change. A bad file changes nothing."""

    def __init__(self, path: Path, make_key: MakeKey, clock: Callable[[], float]) -> None:
        self._path = path
        self._make_key = make_key
        self._watch = Watch(path, clock)
        self._keys = self._read()

    def _read(self) -> Keys:
        try:
            keys = read_keys(self._path.read_bytes(), self._make_key)
        except OSError as error:
            raise ConfigurationError(f"{self._path}: cannot be read ({error.strerror})") from None
        except ValueError:
            raise ConfigurationError(f"{self._path}: is no JWKS, which is a JSON object with a list `keys`") from None
        if not keys:
            raise ConfigurationError(
                f"{self._path}: has no usable key; one is public, has a kid, and is RSA of 2048 bits, P-256 or Ed25519"
            )
        return keys

    def at_once(self, kid: str, algorithm: str) -> Key | None:
        if self._watch.changed():
            try:
                self._keys = self._read()
            except ConfigurationError:
                _LOG.warning("a file of keys is not valid; the keys read before stay in force")
        return self._keys.get((kid, algorithm))

    async def asked(self, kid: str, algorithm: str) -> Key | None:
        return self.at_once(kid, algorithm)

    def is_ready(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is open."""


class FetchedKeys:
    """Keys that the issuer publishes. One request at a time asks for them, whatever comes with tokens.

    - They are good for `refresh`, or for the max-age of the answer if that is less (60 s at least). Shortly before,
      they are fetched anew in the background, so that requests wait only if no request came in that time.
    - If that fails they stay in force for `outage`, and are tried again after 2, 4, 8… s, at most `cooldown`; then
      nobody is let in.
    - A token with an unknown key has them fetched again at once, but not within `cooldown` of the last time.
    """

    def __init__(self, issuer: Issuer, fetch: Fetch, make_key: MakeKey, clock: Callable[[], float]) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._make_key = make_key
        self._clock = clock
        self._keys: Keys = {}
        self._names: frozenset[str] = frozenset()
        self._renew_at = self._fresh_until = self._valid_until = -math.inf
        self._cooled_at = self._retry_at = -math.inf
        self._failures = 0
        self._task: asyncio.Task[None] | None = None

    def at_once(self, kid: str, algorithm: str) -> Key | None:
        now = self._clock()
        if now >= self._renew_at:
            self._start(now)
        return self._keys.get((kid, algorithm)) if self._in_force(now) else None

    async def asked(self, kid: str, algorithm: str) -> Key | None:
        now = self._clock()
        if self._in_force(now) and kid in self._names:
            return self._keys.get((kid, algorithm))
        if now >= self._renew_at or now >= self._cooled_at:
            self._start(now)
        if self._task is not None:
            # Not awaited itself: a request that goes away must not stop what others wait for.
            await asyncio.wait([self._task])
        now = self._clock()
        key = self._keys.get((kid, algorithm))
        if not self._in_force(now) or (key is None and self._failures):
            raise NotReady(
                "The keys of this token's issuer cannot be fetched now; try again in a moment.",
                retry_after_s=math.ceil(max(1.0, min(self._retry_at - now, self._issuer.jwks.cooldown))),
            )
        return key

    def is_ready(self) -> bool:
        return self._in_force(self._clock())

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _in_force(self, now: float) -> bool:
        """Old keys count only if the issuer was asked for new ones in vain."""
        return now < self._fresh_until or (self._failures > 0 and now < self._valid_until)

    def _start(self, now: float) -> None:
        if self._task is None and now >= self._retry_at:
            self._task = asyncio.get_running_loop().create_task(self._renew(now))

    async def _renew(self, started: float) -> None:
        jwks = self._issuer.jwks
        try:
            async with asyncio.timeout(_PATIENCE_S):
                keys, life_s = await self.fetched()
        except Exception as error:
            # Whatever it was, it must count as a failure: the next try has to wait.
            self._failures += 1
            self._retry_at = self._clock() + min(jwks.cooldown, 2.0 ** min(self._failures, 16))
            _LOG.warning(
                "the keys of an issuer cannot be fetched",
                extra={"issuer": self._issuer.issuer, "error": type(error).__name__},
            )
        else:
            if not keys:
                _LOG.warning("an issuer has no usable keys", extra={"issuer": self._issuer.issuer})
            self._keys, self._names = keys, frozenset(kid for kid, _ in keys)
            self._failures = 0
            self._renew_at = started + life_s * _RENEW_AFTER
            self._fresh_until = started + life_s
            self._valid_until = self._fresh_until + jwks.outage
            self._cooled_at = started + jwks.cooldown
        finally:
            self._task = None

    async def fetched(self) -> tuple[Keys, float]:
        """The keys as they are now, and how long they are good for. Raises OSError, ValueError."""
        body, cache_control = await self._fetch(self._issuer.jwks.url or await self._discovered())
        return read_keys(body, self._make_key), lifetime(cache_control, self._issuer.jwks.refresh)

    async def _discovered(self) -> str:
        """OpenID Connect Discovery 1.0, 4: the document must be of this very issuer."""
        body, _ = await self._fetch(self._issuer.issuer.rstrip("/") + "/.well-known/openid-configuration")
        document = _document(body)
        url = document.get("jwks_uri")
        if document.get("issuer") != self._issuer.issuer or not isinstance(url, str) or not self._issuer.may_ask(url):
            raise ValueError("the discovery document is not of this issuer")
        return url


def lifetime(cache_control: str | None, refresh_s: float) -> float:
    """How long keys are good for, in seconds."""
    if cache_control is None:
        return refresh_s
    match = _MAX_AGE.search(cache_control)
    said = float(match[1]) if match else refresh_s
    return min(refresh_s, _LEAST_LIFE_S if _NO_STORE.search(cache_control) else max(said, _LEAST_LIFE_S))
