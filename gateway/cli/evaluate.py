"""`gateway evaluate`: how well a policy finds what somebody has marked in texts, as figures and as reports."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import platform
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway import __version__
from gateway.cli.detect import JobsOption, PolicyOption, printable, progress_bar, wide_console
from gateway.cli.reading import Outcome, Unread, outcomes
from gateway.evaluate.documents import Document, DocumentError, Mark, parse
from gateway.evaluate.report import html, markdown
from gateway.evaluate.results import ALL, Circumstances, Evaluation, Reading
from gateway.evaluate.results import Table as Figures
from gateway.evaluate.score import Judged, worst_first
from gateway.pipeline.exchange import Deadline
from gateway.pipeline.span import Span, merge
from gateway.policy.load import PolicyFile, load_policy
from gateway.redact.stock import StockPresidio
from gateway.settings import ConfigurationError

_GATEWAY, _STOCK = "gateway", "stock Presidio"
_PACKAGES = ("presidio-analyzer", "spacy", "phonenumbers")
_STOCK_SECONDS = 60.0
_CPU_NAMES = Path("/proc/cpuinfo")


class Beside(StrEnum):
    """What to compare with."""

    STOCK = "stock"


_Read = Callable[[Iterable[str]], Iterator[Outcome]]


def evaluate(
    data: Annotated[list[Path], typer.Argument(help="Marked texts: .jsonl, .jsonl.gz or .jsonl.xz files.")],
    policy: PolicyOption = Path("policies/default.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="Write the figures as JSON.")] = False,
    html_file: Annotated[
        Path | None, typer.Option("--html", help="Write a page with every text and what was found in it.")
    ] = None,
    markdown_file: Annotated[Path | None, typer.Option("--markdown", help="Write the figures as Markdown.")] = None,
    worst: Annotated[int, typer.Option("--worst", min=0, help="Show so many texts with the worst faults.")] = 0,
    beside: Annotated[Beside | None, typer.Option("--beside", help="Compare with Presidio as it comes.")] = None,
    jobs: JobsOption = 1,
) -> None:
    """Measure detection on texts in which personal data is marked.

    Each line is {"id", "text", "spans": [{"start", "end", "label"}], "optional": […]}; what is `optional` may be found
    or not. Exit codes: 0 done; 3 some texts could not be read and are left out.
    """
    loaded = load_policy(policy)
    sets = [(_name(path), list(_documents(path))) for path in data]
    systems: dict[str, _Read] = {_GATEWAY: lambda texts: outcomes(loaded, texts, jobs)}
    if beside is Beside.STOCK:
        stock = StockPresidio(loaded.policy.redact)
        systems[_STOCK] = lambda texts: (_of_stock(stock, text) for text in texts)
    unread: list[str] = []
    readings = tuple(_readings(sets, systems, unread))
    evaluation = Evaluation(_circumstances(loaded, data, beside), readings)
    if html_file:
        # A text may hold half of a surrogate pair, which no file can.
        html_file.write_text(html(evaluation), "utf-8", errors="replace")
    if markdown_file:
        markdown_file.write_text(markdown(evaluation), "utf-8", errors="replace")
    if as_json:
        typer.echo(json.dumps(evaluation.as_json(), indent=2))
    else:
        _show(evaluation, worst)
    for line in unread:
        typer.echo(line, err=True)
    raise typer.Exit(3 if unread else 0)


def _readings(
    sets: Sequence[tuple[str, list[Document]]], systems: dict[str, _Read], unread: list[str]
) -> Iterator[Reading]:
    """Set by set, each as every system read it."""
    documents = [(number, document) for number, (_, inner) in enumerate(sets) for document in inner]
    judged: dict[tuple[int, str], list[Judged]] = {(n, system): [] for n in range(len(sets)) for system in systems}
    with progress_bar() as progress:
        task = progress.add_task("reading", total=len(systems) * len(documents))
        for system, read in systems.items():
            found = read(document.text for _, document in documents)
            for (number, document), outcome in zip(documents, found, strict=True):
                progress.advance(task)
                if isinstance(outcome, Unread):
                    name = sets[number][0]
                    unread.append(f"{name}: a text was left out, {system} could not read it ({outcome.why})")
                else:
                    judged[number, system].append(Judged(document, tuple(map(_mark, outcome))))
    return (Reading.of(sets[number][0], system, texts) for (number, system), texts in judged.items())


def _of_stock(stock: StockPresidio, text: str) -> Outcome:
    try:
        found = stock.detect([text], Deadline.after(time.monotonic, _STOCK_SECONDS))[0]
    except Exception as error:  # as with the gateway: one text that cannot be read is one text
        return Unread(type(error).__name__)
    return merge(found)


def _mark(span: Span) -> Mark:
    return Mark(span.start, span.end, span.entity, span.score, span.source)


def _name(path: Path) -> str:
    return path.name.removesuffix(".xz").removesuffix(".gz").removesuffix(".jsonl")


def _documents(path: Path) -> Iterator[Document]:
    """Raises ConfigurationError as `file:line: what`."""
    number = 0
    try:
        with _opened(path) as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield parse(line, number)
    except DocumentError as error:
        raise ConfigurationError(f"{path}:{number}: {error}") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (EOFError, lzma.LZMAError):
        raise ConfigurationError(f"{path}: is damaged, or not compressed as its name says") from None


def _opened(path: Path) -> IO[bytes] | gzip.GzipFile:
    match path.suffix:
        case ".xz":
            return lzma.open(path, "rb")
        case ".gz":
            return gzip.open(path, "rb")
        case _:
            return path.open("rb")


def _circumstances(loaded: PolicyFile, data: Sequence[Path], beside: Beside | None) -> Circumstances:
    words = ["gateway", "evaluate", *map(str, data), "--policy", str(loaded.path)]
    words += ["--beside", beside.value] if beside else []
    return Circumstances(
        command=shlex.join(words),
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
        policy=f"{loaded.policy.name}, engine {loaded.policy.redact.nlp.engine}, SHA-256 {loaded.digest[:12]}…",
        versions={"gateway": __version__, **{name: version(name) for name in _PACKAGES}},
    )


def _processor() -> str:
    try:
        lines = _CPU_NAMES.read_text("utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _show(evaluation: Evaluation, worst: int) -> None:
    console = wide_console()
    console.print(_table("", evaluation.summary()))
    data = ALL if len(evaluation.sets) > 1 else evaluation.sets[0]
    console.print(_table("types", evaluation.labels(data)))
    ours = evaluation.of(ALL)[0].judged
    for judged in worst_first(ours)[:worst]:
        _show_text(console, judged)


def _table(title: str, figures: Figures) -> Table:
    table = Table(title=title or None, title_justify="left")
    for index, head in enumerate(figures.heads):
        is_name = index < figures.names
        table.add_column(head, justify="left" if is_name else "right", no_wrap=is_name)
    for row in figures.rows:
        table.add_row(*map(Text, row))
    return table


def _show_text(console: Console, judged: Judged) -> None:
    text = judged.document.text
    alarms = [text[alarm.start : alarm.end] for alarm in judged.false_alarms]
    console.print(Text(f"\n[{printable(judged.document.id)}]", style="bold"))
    console.print(Text(f"leaked: {printable(judged.leaked_text)!r}, false alarms: {[printable(a) for a in alarms]}"))
    console.print(Text("\n".join(printable(line, limit=None) for line in text.splitlines())))
