"""`gateway detect`: what a policy acts on in files, folders and streams of texts."""

from __future__ import annotations

import json
import sys
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from gateway.cli.reading import Outcome, Unread, outcomes
from gateway.evaluate.documents import DocumentError, parse_text
from gateway.pipeline.span import Span
from gateway.policy.load import load_policy

STDIN = Path("-")
PolicyOption = Annotated[Path, typer.Option("--policy", envvar="GATEWAY_POLICY", help="The policy, a YAML file.")]
JobsOption = Annotated[int, typer.Option("--jobs", min=1, max=256, help="Processes that read.")]

_SKIPPED_FOLDERS = frozenset({".git", ".hg", ".svn"})
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SHOWN_CHARS = 200
_PIPE_WIDTH = 180


@dataclass
class _Tally:
    """What became of a run, for its exit code."""

    read: int = 0
    unread: int = 0
    with_findings: int = 0
    findings: int = 0

    def note(self, what: str) -> None:
        self.unread += 1
        typer.echo(what, err=True)

    def count(self, spans: Sequence[Span]) -> None:
        self.read += 1
        self.findings += len(spans)
        self.with_findings += bool(spans)


def detect(
    files: Annotated[list[Path] | None, typer.Argument(help="Files or folders; - is standard input.")] = None,
    policy: PolicyOption = Path("policies/default.yaml"),
    jsonl: Annotated[bool, typer.Option("--jsonl", help='{"id","text"} lines in, {"id","spans"} lines out.')] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON line per finding.")] = False,
    hide_values: Annotated[bool, typer.Option("--hide-values", help="Leave the values out of the table.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Exit code 1 if something was found.")] = False,
    jobs: JobsOption = 1,
) -> None:
    """Show what a policy finds and acts on. Exit codes: 0 done; 2 nothing could be read; 3 some of it could not.

    Offsets are Unicode code points, ends are exclusive; lines and columns begin at 1.
    """
    if jsonl and as_json:
        raise typer.BadParameter("--jsonl has an output of its own; leave --json out")
    paths = files or [STDIN]
    for path in paths:
        if path != STDIN and not path.exists():
            raise typer.BadParameter(f"{path}: there is no such file or folder")
    loaded = load_policy(policy)
    if not files and sys.stdin.isatty():
        typer.echo("reading standard input; end it with Ctrl-D", err=True)
    tally = _Tally()

    def read(texts: Iterator[str]) -> Iterator[Outcome]:
        return outcomes(loaded, texts, jobs)

    if jsonl:
        _lines(paths, read, tally)
    else:
        _files(paths, read, tally, _json_lines if as_json else _table(hide_values))
    raise typer.Exit(_exit_code(tally, check=check))


def _exit_code(tally: _Tally, *, check: bool) -> int:
    if check and tally.findings:
        return 1
    if tally.unread:
        return 3 if tally.read else 2
    return 0


_Read = Callable[[Iterator[str]], Iterator[Outcome]]
_Show = Callable[[Path, str, Sequence[Span]], None]


def _lines(paths: Sequence[Path], read: _Read, tally: _Tally) -> None:
    """JSON lines in, JSON lines out, one for each in the same order."""
    waiting: deque[tuple[str, Any]] = deque()

    def texts() -> Iterator[str]:
        for where, line, number in _numbered_lines(paths):
            try:
                found = parse_text(line, number)
            except DocumentError as error:
                tally.note(f"{where}: {error}")
                continue
            waiting.append((where, found["id"]))
            yield found["text"]

    for outcome in read(texts()):
        where, id_ = waiting.popleft()
        if isinstance(outcome, Unread):
            tally.note(f"{where}: could not be read to its end ({outcome.why})")
            continue
        tally.count(outcome)
        spans = [
            {"start": span.start, "end": span.end, "label": span.entity, "score": round(span.score, 4)}
            for span in outcome
        ]
        sys.stdout.write(json.dumps({"id": id_, "spans": spans}) + "\n")
        sys.stdout.flush()


def _numbered_lines(paths: Sequence[Path]) -> Iterator[tuple[str, bytes, int]]:
    """Where each line that is not empty stands, the line, and its number."""
    for path in paths:
        with sys.stdin.buffer if path == STDIN else path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield f"{path}:{number}", line.removeprefix(_BYTE_ORDER_MARK), number


