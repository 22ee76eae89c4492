"""Reads a policy file. Every problem is `file:line:column: what is wrong, and what would be right`."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import regex
import yaml
from pydantic import ValidationError

from gateway.policy.backtracking import slowness
from gateway.policy.schema import Allowed, Policy
from gateway.settings import ConfigurationError

Place = tuple[str | int, ...]
_MAX_BYTES = 4 * 2**20


class PolicyError(ConfigurationError):
    """One line per problem, in the order of the file."""


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy with the positions of its lines, for problems that are found later."""

    policy: Policy
    digest: str
    """SHA-256 of the file, hexadecimal."""
    path: Path
    marks: dict[Place, tuple[int, int]]

    def problem(self, place: Sequence[str | int], what: str) -> str:
        return _line(self.path, self.marks, place, what)


def load_policy(path: Path) -> PolicyFile:
    """Read, check and position a policy. Raises PolicyError with every problem found."""
    text = _read(path)
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        if node is None:
            raise PolicyError(f"{path}:1:1: the policy is empty; start with `version: 1`")
        marks: dict[Place, tuple[int, int]] = {}
        problems = [_line(path, marks, place, what) for place, what in _walk(node, (), marks)]
        document = yaml.load(text, Loader=yaml.CSafeLoader) if not problems else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        raise PolicyError(f"{path}:{at}: not valid YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise PolicyError(f"{path}:1:1: not valid YAML ({type(error).__name__})") from None
    if problems:
        raise PolicyError("\n".join(problems))
    policy = _validate(document, path, marks)
    loaded = PolicyFile(policy, hashlib.sha256(text.encode()).hexdigest(), path, marks)
    if found := list(_cross_checks(loaded)):
        raise PolicyError("\n".join(found))
    return loaded


def _read(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise PolicyError(f"{path}:1:1: cannot be read ({error.strerror})") from None
    if len(raw) > _MAX_BYTES:
        raise PolicyError(f"{path}:1:1: larger than 4 MiB; is this a policy?")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise PolicyError(f"{path}:{line}:1: not UTF-8 text; save the file as UTF-8") from None


def _walk(node: yaml.Node, place: Place, marks: dict[Place, tuple[int, int]]) -> Iterator[tuple[Place, str]]:
    """Note where each value stands, and yield what YAML itself lets pass: duplicate keys, anchors that repeat."""
    marks.setdefault(place, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            inner = (*place, name)
            marks[inner] = (key.start_mark.line + 1, key.start_mark.column + 1)
            if name in seen:
                yield inner, f"the key {name} stands twice; keep one"
            seen.add(name)
            yield from _walk(value, inner, marks)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(item, (*place, index), marks)


def _line(path: Path, marks: dict[Place, tuple[int, int]], place: Sequence[str | int], what: str) -> str:
    at = tuple(place)
    while at and at not in marks:
        at = at[:-1]
    line, column = marks.get(at, (1, 1))
    return f"{path}:{line}:{column}: {what}"


def _validate(document: object, path: Path, marks: dict[Place, tuple[int, int]]) -> Policy:
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        problems = {_line(path, marks, problem["loc"], _what(problem)) for problem in error.errors(include_url=False)}
        raise PolicyError("\n".join(sorted(problems, key=_position))) from None


def _position(line: str) -> tuple[int, int, str]:
    match = re.search(r":(\d+):(\d+): ", line)
    return (int(match[1]), int(match[2]), line) if match else (0, 0, line)


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
    schema = Policy.model_json_schema()
    node: dict[str, Any] = schema
    for part in place[:-1]:
        node = _child(schema, node, part)
    names = list(node.get("properties", {}))
    close = difflib.get_close_matches(str(place[-1]), names, 1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; the keys here are: {', '.join(names)}" if names else ""


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
