"""Reads the OIDC file. Every problem is `file:line:column: what is wrong, and what would be right`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from gateway.access.issuers import Denied, Issuer, Jwks, ModelsRule, Oidc, ScopesRule, SubjectRule, TenantRule
from gateway.policy.positions import Place, Positioned, read_positioned
from gateway.settings import ConfigurationError

_HINTS = {
    "scopes": "name what these tokens may do: `scopes: [chat]`, or `{claim: scope, map: {NAME: chat}}`",
    "models": "name the models these tokens may use, or `models: ['*']` for all",
    "tenant": "name the tenant of these tokens: `tenant: acme`, or `{claim: org.id, among: [acme]}`",
    "audiences": "name the audience this gateway has at the issuer",
    "issuer": "the value of the claim `iss`, a URL",
    "issuers": "a list of those whose tokens are taken",
}


def load_oidc(path: Path) -> Oidc:
    """Raises ConfigurationError with every problem found, one in a line, in the order of the file."""
    source = read_positioned(path, "the OIDC file", "the file is empty; start with `version: 1` and `issuers:`", 1)
    try:
        oidc = Oidc.model_validate(source.document)
    except ValidationError as error:
        found = {(_at(source, problem["loc"]), _what(problem)) for problem in _told(error)}
        raise ConfigurationError(
            "\n".join(f"{path}:{line}:{column}: {what}" for (line, column), what in sorted(found))
        ) from None
    if clashes := [source.problem(place, what) for place, what in _clashes(oidc.issuers)]:
        raise ConfigurationError("\n".join(clashes))
    return oidc


def _told(error: ValidationError) -> Iterator[Any]:
    """Without lists that are too short only because what they hold is wrong."""
    problems = error.errors(include_url=False, include_input=False)
    places = [problem["loc"] for problem in problems]
    for problem in problems:
        place = problem["loc"]
        inner = any(len(other) > len(place) and other[: len(place)] == place for other in places)
        if problem["type"] != "too_short" or not inner:
            yield problem


def _at(source: Positioned, place: tuple[str | int, ...]) -> tuple[int, int]:
    # In the short form of a rule the key `fixed` is not written.
    return source.at(place if place in source.marks else [part for part in place if part != "fixed"])


def _what(problem: Any) -> str:
    place = problem["loc"]
    name = ".".join(str(part) for part in place if part != "fixed")
    last = str(place[-1]) if place else ""
    match problem["type"]:
        case "extra_forbidden":
            names = list(_keys_at(place[:-1]))
            close = difflib.get_close_matches(last, names, 1)
            return f"unknown key {last}; " + (f"did you mean {close[0]}?" if close else f"the keys: {', '.join(names)}")
        case "missing":
            return f"{name} is missing; {_HINTS.get(last, 'it must be given')}"
        case "literal_error" if "algorithms" in place:
            return f"{name}: expected {problem['ctx']['expected']}; no other algorithm is taken"
        case "string_pattern_mismatch" if "tenant" in place:
            return f"{name}: a tenant has letters, digits and . _ - only, at most 63, and begins with a letter or digit"
        case _:
            return f"{name or 'the file'}: {str(problem['msg']).removeprefix('Value error, ')}"


def _keys_at(place: Sequence[str | int]) -> list[str]:
    parts: dict[str, type[BaseModel]] = {
        "tenant": TenantRule, "subject": SubjectRule, "scopes": ScopesRule, "models": ModelsRule,
        "jwks": Jwks, "deny": Denied,
    }  # fmt: skip
    model = Oidc if not place else parts.get(str(place[-1]), Issuer)
    return [key for key in model.model_fields if key != "fixed"]


def _clashes(issuers: Sequence[Issuer]) -> Iterator[tuple[Place, str]]:
    """What no issuer can see alone: one that stands twice, and two that could name the same person of a tenant."""
    for index, later in enumerate(issuers):
        for former in issuers[:index]:
            if later.issuer == former.issuer:
                yield ("issuers", index, "issuer"), "this issuer stands twice; keep one"
            elif later.tenant.may_be(former.tenant) and _alike(later.subject.prefix, former.subject.prefix):
                yield (
                    ("issuers", index, "tenant"),
                    f"{former.issuer} may name the same tenants, so that its people could pass for these; "
                    "give each issuer other tenants, or subjects of its own: `subject: {prefix: 'NAME:'}`",
                )


def _alike(one: str, other: str) -> bool:
    """Whether a subject with one prefix can be written with the other."""
    return one.startswith(other) or other.startswith(one)
