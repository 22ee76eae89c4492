"""`gateway probe`: how much of some documents a served model has memorised, and how much of that a filter lets out."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.table import Table
from rich.text import Text

from gateway import __version__
from gateway.cli.detect import printable, progress_bar, wide_console
from gateway.cli.key import DEFAULT_KEYSET, KeysetFile, MasterKey
from gateway.evaluate.probe_report import html, markdown, notes, verdict
from gateway.evaluate.probe_results import BRIEF, Probe, Setup, Side
from gateway.evaluate.probe_run import Ask, Heard, Measure, NoProbabilities, Plan, run
from gateway.evaluate.probe_score import LEAST_WORDS
from gateway.evaluate.results import Table as Figures
from gateway.guard.canaries import Canaries, new_canary
from gateway.guard.regurgitation import Index, Rule
from gateway.guard.regurgitation.reading.documents import Fault, Labels, content_of
from gateway.guard.regurgitation.reading.documents import documents as documents_of
from gateway.guard.regurgitation.reading.extracted import Unreadable
from gateway.guard.regurgitation.reading.limits import LIMITS
from gateway.guard.regurgitation.reading.sources import Unusable, found
from gateway.seal.keyring import Keyring
from gateway.seal.master import master_key as read_master
from gateway.settings import ConfigurationError
from gateway.upstream.asking import Asker, AskingError, Question, Server

_STDOUT = Path("-")
_SHOWN_DOCUMENTS = 50
_SHOWN_MODELS = 10
_INDEX_WORDS = (4, 32)


class Kind(StrEnum):
    """How the model is asked."""

    CHAT = "chat"
    COMPLETION = "completion"


Url = Annotated[str, typer.Option("--base-url", help="The model server's API, without the filter; it ends in /v1.")]
FilteredUrl = Annotated[str | None, typer.Option("--filtered-url", help="The same model through the gateway.")]
Model = Annotated[str, typer.Option("--model", help="The model's name on the model server.")]
FilteredModel = Annotated[
    str | None, typer.Option("--filtered-model", help="Its name at the gateway, if it is another.")
]
KeyFile = Annotated[Path | None, typer.Option("--key-file", help="A file with the model server's key.")]
FilteredKeyFile = Annotated[
    Path | None, typer.Option("--filtered-key-file", help="A file with a token of the gateway.")
]
DOCUMENTS_HELP = 'Files or folders of documents, read as by `gateway index`; .jsonl: {"id","text"} lines. Repeatable.'
Documents = Annotated[list[Path] | None, typer.Option("--documents", help=DOCUMENTS_HELP)]
More = Annotated[list[Path] | None, typer.Argument(help="More documents.", metavar="[PATHS]")]
IndexFile = Annotated[Path | None, typer.Option("--index", help="Check answers against this index too.")]
CanariesFile = Annotated[Path | None, typer.Option("--canaries", help="Look for these canaries too.")]
PrefixWords = Annotated[
    list[int] | None,
    typer.Option("--prefix-words", min=1, help="Words to give away. Repeatable; 8 and 16 if left out."),
]
Positions = Annotated[
    int, typer.Option("--positions", min=1, help="Places of a document to ask from; the first is its beginning.")
]
Samples = Annotated[int, typer.Option("--samples", min=1, help="Answers to each prompt.")]
Temperature = Annotated[float, typer.Option("--temperature", min=0, max=2, help="0: always the likeliest token.")]
MaxTokens = Annotated[int, typer.Option("--max-tokens", min=1, help="Of an answer.")]
Words = Annotated[
    int, typer.Option("--words", min=4, help="A verbatim run of so many words makes a document extractable.")
]
KindOption = Annotated[Kind, typer.Option("--kind", help="How to ask: a text to go on with, or a message.")]
Instruction = Annotated[str, typer.Option("--instruction", help="What to write before each prompt.")]
Alternatives = Annotated[int, typer.Option("--alternatives", min=1, help="Phrases to compare each canary with.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, max=1024, help="Requests at the same time.")]
Timeout = Annotated[float, typer.Option("--timeout", min=1, help="Seconds for one answer.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures as JSON; - is standard output.")]
HtmlFile = Annotated[Path | None, typer.Option("--html", help="Write a page with charts.")]
MarkdownFile = Annotated[Path | None, typer.Option("--markdown", help="Write the figures as Markdown.")]
Show = Annotated[bool, typer.Option("--show", help="Show what came back of the documents, also in --json and --html.")]


def probe(
    ctx: typer.Context,
    base_url: Url,
    model: Model,
    paths: More = None,
    documents: Documents = None,
    filtered_url: FilteredUrl = None,
    filtered_model: FilteredModel = None,
    key_file: KeyFile = None,
    filtered_key_file: FilteredKeyFile = None,
    index: IndexFile = None,
    canaries: CanariesFile = None,
    alternatives: Alternatives = 1023,
    keyset: KeysetFile = DEFAULT_KEYSET,
    master_key: MasterKey = None,
    prefix_words: PrefixWords = None,
    positions: Positions = 1,
    samples: Samples = 1,
    temperature: Temperature = 0.0,
    max_tokens: MaxTokens = 256,
    words: Words = LEAST_WORDS,
    kind: KindOption = Kind.COMPLETION,
    instruction: Instruction = "",
    jobs: Jobs = 8,
    timeout: Timeout = 300.0,
    json_file: JsonFile = None,
    html_file: HtmlFile = None,
    markdown_file: MarkdownFile = None,
    show: Show = False,
) -> None:
    """Measure what a model has memorised: give it the beginnings of documents and see how much of the rest comes back.

    Reports name documents by their ids; texts are shown only with --show. Exit codes: 0 done, and nothing can be
    extracted through --filtered-url; 1 something can; 2 nothing could be asked; 3 some requests or documents failed.
    """
    _refuse_equal_samples(samples, temperature)
    servers = _servers((base_url, model, key_file), (filtered_url, filtered_model, filtered_key_file))
    _refuse_missing_folders(json_file, html_file, markdown_file)
    texts, losses = _documents([*(documents or ()), *(paths or ())])
    secrets = _Secrets.read(keyset, master_key, index, canaries, alternatives, words)
    setup = Setup(
        command=_command(ctx),
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        versions={"gateway": __version__},
        servers={side: f"{server.model} at {server.url}" for side, server in servers.items()},
        kind=kind.value,
        prefixes=tuple(dict.fromkeys(prefix_words or (8, 16))),
        positions=positions,
        samples=samples,
        temperature=temperature,
        max_tokens=max_tokens,
        least=words,
        index=index.name if index else "",
    )
    plan = Plan(setup, texts, secrets.canaries, secrets.alternatives, jobs, show, secrets.is_known)
    made = asyncio.run(_asked(plan, servers, instruction, timeout))
    _write(made, json_file, html_file, markdown_file)
    raise typer.Exit(_exit_code(made, losses))


def _refuse_equal_samples(samples: int, temperature: float) -> None:
    if samples > 1 and not temperature:
        raise typer.BadParameter("--samples: all are the same at temperature 0; give a --temperature such as 0.8")


def _servers(
    direct: tuple[str, str, Path | None], filtered: tuple[str | None, str | None, Path | None]
) -> dict[Side, Server]:
    """From addresses, models and key files. Raises typer.BadParameter, ConfigurationError."""
    url, model, key_file = direct
    servers = {Side.DIRECT: Server(_url(url), model, _key(key_file))}
    filtered_url, filtered_model, filtered_key_file = filtered
    if filtered_url is not None:
        servers[Side.FILTERED] = Server(_url(filtered_url), filtered_model or model, _key(filtered_key_file))
    elif filtered_model or filtered_key_file:
        raise typer.BadParameter("--filtered-model and --filtered-key-file need --filtered-url")
    return servers


def _exit_code(made: Probe, losses: int) -> int:
    if made.leaks:
        return 1
    if made.failures and not made.answers and not any(canary.extracted for canary in made.canaries):
        return 2
    return 3 if made.failures or losses else 0


def _url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise typer.BadParameter("an address looks like http://127.0.0.1:8001/v1")
    if parts.username is not None or parts.query or parts.fragment:
        raise typer.BadParameter("an address without keys in it, since reports show it; keys are for --key-file")
    return url.rstrip("/")


def _key(path: Path | None) -> str | None:
    """Raises ConfigurationError."""
    if path is None:
        return None
    try:
        key = path.read_text("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        key = ""
    if not key.isascii() or not key.isprintable() or not key or " " in key:
        raise ConfigurationError(f"{path}: expected a key, in one line and nothing else")
    return key


def _refuse_missing_folders(*files: Path | None) -> None:
    """A probe takes long, so where its figures go is looked at before. Raises ConfigurationError."""
    for file in files:
        if file is not None and file != _STDOUT and (file.is_dir() or not file.parent.is_dir()):
            raise ConfigurationError(f"{file}: cannot be written; name a file in a folder that is there")


def _documents(paths: Sequence[Path]) -> tuple[dict[str, str], int]:
    """Texts by id, and how many could not be read. Raises typer.BadParameter for a path that is not there."""
    texts: dict[str, str] = {}
    losses = 0
    for path in paths:
        if not path.exists():
            raise typer.BadParameter(f"{path}: there is no such file or folder")
    for one in _read(paths):
        if isinstance(one, Fault):
            losses += one.is_loss
            typer.echo(f"{printable(one.where, limit=None)}: {printable(one.why, limit=None)}", err=True)
            continue
        id_, text = one
        same = sum(other == id_ or other.startswith(f"{id_}#") for other in texts) if id_ in texts else 0
        texts[f"{id_}#{same + 1}" if same else id_] = text
    return texts, losses


def _read(paths: Sequence[Path]) -> Iterator[tuple[str, str] | Fault]:
    """Every document, or what is wrong with one; as an index of the same paths would have it."""
    for source in found(paths):
        if isinstance(source, Unusable):
            yield Fault(source.name, source.why, source.is_fault)
            continue
        try:
            raw = content_of(source, LIMITS)
        except Unreadable as error:
            yield Fault(source.name, error.why)
            continue
        for one in documents_of(source, raw, Labels(), LIMITS):
            yield one if isinstance(one, Fault) else (one[0].id, one[1])


@dataclass(frozen=True)
class _Secrets:
    """What needs the keyset."""

    canaries: Mapping[str, str] = field(default_factory=dict, repr=False)
    alternatives: Sequence[str] = field(default=(), repr=False)
    is_known: Callable[[str], bool] | None = None

    @classmethod
    def read(
        cls, keyset: Path, master_key: str | None, index: Path | None, canaries: Path | None, count: int, words: int
    ) -> _Secrets:
        """Raises ConfigurationError."""
        if index is None and canaries is None:
            return cls()
        with Keyring.open(keyset, read_master(master_key, keyset), read_only=True) as keyring:
            is_known = None if index is None else _checker(Index.open(index, keyring), words)
            if canaries is None:
                return cls(is_known=is_known)
            # Drawn in the way of canaries, and planted nowhere.
            today = datetime.now(UTC).date()
            others = [new_canary(keyring, "probe", today)[1] for _ in range(count)]
            return cls(Canaries.load(canaries, keyring).phrases, others, is_known)


def _checker(index: Index, words: int) -> Callable[[str], bool]:
    least, most = _INDEX_WORDS
    rule = Rule(words=min(max(words, least), most))
    return lambda text: bool(index.check(text, rule))


def _command(ctx: typer.Context) -> str:
    """The command as it would be typed again."""
    line = ["gateway", "probe"]
    for parameter in ctx.command.params:
        value = ctx.params.get(parameter.name or "")
        values = list(value) if isinstance(value, list | tuple) else [value]
        for one in values if value != parameter.default else []:
            if one is None or one is False:
                continue
            # An option's name, its value unless it is a flag, or an argument as it stands.
            line += parameter.opts[:1] if parameter.param_type_name == "option" else []
            line += [] if one is True else [one.value if isinstance(one, StrEnum) else str(one)]
    return shlex.join(line)


async def _asked(plan: Plan, servers: Mapping[Side, Server], instruction: str, timeout_s: float) -> Probe:
    """Raises ConfigurationError before the first question if there is none, or a server cannot be asked."""
    if not plan.documents and not plan.canaries:
        raise ConfigurationError("there is nothing to probe with: name --documents or --canaries")
    async with AsyncExitStack() as stack:
        askers = {}
        for side, server in servers.items():
            askers[side] = await stack.enter_async_context(Asker(server, timeout_s, plan.jobs))
            await _refuse_unknown(server, askers[side])
        asks = {side: _ask(asker, plan.setup, instruction) for side, asker in askers.items()}
        with progress_bar() as progress:
            task = progress.add_task("asking", total=plan.most_questions)
            return await run(plan, asks, _measure(askers[Side.DIRECT]), lambda n: progress.advance(task, n))


async def _refuse_unknown(server: Server, asker: Asker) -> None:
    """Raises ConfigurationError."""
    try:
        offered = await asker.models()
    except AskingError as error:
        raise ConfigurationError(f"{server.url}: {error}") from None
    if offered and server.model not in offered:
        names = ", ".join(printable(name) for name in offered[:_SHOWN_MODELS])
        raise ConfigurationError(f"{server.url}: has no model {printable(server.model)!r}; it has {names}")


def _ask(asker: Asker, setup: Setup, instruction: str) -> Ask:
    async def ask(prompt: str, sample: int) -> Heard:
        text = f"{instruction}\n\n{prompt}" if instruction else prompt
        # A seed for each sample, so that both sides get the same ones.
        seed = sample if setup.temperature else None
        is_chat = setup.kind == Kind.CHAT
        try:
            said = await asker.ask(Question(text, is_chat, setup.max_tokens, setup.temperature, seed))
        except AskingError as error:
            return Heard(None, fault=str(error))
        return Heard(said.text, said.is_stopped, said.fault)

    return ask


def _measure(asker: Asker) -> Measure:
    async def measure(texts: Sequence[str]) -> list[float]:
        try:
            return await asker.log_probabilities(texts)
        except AskingError as error:
            raise NoProbabilities(str(error)) from None

    return measure


def _write(made: Probe, json_file: Path | None, html_file: Path | None, markdown_file: Path | None) -> None:
    """To files, and to the terminal unless JSON goes there. Raises ConfigurationError."""
    for file, content in ((json_file, _json), (html_file, html), (markdown_file, markdown)):
        if file is None:
            continue
        text = content(made)
        if file == _STDOUT:
            typer.echo(text)
            continue
        try:
            # An id may hold half of a surrogate pair, which no file can.
            file.write_text(text, "utf-8", errors="replace")
        except OSError as error:
            raise ConfigurationError(f"{file}: cannot be written ({error.strerror})") from None
    if json_file != _STDOUT:
        _show(made)
    typer.echo("".join(f"{note}\n" for note in notes(made)), err=True, nl=False)


def _json(made: Probe) -> str:
    return json.dumps(made.as_json(), indent=2)


def _show(made: Probe) -> None:
    console = wide_console()
    worst = made.worst_first()
    if made.ids:
        console.print(_table("", made.summary()))
        if len(made.setup.prefixes) > 1:
            console.print(_table("by length of the prompt", made.by_prefix()))
        console.print(_table("documents, the longest run first", made.by_document(worst[:_SHOWN_DOCUMENTS], BRIEF)))
    if len(worst) > _SHOWN_DOCUMENTS:
        console.print(f"{len(worst) - _SHOWN_DOCUMENTS} more documents are in the files of --json, --html, --markdown")
    if made.canaries:
        console.print(_table("canaries", made.canary_table()))
    for id_ in worst:
        for side in made.sides:
            outcome = made.outcomes[side].get(id_)
            if outcome is not None and outcome.quote:
                console.print(Text(f"[{printable(id_)}] {side}: {printable(outcome.quote, limit=None)}"))
    console.print(Text(verdict(made), style="bold"))


def _table(title: str, figures: Figures) -> Table:
    table = Table(title=title or None, title_justify="left")
    for index, head in enumerate(figures.heads):
        is_name = index < figures.names
        table.add_column(head, justify="left" if is_name else "right", overflow="fold")
    for row in figures.rows:
        table.add_row(*(Text(printable(cell, limit=None)) for cell in row))
    return table
