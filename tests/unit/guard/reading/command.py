"""A group of commands as `gateway` runs it."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout

import typer

from gateway.settings import ConfigurationError
from tests.support.gateway import Done


def run(app: typer.Typer, *arguments: str) -> Done:
    out, errors = io.StringIO(), io.StringIO()
    code = 0
    with redirect_stdout(out), redirect_stderr(errors):
        try:
            app(args=arguments)
        except ConfigurationError as error:
            typer.echo(str(error), err=True)
            code = 2
        except SystemExit as stopped:
            code = int(stopped.code or 0)
    return Done(code, out.getvalue(), errors.getvalue())