def _files(paths: Sequence[Path], read: _Read, tally: _Tally, show: _Show) -> None:
    waiting: deque[tuple[Path, str]] = deque()
    with progress_bar() as progress:
        found = list(_walk(paths))
        task = progress.add_task("reading", total=len(found))

        def texts() -> Iterator[str]:
            for path in found:
                text = _text(path)
                if isinstance(text, Unread):
                    tally.note(f"{path}: skipped: {text.why}")
                    progress.advance(task)
                    continue
                waiting.append((path, text))
                yield text

        for outcome in read(texts()):
            path, text = waiting.popleft()
            progress.advance(task)
            if isinstance(outcome, Unread):
                tally.note(f"{path}: could not be read to its end ({outcome.why})")
                continue
            tally.count(outcome)
            show(path, text, outcome)
    typer.echo(f"{tally.findings} found in {tally.with_findings} of {tally.read} texts", err=True)


def progress_bar() -> Progress:
    """On standard error, if that is a terminal."""
    errors = Console(stderr=True)
    # A bar takes over standard output too, which is right where both are the same terminal, and nowhere else.
    is_same = sys.stdout.isatty()
    return Progress(console=errors, transient=True, disable=not errors.is_terminal, redirect_stdout=is_same)


def _walk(paths: Sequence[Path]) -> Iterator[Path]:
    """The files themselves, and those in folders, by name; links to folders are not followed."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inner = sorted(p for p in path.iterdir() if p.name not in _SKIPPED_FOLDERS)
        yield from _walk([p for p in inner if p.is_file() or (p.is_dir() and not p.is_symlink())])


def _text(path: Path) -> str | Unread:
    try:
        raw = sys.stdin.buffer.read() if path == STDIN else path.read_bytes()
    except OSError as error:
        return Unread(error.strerror or type(error).__name__)
    # Not read as a text file: line ends are kept, so that offsets are those of the file.
    encoding = "utf-16" if raw.startswith(_UTF16_MARKS) else "utf-8"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return Unread("neither UTF-8 nor UTF-16 text")
    return Unread("binary") if "\0" in text else text


class _Lines:
    """The lines of a text, for those who look at it in an editor."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(at + 1 for at, char in enumerate(text) if char == "\n")]

    def place(self, at: int) -> tuple[int, int]:
        """Line and column of a code point, both from 1."""
        line = bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1


def _json_lines(path: Path, text: str, spans: Sequence[Span]) -> None:
    lines = _Lines(text)
    for span in spans:
        line, column = lines.place(span.start)
        finding = {"file": str(path), "line": line, "column": column, "start": span.start, "end": span.end}
        finding |= {"label": span.entity, "score": round(span.score, 4), "source": span.source}
        sys.stdout.write(json.dumps(finding) + "\n")


def wide_console() -> Console:
    """Standard output; a file or a pipe has no width of its own and gets lines long enough for a row."""
    console = Console()
    return console if console.is_terminal else Console(width=max(console.width, _PIPE_WIDTH))


def _table(hide_values: bool) -> _Show:
    console = wide_console()

    def show(path: Path, text: str, spans: Sequence[Span]) -> None:
        if not spans:
            return
        lines = _Lines(text)
        table = Table(title=Text(printable(str(path))), title_justify="left")
        for heading in ("line:column", "start-end", "type", "score", "recognizer", *(() if hide_values else ("text",))):
            is_folded = heading in ("text", "recognizer")
            style = "bold cyan" if heading == "type" else None
            table.add_column(heading, style=style, overflow="fold", no_wrap=not is_folded)
        for span in spans:
            line, column = lines.place(span.start)
            cells = [f"{line}:{column}", f"{span.start}-{span.end}", span.entity, f"{span.score:.2f}", span.source]
            if not hide_values:
                cells.append(printable(text[span.start : span.end]))
            table.add_row(*map(Text, cells))
        console.print(table)

    return show


def printable(text: str, limit: int | None = _SHOWN_CHARS) -> str:
    """On one line and harmless to a terminal: what a text holds must not steer it."""
    shown = text if limit is None or len(text) <= limit else f"{text[: limit - 1]}…"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)
