"""`gateway key`: init, rotate, list, retire."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gateway.seal.keyset import Keyset, changed_keyset, create_keyset

app = typer.Typer(help="Keysets: the keys that seal what only you may open again.", no_args_is_help=True)

KEYSET_HELP = "The keyset file, made by `gateway key init`."
KeysetFile = Annotated[Path, typer.Option("--keyset", envvar="GATEWAY_KEYSET", help=KEYSET_HELP)]
DEFAULT_KEYSET = Path("keys.json")


@app.command()
def init(file: Annotated[Path, typer.Argument(help="Where to write it. Nothing is ever overwritten.")]) -> None:
    """Make a keyset with one new key. Keep a copy: without it nothing that was sealed can be opened."""
    create_keyset(file)
    typer.echo(f"{file}: made, with the key k1; keep a copy in a safe place")


@app.command()
def rotate(keyset: KeysetFile = DEFAULT_KEYSET) -> None:
    """Add a new key, which seals from now on; the others still open. A gateway follows when it is started again."""
    with changed_keyset(keyset) as held:
        held[0] = held[0].rotated()
    typer.echo(f"{held[0].active} seals from now on")


@app.command("list")
def list_keys(keyset: KeysetFile = DEFAULT_KEYSET) -> None:
    """Show the keys, without their secrets."""
    loaded = Keyset.load(keyset)
    table = Table("id", "created", "state", "use")
    for key in loaded.keys:
        use = "seals and opens" if key.id == loaded.active else "opens" if key.secret else "none"
        table.add_row(key.id, f"{key.created:%Y-%m-%d %H:%M}", key.state.value, use)
    Console().print(table)


@app.command()
def retire(
    key: Annotated[str, typer.Argument(help="The key's id.", metavar="ID")], keyset: KeysetFile = DEFAULT_KEYSET
) -> None:
    """Delete a key. What it sealed can never be opened again, save with a copy of the file."""
    with changed_keyset(keyset) as held:
        held[0] = held[0].retired(key)
    typer.echo(f"{key} is retired; what it sealed cannot be opened any more")
