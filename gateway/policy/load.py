"""Reads a policy file. Every problem is `file:line:column: what is wrong, and what would be right`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import regex
from pydantic import ValidationError

from gateway.policy.backtracking import Work, is_too_large, slowness
from gateway.policy.positions import HINTS, Place, Positioned, nearest, positioned, read_positioned, told
from gateway.policy.schema import Allowed, Policy
from gateway.settings import ConfigurationError

_EMPTY = "the policy is empty; start with `version: 1`"


class PolicyError(ConfigurationError):
    """One line per problem, in the order of the file, and of more than a hundred how many more there are."""


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
    if problems := told(_cross_checks(loaded)):
        raise PolicyError(problems)
    return loaded


def _validate(source: Positioned) -> Policy:
    try:
        return Policy.model_validate(source.document)
    except ValidationError as error:
        found = sorted(error.errors(include_url=False), key=lambda problem: source.at(problem["loc"]))
        lines = (source.problem(each["loc"], _what(each, index < HINTS)) for index, each in enumerate(found))
        raise PolicyError(told(dict.fromkeys(lines))) from None


def _what(problem: Any, is_hinted: bool) -> str:
    place = ".".join(str(part) for part in problem["loc"] if part not in ("function-before", "EntityRule"))
    match problem["type"]:
        case "extra_forbidden":
            return f"unknown key {problem['loc'][-1]}{_suggest(problem['loc']) if is_hinted else ''}"
        case "missing":
            return f"{place} is missing"
        case "enum" | "literal_error":
            expected = problem["ctx"]["expected"]
            written = problem["input"]
            names = re.findall(r"'([^']+)'", str(expected))
            close = nearest(written, names) if is_hinted and isinstance(written, str) else None
            return f"{place}: expected {expected}" + (f"; did you mean {close}?" if close else "")
        case _:
            return f"{place}: {str(problem['msg']).removeprefix('Value error, ')}"


def _suggest(place: Sequence[str | int]) -> str:
    """The nearest key that the schema knows at this place, and all of them when none is near."""
    schema = _schema()
    node: dict[str, Any] = schema
    for part in place[:-1]:
        node = _child(schema, node, part)
    names = list(node.get("properties", {}))
    if close := nearest(str(place[-1]), names):
        return f"; did you mean {close}?"
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
    policy, work = loaded.policy, Work()
    for index, recognizer in enumerate(policy.redact.recognizers):
        yield from _pattern_checks(loaded, ("redact", "recognizers", index, "pattern"), recognizer.pattern, work)
    for index, allowed in enumerate(policy.redact.allow):
        if isinstance(allowed, Allowed):
            yield from _pattern_checks(loaded, ("redact", "allow", index, "pattern"), allowed.pattern, work)
    yield from _upstream_checks(loaded)


def _upstream_checks(loaded: PolicyFile) -> Iterator[str]:
    names = dict.fromkeys(["default", *loaded.policy.upstreams])
    unknown = [(name, route) for name, route in loaded.policy.models.items() if route.upstream not in names]
    for index, (name, route) in enumerate(unknown):
        hint = ""
        if index < HINTS:
            close = nearest(route.upstream, names)
            hint = f"; did you mean {close}?" if close else f"; the upstreams are: {', '.join(names)}"
        yield loaded.problem(("models", name, "upstream"), f"no upstream is called {route.upstream}{hint}")


def _pattern_checks(loaded: PolicyFile, place: Place, pattern: str, work: Work) -> Iterator[str]:
    if (problem := _pattern_problem(pattern, work)) is not None:
        yield loaded.problem(place, problem)


def _pattern_problem(pattern: str, work: Work) -> str | None:
    try:
        if is_too_large(pattern):
            return "the pattern is too large when its repeats are written out; repeat less, or less often"
        compiled = regex.compile(pattern)
    except regex.error as error:
        return f"not a regular expression: {error}"
    except RecursionError:
        return "the groups of the pattern are nested too deeply; write it with fewer"
    # First, for even the empty text may be read in too many ways.
    if (problem := slowness(pattern, work)) is not None:
        return problem
    if compiled.match("") is not None:
        return "the pattern matches the empty text; make at least one character required"
    return None
