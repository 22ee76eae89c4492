"""`gateway token`: mint, list, revoke."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from gateway.access.principal import ASKING, Scope
from gateway.access.token import mint as new_token
from gateway.access.token_file import TokenRecord, edit_tokens, load_tokens
from gateway.settings import ConfigurationError

app = typer.Typer(help="Access tokens.", no_args_is_help=True)

TokensFile = Annotated[Path, typer.Option("--tokens", envvar="GATEWAY_TOKENS", help="The tokens file.")]
_OTHERS = [scope for scope in Scope if scope not in ASKING]
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@app.command()
def mint(
    tenant: Annotated[str, typer.Option(help="Whom the token belongs to.")],
    tokens: TokensFile = Path("tokens.yaml"),
    subject: Annotated[str, typer.Option(help="Who uses it, a name of your own.")] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help=f"What it may be used for; by default {' and '.join(ASKING)}. Also {', '.join(_OTHERS)}, and "
            "docs:NAME for protected documents that may be quoted to it. Repeatable."
        ),
    ] = None,
    model: Annotated[list[str] | None, typer.Option(help="A public model name, or * for all. Repeatable.")] = None,
    expires: Annotated[
        str | None, typer.Option(help="Such as 12h or 30d; without it the token does not expire.")
    ] = None,
) -> None:
    """Make a token and print it. It is shown this once: only its hash is kept."""
    now = datetime.now(UTC).replace(microsecond=0)
    token = new_token()
    try:
        record = TokenRecord(
            id=token.id,
            sha256=token.digest,
            tenant=tenant,
            subject=subject,
            scopes=tuple(scope or ASKING),
            models=tuple(model or ("*",)),
            created=now,
            expires=now + _duration(expires) if expires else None,
        )
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise ConfigurationError(f"--{problem['loc'][0]}: {problem['msg']}") from None
    with edit_tokens(tokens) as records:
        records[token.id] = record
    typer.echo(token.text)


@app.command("list")
def list_tokens(tokens: TokensFile = Path("tokens.yaml")) -> None:
    """Show all tokens, without their secrets."""
    table = Table("id", "tenant", "subject", "scopes", "models", "created", "expires")
    now = datetime.now(UTC)
    for record in load_tokens(tokens).values():
        expires = f"{record.expires:%Y-%m-%d %H:%M}" if record.expires else "never"
        if record.is_expired(now):
            expires += " (expired)"
        created = f"{record.created:%Y-%m-%d %H:%M}"
        scopes, models = " ".join(record.scopes), " ".join(record.models)
        table.add_row(record.id, record.tenant, record.subject, scopes, models, created, expires)
    Console().print(table)


@app.command()
def revoke(
    token: Annotated[str, typer.Argument(help="The token's id, or the token itself.")],
    tokens: TokensFile = Path("tokens.yaml"),
) -> None:
    """Make a token invalid. A running gateway follows within a second."""
    match = re.fullmatch(r"(?:pgw_)?([0-9A-Za-z]{8})(?:_.*)?", token)
    token_id = match[1] if match else ""
    with edit_tokens(tokens) as records:
        if token_id not in records:
            raise ConfigurationError("there is no such token; `gateway token list` shows their ids")
        del records[token_id]
    typer.echo(f"revoked {token_id}")


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,6})([smhdw])", text)
    if match is None:
        raise ConfigurationError("--expires: expected a number and a unit, such as 30d, 12h or 45m")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])
