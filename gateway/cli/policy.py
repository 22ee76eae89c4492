"""`gateway policy`: check, schema, explain, test."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.build import checked_detector, problems_of
from gateway.errors import Blocked
from gateway.pipeline.exchange import Deadline
from gateway.pipeline.prompt import Segment
from gateway.pipeline.span import Span
from gateway.policy.cases import failures
from gateway.policy.load import load_policy
from gateway.policy.schema import Policy
from gateway.redact.harmless import harmless
from gateway.redact.views.views import Views
from gateway.settings import ConfigurationError
from gateway.trial import bound_this_process, sees, trial

app = typer.Typer(help="Policies: the YAML that says what is hidden.", no_args_is_help=True)

_SCHEMA_TITLE = "Policy of the privacy gateway"


@app.command()
def check(
    files: Annotated[list[Path] | None, typer.Argument()] = None,
    sent: Annotated[bool, typer.Option("--sent", hidden=True, help="For POST /admin/policy/check.")] = False,
) -> None:
    """Say what is wrong with policies, as `file:line:column: what, and what is right`. Exit code 1 if so."""
    if sent:
        bound_this_process()
        typer.echo(json.dumps(problems_of(sys.stdin.read())))
        return
    if not files:
        raise typer.BadParameter("name the files to check")
    wrong = 0
    for file in files:
        try:
            checked_detector(load_policy(file))
            typer.echo(f"{file}: ok")
        except ConfigurationError as error:
            wrong += 1
            typer.echo(str(error), err=True)
    raise typer.Exit(1 if wrong else 0)


@app.command()
def schema() -> None:
    """Print the JSON Schema of policies, for editors."""
    document: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Policy.model_json_schema()}
    document["title"] = _SCHEMA_TITLE
    typer.echo(json.dumps(document, indent=2))


@app.command()
def explain(file: Path, text: Annotated[str, typer.Option(help="A text as a user would send it.")]) -> None:
    """Show what a policy finds in a text, by which recognizer, with what score, and what the model would see."""
    loaded = load_policy(file)
    detector = checked_detector(loaded, whole=True)
    deadline = Deadline.after(time.monotonic, loaded.policy.limits.analysis)
    table = Table("text", "entity", "score", "recognizer", "action")
    views = Views([Segment(("text",), text)])
    for read, spans in zip(views.texts, views.admitted(detector.detect(views.texts, deadline)), strict=True):
        for span in sorted(spans, key=lambda span: (span.start, -span.score)):
            row = (read[span.start : span.end], span.entity, f"{span.score:.2f}", span.source)
            table.add_row(*map(Text, (*row, _done(loaded.policy, read, span))))
    console = Console()
    console.print(table)
    with trial(loaded) as chain:
        try:
            typer.echo(f"the model sees: {sees(chain, loaded.policy, text)}")
        except Blocked as blocked:
            typer.echo(f"the request is refused by {blocked.rule}")


def _done(policy: Policy, text: str, span: Span) -> str:
    rule = policy.redact.rule(span.entity)
    if span.score < (rule.threshold or 0):
        return f"none: below {rule.threshold:g}"
    return "none: harmless here" if harmless(text, span) else rule.action.value


@app.command()
def test(files: list[Path]) -> None:
    """Run the test cases of policies. Exit code 1 if one does not hold."""
    failed = 0
    for file in files:
        loaded = load_policy(file)
        with trial(loaded) as chain:
            for index, what in failures(loaded.policy, lambda text: sees(chain, loaded.policy, text)):  # noqa: B023
                failed += 1
                typer.echo(loaded.problem(("tests", index), what), err=True)
        typer.echo(f"{file}: {len(loaded.policy.tests)} cases")
    raise typer.Exit(1 if failed else 0)
