"""`gateway cache`: stats, forget."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from gateway.access.token_file import load_tokens
from gateway.app import keyring_of
from gateway.cache.contents import CacheContents, Forgotten
from gateway.cli.serve import DEFAULT_FILE
from gateway.settings import ConfigurationError, Settings
from gateway.store.choose import store_of
from gateway.store.port import StoreUnavailable, Usage

app = typer.Typer(help="The cache of answers: how much it holds, and how it is made to forget.", no_args_is_help=True)

Result = TypeVar("Result")
ConfigFile = Annotated[Path | None, typer.Option(help="Settings file; gateway.yaml is read if it is there.")]
StoreUrl = Annotated[str | None, typer.Option("--store", help="Where the cache is: redis://… or rediss://…")]
KeysetFile = Annotated[Path | None, typer.Option("--keyset", help="The gateway's keyset.")]
MasterKey = Annotated[str | None, typer.Option("--master-key", help="What opens the keyset, as for `gateway serve`.")]
_IN_MEMORY = "memory://"


@app.command()
def forget(
    tenant: Annotated[str, typer.Option(help="Whose entries.")],
    subject: Annotated[str | None, typer.Option(help="Only what this person asked.")] = None,
    config: ConfigFile = None,
    store: StoreUrl = None,
    keyset: KeysetFile = None,
    master_key: MasterKey = None,
) -> None:
    """Delete entries, and destroy the salts without which no copy of them can be opened, in backups neither.

    Exit code 3: no copy can be opened any more, but the store could not be asked to delete the entries.
    """
    for option, name in (("--tenant", tenant), ("--subject", subject or "")):
        if not name.isprintable():
            raise ConfigurationError(f"{option}: is no name of anybody; it cannot be read as UTF-8 text")
    settings = _settings(config, store, keyset, master_key)
    forgotten = _with_contents(settings, lambda contents: contents.forget(tenant, subject))
    _tell(forgotten, in_memory=settings.store.startswith(_IN_MEMORY))


def _tell(forgotten: Forgotten, *, in_memory: bool) -> None:
    typer.echo(f"{forgotten.salts} salts destroyed: what was sealed under them can be opened by nobody")
    if in_memory:
        typer.echo("the cache is in the memory of the gateway, which follows with its next request")
    elif forgotten.entries is None:
        typer.echo("the store could not be reached; its entries stay, unreadable, until their time is over", err=True)
        raise typer.Exit(3)
    else:
        typer.echo(f"{forgotten.entries} entries deleted")


@app.command()
def stats(
    tokens: Annotated[Path | None, typer.Option(help="The tokens file: the tenants to show.")] = None,
    config: ConfigFile = None,
    store: StoreUrl = None,
    keyset: KeysetFile = None,
    master_key: MasterKey = None,
) -> None:
    """Show how much the cache holds, for each tenant that has a token. Nothing in the store itself says whose it is."""
    settings = _settings(config, store, keyset, master_key)
    if settings.store.startswith(_IN_MEMORY):
        raise ConfigurationError(
            "the cache is in the memory of the gateway: ask it, with GET /admin/cache and a token of scope admin:cache"
        )
    tenants = sorted({record.tenant for record in load_tokens(tokens or settings.tokens).values()})
    try:
        held = _with_contents(settings, lambda contents: _usages(contents, tenants))
    except StoreUnavailable as error:
        raise ConfigurationError(f"setting store: {error.trouble}; is it running, and is the address right?") from None
    table = Table("tenant", "entries", "bytes")
    for tenant, usage in zip(tenants, held, strict=True):
        table.add_row(tenant, str(usage.entries), str(usage.size_bytes))
    Console().print(table)


async def _usages(contents: CacheContents, tenants: list[str]) -> list[Usage]:
    return [await contents.usage(tenant) for tenant in tenants]


def _settings(config: Path | None, store: str | None, keyset: Path | None, master_key: str | None) -> Settings:
    flags: dict[str, object] = {"store": store, "keyset": keyset, "master_key": master_key}
    settings = Settings.resolve(flags, os.environ, config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None))
    if settings.keyset is None:
        raise ConfigurationError("--keyset: without the gateway's keyset nothing in the cache can be told apart")
    return settings


def _with_contents(settings: Settings, work: Callable[[CacheContents], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        store = store_of(settings.store, time.monotonic, settings.store_timeout)
        await store.open()
        try:
            return await work(CacheContents(store, keyring_of(settings)))
        finally:
            await store.close()

    return asyncio.run(run())
