"""`gateway key`: init, rotate, list, retire, shred-tenant."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gateway.seal.errors import SealError
from gateway.seal.keyring import Keyring
from gateway.seal.keyset import Keyset, changed_keyset, create_keyset, refuse_existing
from gateway.seal.master import default_master, make_master
from gateway.seal.master import master_key as read_master
from gateway.settings import ConfigurationError

app = typer.Typer(help="Keysets: the keys that seal what only you may open again.", no_args_is_help=True)

KEYSET_HELP = "The keyset file, made by `gateway key init`."
KeysetFile = Annotated[Path, typer.Option("--keyset", envvar="GATEWAY_KEYSET", help=KEYSET_HELP)]
MASTER_HELP = (
    "Where the key is that opens the keyset: env:NAME, file:PATH or command:PROGRAM; by default KEYSET.master."
)
MasterKey = Annotated[str | None, typer.Option("--master-key", envvar="GATEWAY_MASTER_KEY", help=MASTER_HELP)]
DEFAULT_KEYSET = Path("keys.json")


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="Where to write it. Nothing is ever overwritten.")],
    master_key: MasterKey = None,
) -> None:
    """Make a keyset with one new key, and a master key beside it if you name none. Keep a copy of each, apart: without
    both nothing that was sealed can be opened."""
    refuse_existing(file)
    create_keyset(file, make_master(file) if master_key is None else read_master(master_key, file))
    typer.echo(f"{file}: made, with the key k1; keep a copy in a safe place")
    if master_key is None:
        typer.echo(f"{default_master(file)}: the master key that opens it; keep a copy of it, apart from the keyset's")


@app.command()
def rotate(keyset: KeysetFile = DEFAULT_KEYSET, master_key: MasterKey = None) -> None:
    """Add a new key, which seals from now on; the others still open. A running gateway follows within a second."""
    with changed_keyset(keyset, read_master(master_key, keyset)) as held:
        held[0] = held[0].rotated()
    typer.echo(f"{held[0].active} seals from now on")


@app.command("list")
def list_keys(keyset: KeysetFile = DEFAULT_KEYSET, master_key: MasterKey = None) -> None:
    """Show the keys, without their secrets."""
    loaded = Keyset.load(keyset, read_master(master_key, keyset))
    table = Table("id", "created", "state", "use")
    for key in loaded.keys:
        use = "seals and opens" if key.id == loaded.active else "opens" if key.secret else "none"
        table.add_row(key.id, f"{key.created:%Y-%m-%d %H:%M}", key.state.value, use)
    Console().print(table)


@app.command()
def retire(
    key: Annotated[str, typer.Argument(help="The key's id.", metavar="ID")],
    keyset: KeysetFile = DEFAULT_KEYSET,
    master_key: MasterKey = None,
) -> None:
    """Delete a key. What it sealed can never be opened again, save with a copy of the file."""
    with changed_keyset(keyset, read_master(master_key, keyset)) as held:
        held[0] = held[0].retired(key)
    typer.echo(f"{key} is retired; what it sealed cannot be opened any more")


@app.command("shred-tenant")
def shred_tenant(
    tenant: Annotated[str, typer.Argument(help="Whose values and entries are to be lost.", metavar="TENANT")],
    keyset: KeysetFile = DEFAULT_KEYSET,
    master_key: MasterKey = None,
) -> None:
    """Destroy a tenant's salts. What was sealed for it can never be opened again, in no copy, save with a copy of the
    salts file. A running gateway follows at once. Nothing is asked."""
    keyring = Keyring.open(keyset, read_master(master_key, keyset))
    try:
        destroyed = keyring.shred(tenant)
    except SealError as error:
        raise ConfigurationError(str(error)) from None
    if destroyed:
        typer.echo(f"{tenant}: {destroyed} salts destroyed; what was sealed for it cannot be opened any more")
    else:
        typer.echo(f"{tenant}: nothing to destroy; it has no salts")
