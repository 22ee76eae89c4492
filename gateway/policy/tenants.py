"""The file that says which policy holds for which tenant: policies beside it, and a name for each tenant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.policy.load import PolicyFile, load_policy
from gateway.policy.positions import Positioned, read_positioned, told
from gateway.settings import ConfigurationError


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Literal[1]
    policies: list[str] = []
    tenants: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")], str] = {}


@dataclass(frozen=True, slots=True)
class Tenants:
    """Policies by their names, and the name of each tenant's."""

    policies: dict[str, PolicyFile]
    by_tenant: dict[str, str]


def load_tenants(
    default: Path, path: Path | None, note: Callable[[Path], None] = lambda _: None
) -> tuple[PolicyFile, Tenants]:
    """The policy for all, and what a tenants file says of some. `note` is told of each file before it is read.

    Raises ConfigurationError.
    """
    note(default)
    first = load_policy(default)
    if path is None:
        return first, Tenants({first.policy.name: first}, {})
    note(path)
    source = read_positioned(path, "the tenants file", "the file is empty; start with `version: 1` and `tenants:`", 4)
    file = _validate(source)
    policies = {first.policy.name: first}
    for index, name in enumerate(file.policies):
        note(path.parent / name)
        loaded = load_policy(path.parent / name)
        if (same := policies.setdefault(loaded.policy.name, loaded)) is not loaded:
            what = f"this policy is called {loaded.policy.name}, as {same.path} is; give each a `name:` of its own"
            raise ConfigurationError(source.problem(("policies", index), what))
    if unknown := [tenant for tenant, name in file.tenants.items() if name not in policies]:
        names = ", ".join(sorted(policies))
        what = f"no policy is called {{}}; the policies are: {names}"
        raise ConfigurationError(
            told(source.problem(("tenants", each), what.format(file.tenants[each])) for each in unknown)
        )
    return first, Tenants(policies, file.tenants)


def _validate(source: Positioned) -> _File:
    try:
        return _File.model_validate(source.document)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise ConfigurationError(told(source.problem(each["loc"], _what(each)) for each in problems)) from None


def _what(problem: Any) -> str:
    name = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    match problem["type"]:
        case "extra_forbidden":
            return f"unknown key {name}; the keys are: {', '.join(_File.model_fields)}"
        case "string_pattern_mismatch":
            return f"{name}: a tenant has letters, digits and . _ - only, at most 63, and begins with a letter or digit"
        case _:
            return f"{name or 'the file'}: {problem['msg']}"
