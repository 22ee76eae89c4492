"""`gateway index`: build, add, remove, inspect, merge, verify, check."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import TransferSpeedColumn as RateColumn
from rich.table import Table
from rich.text import Text

from gateway.cli.detect import printable, wide_console
from gateway.cli.key import DEFAULT_KEYSET, KeysetFile, MasterKey
from gateway.guard.regurgitation import Index, IndexKey, Passage, Rule, part_of, write_index
from gateway.guard.regurgitation.reading.build import (
    Reading,
    Watcher,
    of_stream,
    read_into_parts,
    standard_input,
)
from gateway.guard.regurgitation.reading.documents import Fault, Labels
from gateway.guard.regurgitation.reading.encoding import decoded, without_halves
from gateway.guard.regurgitation.reading.extracted import Unreadable
from gateway.guard.regurgitation.reading.limits import LIMITS
from gateway.guard.regurgitation.reading.parts import Record
from gateway.guard.regurgitation.reading.sources import STDIN, Found, Source, found
from gateway.guard.regurgitation.reading.workers import Task
from gateway.seal.keyring import Keyring
from gateway.seal.master import master_key as read_master
from gateway.settings import ConfigurationError

app = typer.Typer(help="Indexes of protected documents, whose words must not leave.", no_args_is_help=True)

_LINE_EVERY_S = 10.0
_MB = 10**6
_LETTERS_PER_WORD = 5
_VERSION = 1
"""Of the file: `Index.open` refuses all others."""


class IdFrom(StrEnum):
    """What a file's document is called."""

    PATH = "path"
    NAME = "name"


Paths = Annotated[list[Path], typer.Argument(help="Files or folders; - is standard input.")]
IndexFile = Annotated[Path, typer.Argument(help="The index.", metavar="FILE")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Where to write the index.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, max=256, help="Processes that read; by default one per core.")]
Public = Annotated[bool, typer.Option("--public", help="The documents may be quoted to anybody.")]
Scopes = Annotated[
    list[str] | None, typer.Option("--scope", help="Who holds this scope may be quoted the documents. Repeatable.")
]
Ids = Annotated[IdFrom, typer.Option("--id-from", help="Call a file's document by its path or by its name alone.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run was.")]
_CORES = os.cpu_count() or 1


@app.command()
def build(
    paths: Paths,
    output: Output,
    keyset: KeysetFile = DEFAULT_KEYSET,
    master_key: MasterKey = None,
    jobs: Jobs = _CORES,
    public: Public = False,
    scope: Scopes = None,
    id_from: Ids = IdFrom.PATH,
    resume: Resume = False,
) -> None:
    """Make an index of documents. It holds keyed hashes, none of their words.

    Read are text, Markdown, HTML, PDF, Word (.docx), CSV and TSV: a file is a document; and JSON lines
    {"id","text"[,"public","scopes"]}: a line is a document. Text formats may be packed (.gz, .xz).

    Exit codes: 0 done; 2 nothing could be read; 3 some documents could not, and are left out.
    """
    if output.is_dir():
        raise typer.BadParameter(f"{output}: is a folder; name a file in it", param_hint="--output")
    labels = Labels(public, tuple(scope or ()), id_from is IdFrom.NAME)
    with _keyring(keyset, master_key) as keyring:
        key = IndexKey.of(keyring)
        with _read(output, paths, key, labels, jobs, resume) as reading:
            write_index(output, reading.parts, key)
        _tell(Index.open(output, keyring), reading)


@app.command()
def add(
    file: IndexFile,
    paths: Paths,
    keyset: KeysetFile = DEFAULT_KEYSET,
    master_key: MasterKey = None,
    jobs: Jobs = _CORES,
    public: Public = False,
    scope: Scopes = None,
    id_from: Ids = IdFrom.PATH,
    resume: Resume = False,
) -> None:
    """Add documents to an index. One whose id is there already takes its place. Exit codes as for `build`."""
    labels = Labels(public, tuple(scope or ()), id_from is IdFrom.NAME)
    with _opened(file, keyset, master_key) as (index, keyring):
        before = index.header.documents
        with _read(file, paths, index.key, labels, jobs, resume) as reading:
            index.added(reading.parts, file)
        changed = Index.open(file, keyring)
        typer.echo(f"{file}: {before} documents before, {changed.header.documents} now")
    raise typer.Exit(3 if reading.losses else 0)


@app.command()
def remove(
    file: IndexFile,
    ids: Annotated[list[str], typer.Argument(help="Ids of documents, as `inspect --ids` shows them.", metavar="ID…")],
    keyset: KeysetFile = DEFAULT_KEYSET,
    master_key: MasterKey = None,
) -> None:
    """Take documents out of an index. Nothing of theirs stays in it."""
    with _opened(file, keyset, master_key) as (index, _):
        count = index.removed(ids, file)
    typer.echo(f"{file}: {count} documents removed")


