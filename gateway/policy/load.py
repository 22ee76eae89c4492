"""Reads a policy file. Every problem is `file:line:column: what is wrong, and what would be right`."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import regex
from pydantic import ValidationError

from gateway.policy.backtracking import is_too_large, slowness
from gateway.policy.positions import Place, Positioned, positioned, read_positioned
from gateway.policy.schema import Allowed, Policy
from gateway.settings import ConfigurationError

_MOST_PROBLEMS = 100
_EMPTY = "the policy is empty; start with `version: 1`"


class PolicyError(ConfigurationError):
    """One line per problem, in the order of the file."""


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy with the positions of its lines, for problems that are found later."""

    policy: Policy
    digest: str
    """SHA-256 of the file, hexadecimal."""
    source: Positioned

    @property
    def path(self) -> Path:
        return self.source.path

    def problem(self, place: Sequence[str | int], what: str) -> str:
        return self.source.problem(place, what)


def load_policy(path: Path) -> PolicyFile:
    """Read, check and position a policy. Raises PolicyError with every problem found."""
    return _loaded(lambda: read_positioned(path, "a policy", _EMPTY, 4))


def parse_policy(text: str, path: Path) -> PolicyFile:
    """The same of a text, as if it stood in a file of that name. Raises PolicyError."""
    return _loaded(lambda: positioned(text, path, _EMPTY))


def _loaded(read: Callable[[], Positioned]) -> PolicyFile:
    try:
        source = read()
    except ConfigurationError as error:
        raise PolicyError(str(error)) from None
    loaded = PolicyFile(_validate(source), hashlib.sha256(source.text.encode()).hexdigest(), source)
    if found := list(_cross_checks(loaded)):
        raise PolicyError("\n".join(found))
    return loaded


def _validate(source: Positioned) -> Policy:
    try:
        return Policy.model_validate(source.document)
    except ValidationError as error:
        found = sorted(error.errors(include_url=False), key=lambda problem: source.at(problem["loc"]))
        problems = dict.fromkeys(source.problem(each["loc"], _what(each)) for each in found[:_MOST_PROBLEMS])
        more = [f"and {len(found) - _MOST_PROBLEMS} more"] if len(found) > _MOST_PROBLEMS else []
        raise PolicyError("\n".join([*problems, *more])) from None


def _what(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"] if part not in ("function-before", "EntityRule"))
    match problem["type"]:
        case "extra_forbidden":
            return f"unknown key {problem['loc'][-1]}{_suggest(problem['loc'])}"
        case "missing":
            return f"{place} is missing"
        case "enum" | "literal_error":
            expected = problem["ctx"]["expected"]
            close = difflib.get_close_matches(str(problem["input"]), re.findall(r"'([^']+)'", str(expected)), 1)
            return f"{place}: expected {expected}" + (f"; did you mean {close[0]}?" if close else "")
        case _:
            return f"{place}: {str(problem['msg']).removeprefix('Value error, ')}"


def _suggest(place: Sequence[str | int]) -> str:
    """The nearest key that the schema knows at this place, and all of them when none is near."""
    schema = _schema()
    node: dict[str, Any] = schema
    for part in place[:-1]:
        node = _child(schema, node, part)
    names = list(node.get("properties", {}))
    close = difflib.get_close_matches(str(place[-1]), names, 1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; the keys here are: {', '.join(names)}" if names else ""


@cache
def _schema() -> dict[str, Any]:
    return Policy.model_json_schema()


def _child(schema: dict[str, Any], node: dict[str, Any], part: str | int) -> dict[str, Any]:
    nodes = node.get("properties", {}).get(part) or node.get("items") or node.get("additionalProperties") or node
    for option in [nodes, *nodes.get("anyOf", [])] if isinstance(nodes, dict) else []:
        if "$ref" in option:
            return dict(schema["$defs"][option["$ref"].rsplit("/", 1)[-1]])
    return nodes if isinstance(nodes, dict) else {}


def _cross_checks(loaded: PolicyFile) -> Iterator[str]:
    """What no single field can see: patterns that do not compile, upstreams that are not there."""
    policy = loaded.policy
    for index, recognizer in enumerate(policy.redact.recognizers):
        yield from _pattern_checks(loaded, ("redact", "recognizers", index, "pattern"), recognizer.pattern)
    for index, allowed in enumerate(policy.redact.allow):
        if isinstance(allowed, Allowed):
            yield from _pattern_checks(loaded, ("redact", "allow", index, "pattern"), allowed.pattern)
    names = ["default", *policy.upstreams]
    for name, route in policy.models.items():
        if route.upstream not in names:
            close = difflib.get_close_matches(route.upstream, names, 1)
            hint = f"; did you mean {close[0]}?" if close else f"; the upstreams are: {', '.join(names)}"
            yield loaded.problem(("models", name, "upstream"), f"no upstream is called {route.upstream}{hint}")


def _pattern_checks(loaded: PolicyFile, place: Place, pattern: str) -> Iterator[str]:
    if is_too_large(pattern):
        yield loaded.problem(
            place, "the pattern is too large when its repeats are written out; repeat less, or less often"
        )
        return
    try:
        compiled = regex.compile(pattern)
    except regex.error as error:
        yield loaded.problem(place, f"not a regular expression: {error}")
        return
    except RecursionError:
        yield loaded.problem(place, "the groups of the pattern are nested too deeply; write it with fewer")
        return
    if compiled.match("") is not None:
        yield loaded.problem(place, "the pattern matches the empty text; make at least one character required")
    elif (problem := slowness(pattern)) is not None:
        yield loaded.problem(place, problem)
