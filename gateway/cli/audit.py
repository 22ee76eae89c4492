"""`gateway audit`: verify, report, key, heads, pseudonym."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from gateway import __version__
from gateway.cli.detect import printable, wide_console
from gateway.evaluate.audit_report import html, notes, summary
from gateway.evaluate.audit_totals import Totals
from gateway.evaluate.results import Table as Figures
from gateway.observe.audit_heads import SUFFIX, directory_of, heads_in, is_live, texts_in
from gateway.observe.audit_lines import pseudonyms
from gateway.observe.audit_reading import events_in
from gateway.observe.audit_verdict import Level, Remark, Verdict
from gateway.observe.audit_verify import Verifier
from gateway.seal.keyset import Keyset
from gateway.seal.master import master_key as read_master
from gateway.seal.signing import AUDIT_PURPOSE, SUBJECT_PURPOSE, pem, publics, publics_of
from gateway.settings import ConfigurationError

app = typer.Typer(help="The audit log: whether it is what was written, and what it says.", no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(help="Logs, those moved aside and .gz files too, in any order.")]
KeysetFile = Annotated[
    Path | None, typer.Option("--keyset", envvar="GATEWAY_KEYSET", help="The gateway's keyset, from which keys come.")
]
NeededKeyset = Annotated[
    Path, typer.Option("--keyset", envvar="GATEWAY_KEYSET", help="The gateway's keyset, from which keys come.")
]
MasterKey = Annotated[
    str | None, typer.Option("--master-key", envvar="GATEWAY_MASTER_KEY", help="What opens the keyset, as for `serve`.")
]
_DEFAULT_KEYSET = Path("keys.json")
_MOST_CELL = 80


@app.command()
def verify(
    files: Files,
    key: Annotated[
        list[Path] | None, typer.Option("--key", help="A file with public keys, made by `gateway audit key`.")
    ] = None,
    keyset: KeysetFile = None,
    master_key: MasterKey = None,
    heads: Annotated[
        list[Path] | None,
        typer.Option("--heads", help="Heads kept elsewhere: a file made by `gateway audit heads`, or a directory."),
    ] = None,
    part: Annotated[bool, typer.Option("--part", help="These are not all files of the log, on purpose.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write what was found as JSON.")] = False,
) -> None:
    """Find lines that were changed, removed, put in, moved or cut off. No keyset is needed, only its public keys.

    Exit codes: 0 all is as it was written; 1 it is not; 3 it is as far as can be said, such as when the last lines are
    not signed yet.
    """
    files = _distinct(files)
    trusted = _trusted(key or [], keyset, master_key)
    places = [*dict.fromkeys([*(heads or []), *_directories(files)])]
    # Before the lines: a head that is newer than them would miss some.
    live = [head.stem for place in places if place.is_dir() for head in place.glob("*.json") if is_live(head)]
    verifier = Verifier(trusted, live=live, is_part=part)
    for place in places:
        try:
            verifier.add_heads(*heads_in(place), str(place))
        except OSError as error:
            raise ConfigurationError(f"{place}: cannot be read ({error.strerror})") from None
    for file in files:
        try:
            verifier.read(file)
        except OSError as error:
            raise ConfigurationError(f"{file}: cannot be read ({error.strerror})") from None
    verdict = verifier.verdict()
    if not places and not part:
        verdict = _without_heads(verdict)
    if as_json:
        typer.echo(json.dumps(_document(verdict), indent=2))
    else:
        _tell(verdict)
    raise typer.Exit(verdict.exit_code)


@app.command()
def report(
    files: Files,
    as_json: Annotated[bool, typer.Option("--json", help="Write the figures as JSON.")] = False,
    html_file: Annotated[Path | None, typer.Option("--html", help="Write a page with charts.")] = None,
) -> None:
    """Show usage by tenant, findings by kind, statuses. It believes what it reads; `gateway audit verify` first."""
    files = _distinct(files)
    totals = Totals()
    for line in _events(files):
        totals.add(line)
    if html_file is not None:
        made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC by gateway {__version__}"
        try:
            html_file.write_text(html(totals, [str(file) for file in files], made), "utf-8")
        except OSError as error:
            raise ConfigurationError(f"{html_file}: cannot be written ({error.strerror})") from None
    if as_json:
        typer.echo(json.dumps(totals.document(), indent=2, ensure_ascii=True))
        return
    console = wide_console()
    console.print(Text(summary(totals)))
    for note in notes(totals):
        console.print(Text(note))
    for title, table in totals.tables():
        console.print(_shown(title, table))


@app.command("key")
def show_key(keyset: NeededKeyset = _DEFAULT_KEYSET, master_key: MasterKey = None) -> None:
    """Print the public keys, with which anybody can verify the log. Keep them where the gateway cannot write; print
    them again after `gateway key rotate`, and before `gateway key retire`."""
    loaded = Keyset.load(keyset, read_master(master_key, keyset))
    for key in loaded.usable():
        (public,) = publics([loaded.key_for(AUDIT_PURPOSE, key.id)[1]])
        typer.echo(f"# {key.id} {public}")
        typer.echo(pem(public), nl=False)


@app.command("heads")
def show_heads(file: Annotated[Path, typer.Argument(help="The log that is written now.")]) -> None:
    """Print how far each chain has come, signed. Kept elsewhere, it shows later that nothing was cut off since."""
    directory = directory_of(file)
    if not directory.is_dir():
        raise ConfigurationError(f"{directory}: there is no such directory; it stands beside the log that is written")
    try:
        texts = texts_in(directory)
    except OSError as error:
        raise ConfigurationError(f"{directory}: cannot be read ({error.strerror})") from None
    for text in texts:
        typer.echo(printable(text, None))


@app.command("pseudonym")
def show_pseudonym(
    subject: Annotated[str, typer.Argument(help="The person's name, as tokens have it.")],
    tenant: Annotated[str, typer.Option(help="Of which tenant.")],
    keyset: NeededKeyset = _DEFAULT_KEYSET,
    master_key: MasterKey = None,
) -> None:
    """Print what the log calls a person, one line for each key of the keyset, the newest first."""
    loaded = Keyset.load(keyset, read_master(master_key, keyset))
    for key in loaded.usable():
        typer.echo(pseudonyms(loaded.key_for(SUBJECT_PURPOSE, key.id)[1])(tenant, subject))


def _distinct(files: list[Path]) -> list[Path]:
    """Each file once, without heads, which `audit.jsonl*` names too. Raises ConfigurationError if one is missing."""
    found: dict[Path, Path] = {}
    for file in files:
        if file.is_dir() and file.suffix == SUFFIX:
            continue
        if not file.is_file():
            raise ConfigurationError(f"{file}: there is no such file")
        found.setdefault(file.resolve(), file)
    return list(found.values())


def _trusted(files: list[Path], keyset: Path | None, master_key: str | None) -> set[str] | None:
    if not files and keyset is None:
        return None
    trusted: set[str] = set()
    for file in files:
        try:
            found = publics_of(file.read_bytes())
        except OSError as error:
            raise ConfigurationError(f"{file}: cannot be read ({error.strerror})") from None
        except ValueError:
            found = []
        if not found:
            raise ConfigurationError(f"{file}: has no public keys for audit logs; `gateway audit key` prints them")
        trusted.update(found)
    if keyset is not None:
        loaded = Keyset.load(keyset, read_master(master_key, keyset))
        trusted.update(publics(loaded.key_for(AUDIT_PURPOSE, key.id)[1] for key in loaded.usable()))
    return trusted


def _directories(files: list[Path]) -> list[Path]:
    """Those of the heads: of `audit.jsonl`, and so of `audit.jsonl.1` and `audit.jsonl-20260131.gz` too."""
    found: dict[Path, None] = {}
    for file in files:
        for directory in sorted(file.resolve().parent.glob(f"*{SUFFIX}")):
            base = directory.name.removesuffix(SUFFIX)
            if directory.is_dir() and (file.name == base or file.name.startswith((f"{base}.", f"{base}-"))):
                found[directory] = None
    return list(found)


def _without_heads(verdict: Verdict) -> Verdict:
    text = "no heads were given and none stand beside the files: chains that were removed whole are not missed"
    remark = Remark(Level.OPEN, "", 0, f"{text}; give --heads")
    return Verdict((*verdict.remarks, remark), verdict.chains, verdict.lines, verdict.keys)


def _tell(verdict: Verdict) -> None:
    order = list(Level)
    for remark in sorted(verdict.remarks, key=lambda remark: order.index(remark.level)):
        typer.echo(printable(f"{remark.level}: {remark}", None), err=remark.level is Level.FOUND)
    states = {state: sum(end.state == state for end in verdict.chains) for state in dict.fromkeys(_states(verdict))}
    told = ", ".join(f"{count} {state}" for state, count in states.items())
    keys = ", ".join(verdict.keys) or "none"
    typer.echo(f"{verdict.lines} lines of {len(verdict.chains)} chains ({told or 'none'}), signed by: {keys}")
    said = {
        0: "all of it is as it was written",
        1: "it is not as it was written",
        3: "nothing wrong was found, but see above",
    }
    typer.echo(said[verdict.exit_code])


def _states(verdict: Verdict) -> list[str]:
    return [end.state for end in verdict.chains]


def _document(verdict: Verdict) -> dict[str, Any]:
    return {
        "exit_code": verdict.exit_code,
        "lines": verdict.lines,
        "keys": list(verdict.keys),
        "chains": [
            {"chain": end.chain, "lines": end.lines, "signed": end.signed, "state": end.state} for end in verdict.chains
        ],
        "remarks": [
            {"level": remark.level.value, "file": remark.file, "line": remark.line, "text": remark.text}
            for remark in verdict.remarks
        ],
    }


def _events(files: list[Path]) -> Iterator[Mapping[str, Any] | None]:
    for file in files:
        try:
            yield from events_in(file)
        except OSError as error:
            raise ConfigurationError(f"{file}: cannot be read ({error.strerror})") from None


def _shown(title: str, figures: Figures) -> Table:
    table = Table(title=title, title_justify="left")
    for index, head in enumerate(figures.heads):
        table.add_column(head, justify="left" if index < figures.names else "right")
    for row in figures.rows:
        table.add_row(*(Text(printable(cell, _MOST_CELL)) for cell in row))
    return table
