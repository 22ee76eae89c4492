"""`gateway reveal`: opens what the action `encrypt` has sealed."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.key import DEFAULT_KEYSET, KeysetFile, MasterKey
from gateway.redact.actions import revealed
from gateway.seal.keyring import Keyring
from gateway.seal.master import master_key as read_master
from gateway.settings import ConfigurationError

_STDIN = Path("-")


def reveal(
    file: Annotated[Path, typer.Argument(help="A text with sealed values; - is standard input.")] = _STDIN,
    tenant: Annotated[str, typer.Option(help="Whose values they are.")] = "",
    keyset: KeysetFile = DEFAULT_KEYSET,
    master_key: MasterKey = None,
) -> None:
    """Print a text with its sealed values as they were. Exit code 1 if some stay sealed: another tenant's, another
    key's, changed on their way, or their tenant is shredded."""
    # Read only: to look at a text makes no salts for a tenant that has none, and needs no right to write.
    keyring = Keyring.open(keyset, read_master(master_key, keyset), read_only=True)
    text, left = revealed(_read(file), partial(keyring.opened, tenant))
    # Not through typer, which takes escape sequences out.
    sys.stdout.write(text)
    if left:
        whose = f"tenant {tenant}" if tenant else "no tenant (see --tenant)"
        typer.echo(f"{left} sealed values could not be opened with this keyset for {whose}", err=True)
        raise typer.Exit(1)


def _read(file: Path) -> str:
    try:
        raw = sys.stdin.buffer.read() if file == _STDIN else file.read_bytes()
        return raw.decode()
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file}: is not UTF-8 text") from None