@app.command()
def merge(
    files: Annotated[list[Path], typer.Argument(help="Indexes of one key; of like ids the last counts.")],
    output: Output,
    keyset: KeysetFile = DEFAULT_KEYSET,
    master_key: MasterKey = None,
) -> None:
    """Write several indexes as one."""
    with _keyring(keyset, master_key) as keyring:
        Index.merged([Index.open(file, keyring) for file in files], output)
        typer.echo(f"{output}: {Index.open(output, keyring).header.documents} documents of {len(files)} indexes")


@app.command()
def inspect(
    file: IndexFile,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    ids: Annotated[
        bool, typer.Option("--ids", help="Show each document's id, scopes and whether it is public.")
    ] = False,
    keyset: KeysetFile = DEFAULT_KEYSET,
    master_key: MasterKey = None,
) -> None:
    """Show what is in an index. Words are counted as the filter counts them: one for every five letters."""
    with _opened(file, keyset, master_key) as (index, _):
        shown = _facts(index, ids)
    if as_json:
        typer.echo(json.dumps(shown, indent=2))
        return
    table = Table(show_header=False)
    for name, value in shown.items():
        if name != "ids":
            table.add_row(name.replace("_", " "), Text(_cell(value)))
    wide_console().print(table)
    for document in shown.get("ids", ()):
        labels = " ".join(["public"] * document["public"] + document["scopes"])
        typer.echo(f"{printable(document['id'], limit=None)}\t{printable(labels, limit=None)}")


def _facts(index: Index, ids: bool) -> dict[str, Any]:
    letters = count = public = 0
    scopes: Counter[str] = Counter()
    listed: list[dict[str, Any]] = []
    for _, placed in index.kept():
        document = placed.document
        letters, count, public = letters + placed.end - placed.start, count + 1, public + document.public
        scopes.update(document.scopes)
        if ids:
            listed.append({"id": document.id, "public": document.public, "scopes": list(document.scopes)})
    words = letters // _LETTERS_PER_WORD
    facts = {
        "version": _VERSION,
        "key": index.header.key_id,
        "documents": count,
        "words": words,
        "bytes": index.header.size,
        "bytes_per_word": round(index.header.size / words, 2) if words else None,
        "public": public,
        "scopes": dict(sorted(scopes.items())),
    }
    return facts | ({"ids": listed} if ids else {})


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{printable(name)} ({count})" for name, count in value.items()) or "none"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


@app.command()
def verify(file: IndexFile, keyset: KeysetFile = DEFAULT_KEYSET, master_key: MasterKey = None) -> None:
    """Read every byte of an index. Exit code 1: it is damaged, or was changed without the key."""
    with _keyring(keyset, master_key) as keyring:
        if not file.exists():
            raise ConfigurationError(f"{file}: there is no such file; `gateway index build` makes it")
        try:
            Index.open(file, keyring).verify()
        except ConfigurationError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None
    typer.echo(f"{file}: sound")


@app.command()
def check(
    file: IndexFile,
    text: Annotated[str, typer.Option("--text", help="The text; - is standard input.")],
    show: Annotated[bool, typer.Option("--show", help="Show the pieces of the text that match, too.")] = False,
    words: Annotated[int, typer.Option("--words", min=4, max=32, help="Words that make a passage.")] = 16,
    exact: Annotated[bool, typer.Option("--exact", help="Word for word only, as `near: false`.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write a JSON line for each passage.")] = False,
    keyset: KeysetFile = DEFAULT_KEYSET,
    master_key: MasterKey = None,
) -> None:
    """Which passages of documents stand in a text: ids, and offsets in Unicode code points with exclusive ends.

    Exit codes: 0 none; 1 some.
    """
    with _opened(file, keyset, master_key) as (index, _):
        given = _text(standard_input().read()) if text == str(STDIN) else without_halves(text)
        passages = index.check(given, Rule(words, not exact))
    for passage in passages:
        piece = given[passage.start : passage.end] if show else None
        typer.echo(_json_passage(passage, piece) if as_json else _passage(passage, piece))
    raise typer.Exit(1 if passages else 0)


def _text(raw: bytes) -> str:
    try:
        return decoded(raw).text
    except Unreadable as error:
        raise ConfigurationError(f"standard input: {error.why}") from None


def _passage(passage: Passage, piece: str | None) -> str:
    cells = [f"{passage.start}-{passage.end}", printable(passage.document.id, limit=None), f"{passage.words} words"]
    cells += ["near" if passage.near else "verbatim"]
    cells += [] if piece is None else [printable(piece, limit=None)]
    return "\t".join(cells)


