"""What the OIDC file may say: whose tokens are taken, and what their claims are worth here.

Nothing is granted that the file does not spell out: scopes and models have no default, a tenant that a claim names
must be among those listed, and two issuers never speak for the same person.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gateway.access.principal import DOCUMENTS, Scope
from gateway.policy.quantity import Duration

TENANT = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
Algorithm = Literal["RS256", "ES256", "EdDSA"]
ALGORITHMS: tuple[Algorithm, ...] = ("RS256", "ES256", "EdDSA")
"""Public keys only: with a shared secret everybody who checks tokens could make them."""
ClaimPath = tuple[str, ...]
"""Keys from the claims inwards: `org.id` is ("org", "id")."""


def is_local(host: str | None) -> bool:
    """Whether a host name can only be this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _claim_path(value: object) -> object:
    if not isinstance(value, str):
        return value
    if "/" in value or ":" in value:
        raise ValueError("write a claim whose name is a URL as a list of names: ['https://example.com/org', id]")
    return value.split(".")


def _scope(value: str) -> str:
    if value not in set(Scope) and re.fullmatch(DOCUMENTS, value) is None:
        raise ValueError(f"no such scope; the scopes are: {', '.join(Scope)} and docs:NAME")
    return value


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or not value.isascii() or re.search(r"\s", value):
        raise ValueError("expected a URL such as https://login.example.com/realms/acme")
    if "?" in value or "#" in value or "@" in parts.netloc:
        raise ValueError("the URL may have no query, no fragment and no user name")
    return value


