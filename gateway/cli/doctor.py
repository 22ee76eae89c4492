"""`gateway doctor`: looks at all that can be wrong with how a gateway is set up, before or while it serves."""

from __future__ import annotations

import inspect
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.serve import DEFAULT_FILE, serve
from gateway.doctor.examine import examine
from gateway.doctor.result import Level, Result
from gateway.doctor.setup import resolve

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")]


def doctor(*, as_json: bool = False, config: Path | None = None, **flags: object) -> None:
    """Look at settings, policies, tokens, keys, Redis, model servers, issuers and the machine, and say what to do about
    what is wrong. It takes the options of `gateway serve`, changes nothing and shows no secret. Exit code 1 if there is
    a problem; warnings are none."""
    file = config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    results = examine(resolve(flags, os.environ, file))
    counts = Counter(result.level for result in results)
    typer.echo(_json(results, counts) if as_json else "\n".join([*map(_line, results), _summary(counts)]))
    raise typer.Exit(1 if counts[Level.PROBLEM] else 0)


def _options() -> inspect.Signature:
    """Those of `gateway serve`, so that what it takes is written once."""
    own = inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=AsJson)
    served = inspect.signature(serve, eval_str=True).parameters.values()
    return inspect.Signature([*(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in served), own])


# What typer makes options of.
doctor.__signature__ = _options()  # type: ignore[attr-defined]


def _line(result: Result) -> str:
    said = f"{result.level:<8} {result.what}"
    return said if result.level is Level.OK else f"{said}: {result.problem} -> {result.remedy}"


def _summary(counts: Counter[Level]) -> str:
    return f"{counts[Level.OK]} ok, {counts[Level.WARNING]} warnings, {counts[Level.PROBLEM]} problems"


def _json(results: Sequence[Result], counts: Counter[Level]) -> str:
    document = {
        "ok": counts[Level.OK],
        "warnings": counts[Level.WARNING],
        "problems": counts[Level.PROBLEM],
        "results": [asdict(result) for result in results],
    }
    return json.dumps(document, ensure_ascii=False)
