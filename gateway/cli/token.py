"""`gateway token`: mint, list, rotate, revoke, pattern."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gateway.access.desk import LONGEST_OVERLAP_S
from gateway.access.limits import Limits
from gateway.access.principal import ASKING, Scope
from gateway.access.token import TOKEN_PATTERN
from gateway.access.token import mint as new_token
from gateway.access.token_file import InvalidRecord, TokenRecord, edit_tokens, load_tokens, new_record
from gateway.settings import ConfigurationError

app = typer.Typer(help="Access tokens.", no_args_is_help=True)

TokensFile = Annotated[Path, typer.Option("--tokens", envvar="GATEWAY_TOKENS", help="The tokens file.")]
TokenId = Annotated[str, typer.Argument(help="The token's id, or the token itself.")]
_OTHERS = [scope for scope in Scope if scope not in ASKING]
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LIMITS = tuple(field.name for field in fields(Limits))
_SHORT = {
    "requests_per_minute": "req/min",
    "tokens_per_minute": "tok/min",
    "concurrent": "at once",
    "tokens_per_day": "tok/day",
    "tokens_per_month": "tok/month",
}
# Where a field of a record comes from, if its option has another name.
_OPTIONS = {"scopes": "scope", "models": "model", "networks": "network", "not_before": "not-before"}
_CHECKSUM = """\
The last 6 characters are a checksum, so that a scanner can tell a token from text that looks like one: the CRC-32 (that
of zlib) of all characters before them, as ASCII, written in base 62 with the digits 0-9A-Za-z in this order, the
highest first, with leading zeros."""


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
    not_before: Annotated[
        str | None, typer.Option(help="When it begins: such as 12h, or 2026-01-31T08:00:00Z (UTC if no zone is given).")
    ] = None,
    network: Annotated[
        list[str] | None, typer.Option(help="Whence it may be used, such as 10.0.0.0/8; else anywhere. Repeatable.")
    ] = None,
    policy: Annotated[str, typer.Option(help="The name of the policy that holds for it.")] = "",
    limit: Annotated[
        list[str] | None, typer.Option(metavar="NAME=N", help=f"Of {', '.join(_LIMITS)}. Repeatable.")
    ] = None,
) -> None:
    """Make a token and print it. It is shown this once: only its hash is kept."""
    now = datetime.now(UTC).replace(microsecond=0)
    token = new_token()
    try:
        record = new_record(
            id=token.id,
            sha256=token.digest,
            tenant=tenant,
            subject=subject,
            scopes=tuple(scope or ASKING),
            models=tuple(model or ("*",)),
            created=now,
            expires=_after(now, "--expires", expires) if expires else None,
            not_before=_begins(not_before, now) if not_before else None,
            networks=tuple(network or ()),
            policy=policy,
            limits=_limits(limit or []),
        )
    except InvalidRecord as error:
        raise ConfigurationError(f"--{_OPTIONS.get(error.field, error.field)}: {error.problem}") from None
    with edit_tokens(tokens) as records:
        records[token.id] = record
    typer.echo(token.text)


@app.command("list")
def list_tokens(
    tokens: TokensFile = Path("tokens.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object per line, for programs.")] = False,
) -> None:
    """Show all tokens of the file, without their secrets."""
    records = load_tokens(tokens).values()
    if as_json:
        for record in records:
            kept = {name: value for name, value in record.written().items() if not name.endswith("sha256")}
            typer.echo(json.dumps(kept, ensure_ascii=False))
        return
    table = Table("id", "tenant", "subject", "scopes", "models", "created", "expires", "only")
    now = datetime.now(UTC)
    for record in records:
        expires = f"{record.expires:%Y-%m-%d %H:%M}" if record.expires else "never"
        if record.is_expired(now):
            expires += " (expired)"
        created = f"{record.created:%Y-%m-%d %H:%M}"
        scopes, models = " ".join(record.scopes), " ".join(record.models)
        table.add_row(record.id, record.tenant, record.subject, scopes, models, created, expires, _only(record, now))
    Console().print(table)


@app.command()
def rotate(
    token: TokenId,
    tokens: TokensFile = Path("tokens.yaml"),
    overlap: Annotated[
        str, typer.Option(help="How long the old one is good, too, such as 24h; at most 7d. After it, or 0s: no more.")
    ] = "0s",
) -> None:
    """Give a token a new secret and print it; its id and all else stay. A running gateway follows within a second."""
    now = datetime.now(UTC).replace(microsecond=0)
    rest = _duration("--overlap", overlap)
    if rest > timedelta(seconds=LONGEST_OVERLAP_S):
        raise ConfigurationError("--overlap: at most 7d; who needs longer has two tokens")
    with edit_tokens(tokens) as records:
        token_id = _known(token, records)
        if records[token_id].is_expired(now):
            raise ConfigurationError("this token has expired; mint a new one")
        new = new_token(token_id)
        records[token_id] = records[token_id].rotated(new, now, now + rest)
    typer.echo(new.text)


@app.command()
def revoke(token: TokenId, tokens: TokensFile = Path("tokens.yaml")) -> None:
    """Make a token invalid. A running gateway follows within a second."""
    with edit_tokens(tokens) as records:
        token_id = _known(token, records)
        del records[token_id]
    typer.echo(f"revoked {token_id}")


@app.command()
def pattern() -> None:
    """Print the regular expression of tokens, for scanners that look for secrets, and how their checksum is made."""
    typer.echo(TOKEN_PATTERN)
    typer.echo(_CHECKSUM, err=True)


def _known(token: str, records: dict[str, TokenRecord]) -> str:
    """The id. Whoever names the token itself is not told it again."""
    match = re.fullmatch(r"(?:pgw_)?([0-9A-Za-z]{8})(?:_.*)?", token)
    if match is None or match[1] not in records:
        raise ConfigurationError("there is no such token; `gateway token list` shows their ids")
    return match[1]


def _only(record: TokenRecord, now: datetime) -> str:
    """What a token is held to besides its scopes and models, and what else there is to know, in few words."""
    said = [f"from {record.not_before:%Y-%m-%d %H:%M}"] if record.is_early(now) else []
    said += [f"in {' '.join(map(str, record.networks))}"] if record.networks else []
    said += [f"policy {record.policy}"] if record.policy else []
    limits = record.written().get("limits", {})
    said += [f"{number} {_SHORT.get(name, name)}" for name, number in limits.items()]
    if record.old_until is not None and now < record.old_until:
        said.append(f"old secret until {record.old_until:%Y-%m-%d %H:%M}")
    return ", ".join(said)


def _limits(texts: list[str]) -> Limits | None:
    numbers: dict[str, int] = {}
    for text in texts:
        name, _, number = text.partition("=")
        if name not in _LIMITS or name in numbers or not re.fullmatch(r"[0-9]{1,12}", number):
            raise ConfigurationError(f"--limit: expected NAME=N, each name once, of {', '.join(_LIMITS)}")
        numbers[name] = int(number)
    try:
        return Limits(**numbers) if numbers else None
    except ValueError as error:
        raise ConfigurationError(f"--limit: {error}") from None


def _begins(text: str, now: datetime) -> datetime:
    if re.fullmatch(r"\d+[smhdw]", text):
        return _after(now, "--not-before", text)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            "--not-before: expected a time such as 2026-01-31T08:00:00Z, or how long until then, such as 12h"
        ) from None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _after(now: datetime, option: str, text: str) -> datetime:
    try:
        return now + _duration(option, text)
    except OverflowError:
        raise ConfigurationError(f"{option}: later than the year 9999") from None


def _duration(option: str, text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,6})([smhdw])", text)
    if match is None:
        raise ConfigurationError(f"{option}: expected a number and a unit, such as 30d, 12h or 45m")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])