Name = Annotated[str, Field(min_length=1, max_length=256)]
Claim = Annotated[tuple[Name, ...], BeforeValidator(_claim_path), Field(min_length=1, max_length=8)]
Url = Annotated[str, AfterValidator(_url), Field(max_length=1024)]
Tenant = Annotated[str, Field(pattern=TENANT)]
GatewayScope = Annotated[str, AfterValidator(_scope)]
Scopes = Annotated[tuple[GatewayScope, ...], BeforeValidator(_listed)]
Model = Annotated[str, Field(min_length=1, max_length=256)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class _FixedOrClaim(_Part):
    """A value that is the same for all tokens of an issuer, or one that a claim names."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        """`tenant: acme` and `models: ['*']` stand for `{fixed: …}`."""
        return value if isinstance(value, Mapping) else {"fixed": value}

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (getattr(self, "fixed", None) is None) == (getattr(self, "claim", None) is None):
            raise ValueError("give either a value or `{claim: NAME, …}`")
        return self


class TenantRule(_FixedOrClaim):
    """`tenant: acme`, or `tenant: {claim: org.id, among: [acme, beta]}`."""

    fixed: Tenant | None = None
    claim: Claim | None = None
    among: tuple[Tenant, ...] = ()
    """The tenants that this issuer may name; with a claim it must be there, or `any: true`."""
    any: bool = False
    """The issuer may name every tenant, those of opaque tokens too."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.claim is not None and bool(self.among) == self.any:
            raise ValueError("say which tenants the issuer may name: `among: [acme, …]`, or else `any: true`")
        if self.fixed is not None and (self.among or self.any):
            raise ValueError("`among` and `any` belong to a claim")
        return self

    def may_be(self, other: TenantRule) -> bool:
        """Whether both can name the same tenant."""
        return self.any or other.any or bool(self._names() & other._names())

    def _names(self) -> set[str]:
        return {*self.among, *([self.fixed] if self.fixed is not None else [])}


class SubjectRule(_Part):
    """`subject: {claim: sub, prefix: 'okta:'}`."""

    claim: Claim = ("sub",)
    prefix: Annotated[str, Field(max_length=64, pattern=r"^[\x21-\x7e]*$")] = ""
    """Stands before the claim's value, so that the people of two issuers stay apart."""


class ScopesRule(_FixedOrClaim):
    """`scopes: [chat]`, or `scopes: {claim: scope, map: {gateway.chat: chat, hr: docs:hr}}`."""

    fixed: Scopes | None = None
    claim: Claim | None = None
    map: dict[str, Scopes] = {}
    """What each of the issuer's scopes is worth here. Those not named are worth nothing."""

    @model_validator(mode="after")
    def _mapped(self) -> Self:
        if (self.claim is not None) != bool(self.map):
            raise ValueError("a claim needs a `map` from the issuer's scopes to scopes of the gateway")
        return self


class ModelsRule(_FixedOrClaim):
    """`models: [llama]`, `models: ['*']` for all, or `models: {claim: models}`. A claim never means all models."""

    fixed: Annotated[tuple[Model, ...], BeforeValidator(_listed)] | None = None
    claim: Claim | None = None


class Jwks(_Part):
    """Where an issuer's public keys are, and how long they are good for."""

    url: Url | None = None
    file: Annotated[str, Field(min_length=1)] | None = None
    """A path, taken from the folder of the OIDC file."""
    refresh: Annotated[Duration, Field(ge=10, le=86400)] = 600.0
    """Keys are fetched anew after so long, or sooner if the issuer's Cache-Control says so (never under 60 s or
    `refresh`, whichever is less). A key that the issuer has removed is refused after that time."""
    outage: Annotated[Duration, Field(ge=0, le=86400)] = 3600.0
    """Known keys stay in force for so long after `refresh` if the issuer cannot be reached; then all get a 503."""
    cooldown: Annotated[Duration, Field(ge=1, le=3600)] = 30.0
    """A token with an unknown key makes the gateway ask the issuer again, but only once in this time."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        return {} if value == "discovery" else value

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.url is not None and self.file is not None:
            raise ValueError("give a url or a file, not both")
        return self


class Denied(_Part):
    """Tokens and people that are refused although their tokens are good; the file is read again when it changes."""

    jti: Annotated[frozenset[Name], BeforeValidator(_listed)] = frozenset()
    subjects: Annotated[frozenset[Name], BeforeValidator(_listed)] = frozenset()
    """Values of the claim that names the subject, without a prefix."""


class Issuer(_Part):
    """One identity provider."""

    issuer: Url
    """As the claim `iss` has it, to the character."""
    audiences: Annotated[tuple[Name, ...], BeforeValidator(_listed), Field(min_length=1)]
    """One of these must be in the claim `aud`."""
    jwks: Jwks = Jwks()
    """`discovery`, or {url: …} or {file: …}."""
    unsafe_http: bool = False
    """Fetch keys without TLS from another machine: who is on the way can then make tokens."""
    algorithms: Annotated[tuple[Algorithm, ...], BeforeValidator(_listed), Field(min_length=1)] = ALGORITHMS
    leeway: Annotated[Duration, Field(ge=0, le=300)] = 30.0
    """How far the clocks may differ."""
    max_age: Annotated[Duration, Field(ge=1)] | None = None
    """Tokens are refused so long after `iat`, whatever `exp` says."""
    token_types: Annotated[tuple[Literal["at+jwt", "JWT"], ...], BeforeValidator(_listed), Field(min_length=1)] = (
        "at+jwt",
        "JWT",
    )
    """The header `typ`. A token without it counts as JWT."""
    id_tokens: Literal["refuse", "allow"] = "refuse"
    """Whether what an issuer makes to tell a client who has logged in opens the gateway too."""
    require: tuple[Claim, ...] = ()
    """Claims that must be there, besides iss, aud, exp and the subject."""
    tenant: TenantRule
    subject: SubjectRule = SubjectRule()
    scopes: ScopesRule
    models: ModelsRule
    deny: Denied = Denied()

    @model_validator(mode="after")
    def _safe(self) -> Self:
        asked = [] if self.jwks.file else [self.jwks.url or self.issuer]
        for url in asked:
            if not self.may_ask(url):
                raise ValueError(
                    f"{url} is not https; use https (or `unsafe_http: true`, which lets others make tokens)"
                )
        return self

    def may_ask(self, url: str) -> bool:
        """Whether keys may be fetched from there. Discovery may not lead from another machine to this one."""
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.hostname:
            return True
        local = is_local(parts.hostname) and is_local(urlsplit(self.jwks.url or self.issuer).hostname)
        return parts.scheme == "http" and (local or self.unsafe_http)


class Oidc(_Part):
    """The OIDC file."""

    version: Literal[1] = 1
    issuers: Annotated[tuple[Issuer, ...], Field(min_length=1)]