def _json_passage(passage: Passage, piece: str | None) -> str:
    found = {"document": passage.document.id, "start": passage.start, "end": passage.end}
    found |= {"words": passage.words, "near": passage.near}
    return json.dumps(found if piece is None else found | {"text": piece})


@contextmanager
def _keyring(keyset: Path, master_key: str | None) -> Iterator[Keyring]:
    """Raises ConfigurationError."""
    with Keyring.open(keyset, read_master(master_key, keyset), read_only=True) as keyring:
        yield keyring


@contextmanager
def _opened(file: Path, keyset: Path, master_key: str | None) -> Iterator[tuple[Index, Keyring]]:
    """Raises ConfigurationError."""
    with _keyring(keyset, master_key) as keyring:
        yield Index.open(file, keyring), keyring


@contextmanager
def _read(
    index: Path, paths: Sequence[Path], key: IndexKey, labels: Labels, jobs: int, resume: bool
) -> Iterator[Reading]:
    """The parts of what is to be indexed, which are there until the block ends.

    Raises ConfigurationError if nothing could be read.
    """
    sources = _sources(paths)
    total = _size(sources) if isinstance(sources, list) else None

    def task(folder: Path) -> Task:
        return Task(folder, key, part_of, labels, LIMITS)

    try:
        with _Progress(total) as progress, read_into_parts(index, task, sources, jobs, progress, resume) as reading:
            yield reading
    except KeyboardInterrupt:
        typer.echo("interrupted; --resume goes on with what is done", err=True)
        raise


def _size(sources: Sequence[Found]) -> int:
    return sum((source.end or 0) - source.start for source in sources if isinstance(source, Source))


def _tell(index: Index, reading: Reading) -> None:
    """Raises typer.Exit with the code of a build."""
    count = index.header.documents
    twice = reading.documents - count
    if twice:
        typer.echo(f"{twice} documents have the id of a later one, which took their place; give each its own", err=True)
    size = index.header.size / _MB
    typer.echo(f"{index.path}: {count} documents, {reading.chars:,} characters, {size:.1f} MB")
    if reading.losses:
        typer.echo(f"{reading.losses} could not be read, or not whole; the lines above say why", err=True)
    raise typer.Exit(3 if reading.losses or twice else 0)


def _sources(paths: Sequence[Path]) -> Iterable[Found]:
    """Raises typer.BadParameter for a path that is not there, before anything is read."""
    for path in paths:
        if str(path) != STDIN and not path.exists():
            raise typer.BadParameter(f"{path}: there is no such file or folder")
    if STDIN not in map(str, paths):
        return list(found(paths))
    if len(paths) > 1:
        raise typer.BadParameter("- stands alone: standard input is all there is to read")
    if sys.stdin.isatty():
        typer.echo("reading standard input; end it with Ctrl-D", err=True)
    return of_stream(standard_input(), LIMITS.text_chars)


class _Progress(Watcher):
    """A bar on a terminal, a line now and then elsewhere; faults as lines, both on standard error."""

    def __init__(self, total_bytes: int | None) -> None:
        errors = Console(stderr=True)
        self._total = total_bytes
        self._bar = _bar(errors, redirect=sys.stdout.isatty()) if errors.is_terminal else None
        self._task: TaskID | None = None
        self._size_bytes = 0
        self._documents = 0
        self._began = self._told = time.monotonic()

    def __enter__(self) -> _Progress:
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task("reading", total=self._total, documents=0)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def starts_over(self) -> None:
        typer.echo("an interrupted run has left work; all is done anew (--resume goes on with it)", err=True)

    def fault(self, fault: Fault) -> None:
        typer.echo(f"{printable(fault.where, limit=None)}: {printable(fault.why, limit=None)}", err=True)

    def read(self, size_bytes: int, record: Record) -> None:
        self._size_bytes += size_bytes
        self._documents += record.documents
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._size_bytes, documents=self._documents)
        elif time.monotonic() - self._told >= _LINE_EVERY_S:
            self._told = time.monotonic()
            typer.echo(self._line(self._told - self._began), err=True)

    def _line(self, seconds: float) -> str:
        rate = self._size_bytes / seconds
        of = f" of {self._total / _MB:.0f}" if self._total else ""
        line = f"{self._size_bytes / _MB:.0f}{of} MB, {self._documents} documents, {rate / _MB:.1f} MB/s"
        left = (self._total - self._size_bytes) / rate if self._total and rate else None
        return line if left is None else f"{line}, {left:.0f} s left"


def _bar(console: Console, *, redirect: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        RateColumn(),
        TextColumn("{task.fields[documents]} documents"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=redirect,
    )
