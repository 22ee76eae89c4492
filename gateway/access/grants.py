"""What the bearer of one token may give to another: no more than they have themselves, in no respect.

Limits count as they hold in the end: those of the token, or of its policy where the token says nothing. What is left
out is taken from the giver.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.access.addresses import Networks, covers, network_of
from gateway.access.limits import NO_LIMITS, Limits
from gateway.access.principal import ASKING, DOCUMENTS, Principal, Scope
from gateway.access.token_file import TokenRecord
from gateway.errors import Forbidden, InvalidValue, ModelNotAllowed

WISHES = ("subject", "scopes", "models", "expires_in", "not_before", "networks", "policy", "limits")
LIFE_S = 30 * 86_400
"""How long a token lasts if nothing is said."""
LONGEST_S = 10 * 365 * 86_400
_MOST = 64
_MAX_CHARS = 256
_SCOPE = re.compile("|".join([*(re.escape(scope) for scope in Scope), DOCUMENTS]))
_LIMITS = tuple(field.name for field in fields(Limits))

TokenLimits = Callable[[str, str], Limits | None]
"""What a policy, by a tenant and its name (empty: the tenant's), has as limits of a token; None: no such policy."""


def granted(wishes: Mapping[str, Any], giver: Principal, now: datetime, token_limits: TokenLimits) -> dict[str, Any]:
    """Fields of the record of a new token: all but its id, secret, tenant and origin.

    Raises InvalidValue, whose `param` is the field, or Forbidden for what the giver has not.
    """
    if set(wishes) - set(WISHES):
        raise InvalidValue(f"There is a field that a token has not; it may have {', '.join(WISHES)}.")
    policy = _policy(wishes, giver, token_limits)
    times = _times(wishes, giver, now)
    return {
        "subject": _subject(wishes),
        "scopes": _scopes(wishes, giver),
        "models": _models(wishes, giver),
        "networks": tuple(map(str, _networks(wishes, giver))),
        "policy": policy,
        "limits": _limits(wishes, giver, policy, token_limits),
        **times,
    }


def may_have(giver: Principal, record: TokenRecord, token_limits: TokenLimits) -> bool:
    """Whether a token has nothing that this one has not, so that its bearer may be given its secret."""
    own, other = giver, record.principal()
    if own.token_id == other.token_id:
        return True
    return (
        all(map(own.has, other.scopes))
        and all(map(own.may_use, other.models))
        and (other.policy == own.policy or own.has(Scope.ADMIN_POLICY))
        and (not own.networks or (bool(other.networks) and all(covers(own.networks, n) for n in other.networks)))
        and (own.expires is None or (other.expires is not None and other.expires <= own.expires))
        and _is_limited(other, own, token_limits)
    )


def _is_limited(token: Principal, giver: Principal, token_limits: TokenLimits) -> bool:
    """Whether all limits of a token are at most the giver's."""
    caps = _in_force(giver.limits, giver.tenant, giver.policy, token_limits)
    limits = _in_force(token.limits, token.tenant, token.policy, token_limits)
    return all(_at_most(getattr(limits, name), getattr(caps, name)) for name in _LIMITS)


def _at_most(limit: int | None, cap: int | None) -> bool:
    return cap is None or (limit is not None and limit <= cap)


def _in_force(own: Limits | None, tenant: str, policy: str, token_limits: TokenLimits) -> Limits:
    return (own or NO_LIMITS).instead_of(token_limits(tenant, policy) or NO_LIMITS)


def _subject(wishes: Mapping[str, Any]) -> str:
    subject = wishes.get("subject", "")
    if not isinstance(subject, str) or len(subject) > _MAX_CHARS:
        raise InvalidValue(f"subject is a name of at most {_MAX_CHARS} characters.", param="subject")
    return subject


def _scopes(wishes: Mapping[str, Any], giver: Principal) -> tuple[str, ...]:
    scopes = _texts(wishes, "scopes")
    if scopes is None:
        scopes = tuple(scope for scope in ASKING if giver.has(scope))
        if not scopes:
            raise InvalidValue("scopes is required: this token has none of those that a new one has.", param="scopes")
    if not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise InvalidValue(f"The scopes are {', '.join(Scope)} and docs:NAME.", param="scopes")
    if not all(map(giver.has, scopes)):
        raise Forbidden("This token can give no scope that it lacks itself; ask for one that has it.", param="scopes")
    return scopes


def _models(wishes: Mapping[str, Any], giver: Principal) -> tuple[str, ...]:
    models = _texts(wishes, "models")
    if models is None:
        return tuple(sorted(giver.models))
    # `*` may be used by whoever has it.
    if not all(map(giver.may_use, models)):
        raise ModelNotAllowed("This token can give no model that it may not use itself.", param="models")
    return models


def _networks(wishes: Mapping[str, Any], giver: Principal) -> Networks:
    texts = _texts(wishes, "networks")
    if texts is None:
        return giver.networks
    try:
        networks = tuple(map(network_of, texts))
    except ValueError as error:
        raise InvalidValue(f"networks: {error}.", param="networks") from None
    if giver.networks and not all(covers(giver.networks, network) for network in networks):
        raise Forbidden("This token can give no network from which it may not be used itself.", param="networks")
    return networks


def _policy(wishes: Mapping[str, Any], giver: Principal, token_limits: TokenLimits) -> str:
    policy = wishes.get("policy", giver.policy)
    if not isinstance(policy, str) or len(policy) > _MAX_CHARS:
        raise InvalidValue("policy is the name of a policy of this gateway.", param="policy")
    # Before anything is said of which policies there are.
    if policy != giver.policy and not giver.has(Scope.ADMIN_POLICY):
        raise Forbidden(
            f"To give another policy than its own this token needs the scope {Scope.ADMIN_POLICY}.", param="policy"
        )
    if policy and token_limits(giver.tenant, policy) is None:
        raise InvalidValue("policy is the name of a policy of this gateway.", param="policy")
    return policy


def _limits(wishes: Mapping[str, Any], giver: Principal, policy: str, token_limits: TokenLimits) -> Limits | None:
    asked = wishes.get("limits")
    if asked is None:
        asked = {}
    if not isinstance(asked, dict) or set(asked) - set(_LIMITS):
        raise InvalidValue(f"limits is an object with some of {', '.join(_LIMITS)}.", param="limits")
    try:
        wished = Limits(**asked)
    except ValueError as error:
        raise InvalidValue(f"limits: {error}.", param="limits") from None
    caps = _in_force(giver.limits, giver.tenant, giver.policy, token_limits)
    if any(asked[name] is not None and not _at_most(asked[name], getattr(caps, name)) for name in asked):
        raise Forbidden("This token can give no limit above its own.", param="limits")
    limits = wished.instead_of(giver.limits or NO_LIMITS)
    there = _in_force(limits, giver.tenant, policy, token_limits)
    # Where the other policy is more generous than the giver's limits are.
    lower = [name for name in _LIMITS if not _at_most(getattr(there, name), getattr(caps, name))]
    limits = limits if not lower else Limits(**{name: getattr(caps, name) for name in lower}).instead_of(limits)
    return limits if limits.any else None


def _times(wishes: Mapping[str, Any], giver: Principal, now: datetime) -> dict[str, datetime | None]:
    life_s = wishes.get("expires_in", LIFE_S)
    if type(life_s) is not int or not 0 < life_s <= LONGEST_S:
        raise InvalidValue(f"expires_in is a number of seconds, from 1 to {LONGEST_S}.", param="expires_in")
    expires = now + timedelta(seconds=life_s)
    if giver.expires is not None and expires > giver.expires:
        if "expires_in" in wishes:
            raise Forbidden("This token can give none that outlives it; ask for less time.", param="expires_in")
        expires = giver.expires
    begins = _time(wishes.get("not_before"))
    if begins is not None and begins >= expires:
        raise InvalidValue("The token would have expired before it is in force.", param="not_before")
    return {"created": now, "not_before": begins, "expires": expires}


def _time(text: object) -> datetime | None:
    """RFC 3339 with its zone."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) and len(text) <= _MAX_CHARS else None
        if time is not None and time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidValue("not_before is a time with its zone, such as 2026-01-31T08:00:00Z.", param="not_before")


def _texts(wishes: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """A list of texts that is not empty, or None if nothing is said."""
    texts: Sequence[object] | None = wishes.get(name)
    if texts is None:
        return None
    if not isinstance(texts, list) or not 0 < len(texts) <= _MOST:
        raise InvalidValue(f"{name} is a list of 1 to {_MOST} texts, or left out.", param=name)
    if not all(isinstance(text, str) and 0 < len(text) <= _MAX_CHARS and text.isprintable() for text in texts):
        raise InvalidValue(f"Each of {name} is a text of 1 to {_MAX_CHARS} characters.", param=name)
    return tuple(dict.fromkeys(str(text) for text in texts))
