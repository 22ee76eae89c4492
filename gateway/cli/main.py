"""The command `gateway`. Exit codes: 0 done; 1 found something; 2 wrong usage or configuration; 3 done in part."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from gateway import __version__
from gateway.cli import audit, cache, canary, detect, doctor, evaluate, index, key, policy, probe, reveal, serve, token
from gateway.settings import ConfigurationError

app = typer.Typer(
    name="gateway",
    help="A privacy-preserving gateway in front of LLaMA models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("serve")(serve.serve)
app.command("doctor")(doctor.doctor)
app.command("detect")(detect.detect)
app.command("evaluate")(evaluate.evaluate)
app.command("reveal")(reveal.reveal)
app.command("probe")(probe.probe)
app.add_typer(token.app, name="token")
app.add_typer(key.app, name="key")
app.add_typer(cache.app, name="cache")
app.add_typer(audit.app, name="audit")
app.add_typer(policy.app, name="policy")
app.add_typer(index.app, name="index")
app.add_typer(canary.app, name="canary")


def _version(show: bool) -> None:
    if show:
        typer.echo(f"gateway {__version__}")
        raise typer.Exit


@app.callback()
def _main(version: bool = typer.Option(False, "--version", callback=_version, is_eager=True)) -> None:
    """A privacy-preserving gateway in front of LLaMA models."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; configuration errors are lines on standard error, not tracebacks."""
    try:
        app(args=arguments)
    except ConfigurationError as error:
        typer.echo(str(error), err=True)
        return 2
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0


def entry() -> None:
    """The console script."""
    sys.exit(run())
