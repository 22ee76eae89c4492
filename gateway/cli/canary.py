"""`gateway canary`: make, list."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gateway.cli.key import DEFAULT_KEYSET, KeysetFile, MasterKey
from gateway.guard.canaries import edit_records, load_records, new_canary
from gateway.seal.keyring import Keyring
from gateway.seal.master import master_key as read_master

app = typer.Typer(help="Canaries: phrases to plant, which no answer may say.", no_args_is_help=True)

CanariesFile = Annotated[
    Path, typer.Option("--canaries", envvar="GATEWAY_CANARIES", help="The file of canaries, which keeps no phrase.")
]
DEFAULT_CANARIES = Path("canaries.yaml")


@app.command()
def make(
    canaries: CanariesFile = DEFAULT_CANARIES,
    count: Annotated[int, typer.Option("--count", min=1, max=10_000, help="How many.")] = 1,
    label: Annotated[str, typer.Option("--label", help="Where you will plant them, such as hr/2026.")] = "canary",
    keyset: KeysetFile = DEFAULT_KEYSET,
    master_key: MasterKey = None,
) -> None:
    """Make phrases and print them: on each line an id, a tab and a phrase. They are shown this once.

    Plant each in one place, as a sentence of its own; repeat it there a few times if a model is to learn it. The file
    keeps ids, labels and dates.
    """
    today = datetime.now(UTC).date()
    with (
        Keyring.open(keyset, read_master(master_key, keyset), read_only=True) as keyring,
        edit_records(canaries) as records,
    ):
        made = [new_canary(keyring, label, today) for _ in range(count)]
        records.update((record.id, record) for record, _ in made)
    # After the file is on the disk: a phrase that is planted and not in the file would never be found.
    for id_, phrase in ((record.id, phrase) for record, phrase in made):
        typer.echo(f"{id_}\t{phrase}")


@app.command("list")
def list_canaries(canaries: CanariesFile = DEFAULT_CANARIES) -> None:
    """Show ids, labels and dates."""
    table = Table("id", "label", "made")
    for record in load_records(canaries).values():
        table.add_row(record.id, record.label, f"{record.made:%Y-%m-%d}")
    Console().print(table)
