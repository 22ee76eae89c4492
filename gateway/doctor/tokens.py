"""The tokens file: who may come in, for how long, and who else can read it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gateway.access.token_file import TokenRecord, load_tokens
from gateway.doctor.result import Result, bad, good, warn
from gateway.seal.files import is_open_to_others
from gateway.settings import ConfigurationError

_NAMED = 3
"""Ids that are said of a kind, so that the line stays one."""


@dataclass(frozen=True, slots=True)
class Tokens:
    path: Path
    records: Mapping[str, TokenRecord] = field(default_factory=dict)
    problem: str = ""
    is_open: bool = False


def look(path: Path) -> Tokens:
    try:
        records = load_tokens(path)
        return Tokens(path, records, is_open=is_open_to_others(os.stat(path)))
    except ConfigurationError as error:
        return Tokens(path, problem=str(error))
    except OSError as error:
        return Tokens(path, problem=f"{path}: cannot be read ({error.strerror})")


def judge(
    tokens: Tokens, now: datetime, policies: Collection[str], *, counts_together: bool, has_oidc: bool
) -> Iterator[Result]:
    """`policies`: the names of those that could be read; of none nothing is known."""
    where = f"tokens {tokens.path}"
    if tokens.problem:
        yield bad(where, tokens.problem, f"`gateway token mint --tokens {tokens.path} --tenant NAME`, or mend the file")
        return
    records = list(tokens.records.values())
    if tokens.is_open:
        yield bad(where, "others than its owner may read or change it", f"chmod 600 {tokens.path}")
    expired = [one.id for one in records if one.is_expired(now)]
    endless = [one.id for one in records if one.expires is None]
    limited = [one.id for one in records if one.limits is not None]
    lost = [one.id for one in records if one.policy and policies and one.policy not in policies]
    if limited and not counts_together:
        problem = f"limits of {_few(limited)} are counted by each worker for itself with memory://"
        yield bad(where, problem, "--store redis://…, or --workers 1")
    if lost:
        yield bad(
            where, f"no policy is called as {_few(lost)} asks", "list it in --tenants, or mint anew: docs/policy.md"
        )
    if expired:
        yield warn(where, f"{_few(expired)} expired", "`gateway token revoke ID` takes them out of the file")
    if endless:
        yield warn(
            where, f"{_few(endless)} without an end", "`gateway token mint --expires 90d`, then revoke the old ones"
        )
    if len(expired) == len(records) and not has_oidc:
        yield warn(
            where, "no token in it lets anybody in", f"`gateway token mint --tokens {tokens.path} --tenant NAME`"
        )
    yield good(f"{where}: {len(records)} tokens, {len(records) - len(expired)} in force")


def _few(ids: list[str]) -> str:
    """How many, and the ids of the first ones, which are no secrets."""
    more = ", …" if len(ids) > _NAMED else ""
    return f"{len(ids)} of the tokens ({', '.join(ids[:_NAMED])}{more})"
