"""The command `gateway`. Exit codes: 0 done; 1 found something; 2 wrong usage or configuration; 3 done in part."""

from __future__ import annotations

import sys

import typer

from gateway import __version__
from gateway.cli import policy, serve, token
from gateway.settings import ConfigurationError

app = typer.Typer(
    name="gateway",
    help="A privacy-preserving gateway in front of LLaMA models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("serve")(serve.serve)
app.add_typer(token.app, name="token")
app.add_typer(policy.app, name="policy")


def _version(show: bool) -> None:
    if show:
        typer.echo(f"gateway {__version__}")
        raise typer.Exit


@app.callback()
def _main(version: bool = typer.Option(False, "--version", callback=_version, is_eager=True)) -> None:
    """A privacy-preserving gateway in front of LLaMA models."""


def run() -> None:
    """Run the command; configuration errors are lines on standard error and exit code 2, not tracebacks."""
    try:
        app()
    except ConfigurationError as error:
        typer.echo(str(error), err=True)
        sys.exit(2)
