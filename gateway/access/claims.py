"""What the claims of a token with a good signature mean here: whether it is in force, and for whom it speaks."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.access.issuers import TENANT, Claim, Issuer
from gateway.access.principal import Principal
from gateway.errors import ExpiredKey, Forbidden, Unauthenticated

_TENANT = re.compile(TENANT)
_LATEST = 253_402_300_799
"""The last second of the year 9999: what is later is no date."""
_MAX_TEXT = 256
_MAX_LIST = 512
_TOKEN_ID_CHARS = 12
_NAMELESS = "token "
"""So begins the name under which the cache keeps what an opaque token without a subject has asked."""
_MODEL = re.compile(r"[^\s*]{1,256}")
# Not in access tokens: an answer to a login (OpenID Connect Core 2 and 3.3.2.11), a notice of an event (RFC 8417).
_LOGIN_CLAIMS = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
_NOT_ACCESS = (("typ", frozenset({"id", "refresh", "offline", "logout"})), ("token_use", frozenset({"id", "refresh"})))


@dataclass(frozen=True, slots=True)
class Accepted:
    """A token that is in force, and until when (Unix time, leeway included)."""

    principal: Principal
    until_s: float


def accept(issuer: Issuer, type_: str, claims: Mapping[str, Any], now_s: float) -> Accepted:
    """`claims` are those of a token of this issuer whose signature is good; `type_` is the header `typ`.

    Raises Unauthenticated, ExpiredKey, or Forbidden if the token is good but names no tenant that is let in.
    """
    _check_kind(issuer, type_, claims)
    _check_audience(issuer, claims.get("aud"))
    until_s = _check_times(issuer, claims, now_s)
    if any(_at(claims, path) is None for path in issuer.require):
        raise Unauthenticated("This token lacks a claim that is required here; ask your issuer for one that has it.")
    subject = _subject(issuer, claims)
    jti = claims.get("jti")
    if jti is not None and not (isinstance(jti, str) and 0 < len(jti) <= _MAX_TEXT and jti.isprintable()):
        raise Unauthenticated("This token's jti is not one.")
    if subject in issuer.deny.subjects or jti in issuer.deny.jti:
        raise Unauthenticated("This token is not valid; it may be mistyped or revoked.")
    principal = Principal(
        token_id=_token_id(issuer.issuer, jti, subject),
        tenant=_tenant(issuer, claims),
        subject=issuer.subject.prefix + subject,
        scopes=_scopes(issuer, claims),
        models=_models(issuer, claims),
        # Without the leeway, which is for clocks that differ: what it mints must not outlive it.
        expires=datetime.fromtimestamp(min(until_s - issuer.leeway, _LATEST), UTC),
    )
    return Accepted(principal, until_s)


def _at(claims: Mapping[str, Any], path: Claim) -> Any:
    """The value at a path of keys, or None."""
    value: Any = claims
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _check_kind(issuer: Issuer, type_: str, claims: Mapping[str, Any]) -> None:
    if type_ not in {name.lower() for name in issuer.token_types}:
        raise Unauthenticated("This is not an access token of the kind that is taken here.")
    if "events" in claims or (issuer.id_tokens == "refuse" and _is_login(type_, claims)):
        raise Unauthenticated("This is an ID token, or another that is not for access; send the access token.")


def _is_login(type_: str, claims: Mapping[str, Any]) -> bool:
    for name, kinds in _NOT_ACCESS:
        kind = claims.get(name)
        if isinstance(kind, str) and kind.lower() in kinds:
            return True
    # One that says it is an access token (RFC 9068) may carry the nonce of the login that it comes from.
    return type_ != "at+jwt" and not _LOGIN_CLAIMS.isdisjoint(claims)


def _check_audience(issuer: Issuer, audience: Any) -> None:
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise Unauthenticated("This token names no audience; ask your issuer for one made for this gateway.")
    if set(named).isdisjoint(issuer.audiences):
        raise Unauthenticated("This token is for another audience; ask your issuer for one made for this gateway.")


def _check_times(issuer: Issuer, claims: Mapping[str, Any], now_s: float) -> float:
    """Until when the token is in force."""
    expires, begins, made = (_time(claims, name) for name in ("exp", "nbf", "iat"))
    if expires is None:
        raise Unauthenticated("This token never expires (it has no exp); tokens must.")
    if begins is not None and now_s + issuer.leeway < begins:
        raise Unauthenticated("This token is not in force yet (nbf); check the clocks.")
    if made is not None and now_s + issuer.leeway < made:
        raise Unauthenticated("This token was made in the future (iat); check the clocks.")
    until_s = float(expires)
    if issuer.max_age is not None:
        if made is None:
            raise Unauthenticated("This token does not say when it was made (iat), and must here.")
        until_s = min(until_s, made + issuer.max_age)
    if now_s >= until_s + issuer.leeway:
        raise ExpiredKey("This token has expired; ask your issuer for a new one.")
    return until_s + issuer.leeway


def _time(claims: Mapping[str, Any], name: str) -> int | None:
    """Whole seconds. RFC 7519 allows fractions too, which nobody needs and parsers read in different ways."""
    if name not in claims:
        return None
    value = claims[name]
    if type(value) is not int or not 0 <= value <= _LATEST:
        raise Unauthenticated("A time in this token (exp, nbf or iat) is not a whole number of seconds since 1970.")
    return value


def _subject(issuer: Issuer, claims: Mapping[str, Any]) -> str:
    value = _at(claims, issuer.subject.claim)
    # Not printable are also halves of surrogates, which no UTF-8 can hold, and marks that nobody sees.
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT or not value.isprintable():
        raise Unauthenticated("This token does not say for whom it speaks; it needs the claim with the subject.")
    if (issuer.subject.prefix + value).startswith(_NAMELESS):
        raise Unauthenticated("This token's subject is a name that the gateway keeps for tokens without one.")
    return value


def _tenant(issuer: Issuer, claims: Mapping[str, Any]) -> str:
    rule = issuer.tenant
    if rule.fixed is not None:
        return rule.fixed
    value = _at(claims, rule.claim or ())
    if not isinstance(value, str) or _TENANT.fullmatch(value) is None or not (rule.any or value in rule.among):
        raise Forbidden("This token names no tenant that is let in here; ask the operator of the gateway.")
    return value


def _scopes(issuer: Issuer, claims: Mapping[str, Any]) -> frozenset[str]:
    rule = issuer.scopes
    if rule.claim is None:
        return frozenset(map(str, rule.fixed or ()))
    names = _texts(_at(claims, rule.claim))
    return frozenset(str(scope) for name in names for scope in rule.map.get(name, ()))


def _models(issuer: Issuer, claims: Mapping[str, Any]) -> frozenset[str]:
    rule = issuer.models
    if rule.claim is None:
        return frozenset(rule.fixed or ())
    return frozenset(name for name in _texts(_at(claims, rule.claim)) if _MODEL.fullmatch(name))


def _texts(value: Any) -> list[str]:
    """A list of texts, or one text with spaces between (RFC 6749, 3.3). What is neither says nothing."""
    if isinstance(value, str):
        return [name for name in value.split(" ") if name][:_MAX_LIST]
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        return []
    return value[:_MAX_LIST]


def _token_id(issuer: str, jti: str | None, subject: str) -> str:
    """Tells tokens apart in the audit log, without being one or a part of one."""
    named = ["jti", jti] if jti is not None else ["sub", subject]
    digest = hashlib.sha256(json.dumps([issuer, *named]).encode("ascii")).hexdigest()
    return f"jwt-{digest[:_TOKEN_ID_CHARS]}"
