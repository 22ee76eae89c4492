"""What a check has to say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

_LEAST_SECRET = 6
_HIDDEN = "…"
_YAML = re.compile(r"not valid YAML.*")
# What YAML calls a tag or an alias may be a password that was written without quotes.
_QUOTED = re.compile(r"""'[^']{3,}'|"[^"]{3,}\"""")


class Level(StrEnum):
    """How bad it is. Only a problem makes the command fail."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Result:
    """One line: what was looked at, what is wrong with it, and what to do. The last two are empty if all is well."""

    level: Level
    what: str
    problem: str = ""
    remedy: str = ""


def good(what: str) -> Result:
    return Result(Level.OK, what)


def warn(what: str, problem: str, remedy: str) -> Result:
    return Result(Level.WARNING, what, problem, remedy)


def bad(what: str, problem: str, remedy: str) -> Result:
    return Result(Level.PROBLEM, what, problem, remedy)


def shown(result: Result, secrets: Iterable[str]) -> Result:
    """On one line, without characters that do something to a terminal, and without these secrets.

    No check puts a secret into what it says; this is the second line of defence.
    """
    # The longest first, for one may be a part of another. A word that is too short would stand in every text.
    hidden = sorted((one for one in secrets if len(one) >= _LEAST_SECRET), key=len, reverse=True)

    def clean(text: str) -> str:
        for secret in hidden:
            text = text.replace(secret, _HIDDEN)
        text = _YAML.sub(lambda match: _QUOTED.sub(_HIDDEN, match[0]), text)
        text = "; ".join(line.strip() for line in text.splitlines() if line.strip())
        return "".join(letter if letter.isprintable() else "?" for letter in text)

    return replace(result, what=clean(result.what), problem=clean(result.problem), remedy=clean(result.remedy))
