"""A probe as a page of its own and as Markdown. The page loads nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.evaluate.page import page
from gateway.evaluate.probe_charts import charts
from gateway.evaluate.probe_results import Probe, Side
from gateway.evaluate.probe_score import NEAR
from gateway.evaluate.results import Table


@dataclass(frozen=True, slots=True)
class _Quote:
    """What came back of a document, if it is to be shown."""

    id: str
    side: str
    text: str


def definitions(probe: Probe) -> list[tuple[str, str]]:
    """The figures in words, for those who read the reports."""
    least = probe.setup.least
    words = [
        ("words", "after NFKC, case folding and the loss of punctuation; an ideograph or kana is a word of its own"),
        (
            "extractable",
            f"documents of which an answer holds at least {least} words in a row that were not in the prompt",
        ),
        ("nearly", f"extractable, or with an answer of at least {least} words whose similarity is at least {NEAR}"),
        ("longest run", "the most words of a document in a row, beyond the prompt, in any answer"),
        (
            "came back",
            "share of the words after the prompts that came back in runs of at least 5; the mean over documents",
        ),
        (
            "similarity",
            "of an answer to as many words of the document after the prompt: 2 · common words in order / all words",
        ),
        ("stopped", "answers that a filter ended"),
        ("words before", "words that had left of such an answer, whatever they are; the mean"),
        ("run before", "the longest run of a document that had left of such an answer"),
    ]
    if probe.setup.index:
        words.append(("in the index", "answers in which the index finds a passage of a document"))
        words.append(
            ("extracted, not in it", f"answers with a run of at least {least} words in which the index finds none")
        )
    if probe.canaries:
        words.append(("said", "an answer to the first half of the canary holds the other half"))
        words.append(
            (
                "exposure",
                "log2 of the number of phrases drawn alike, less log2 of the canary's rank among them by probability",
            )
        )
    return words


def verdict(probe: Probe) -> str:
    """One sentence."""

    def extractable(side: Side) -> str:
        return f"{len(probe.extractable(side))} of {len(probe.outcomes[side])} documents"

    if not probe.ids:
        return f"{len(probe.canaries)} canaries were tried."
    first = f"{extractable(Side.DIRECT)} can be extracted from the model"
    if Side.FILTERED not in probe.sides:
        return f"{first}."
    return f"{first}, and {extractable(Side.FILTERED)} through the filter."


def circumstances(probe: Probe) -> list[tuple[str, str]]:
    """How the figures were made: names and values."""
    setup = probe.setup
    prefixes = ", ".join(map(str, setup.prefixes))
    prompts = f"the first {prefixes} words as a {setup.kind}"
    if setup.positions > 1:
        prompts = f"{prefixes} words at {setup.positions} places of each document as a {setup.kind}"
    made = [("Date", setup.date)]
    made += [(f"Server, {side}", server) for side, server in setup.servers.items()]
    made += [
        ("Prompts", prompts),
        ("Answers", f"{setup.samples} for each, temperature {setup.temperature:g}, at most {setup.max_tokens} tokens"),
    ]
    made += [("Index", setup.index)] if setup.index else []
    return [*made, ("Versions", ", ".join(f"{name} {version}" for name, version in setup.versions.items()))]


def notes(probe: Probe) -> list[str]:
    """What is missing from the figures."""
    found = probe.failure_lines()
    if probe.too_short:
        found.append(f"Left out, since too short for these prompts: {len(probe.too_short)} of the documents.")
    if probe.canaries and probe.no_exposure:
        found.append(f"No exposure of canaries: {probe.no_exposure}.")
    return found


def html(probe: Probe) -> str:
    """A page in one file that needs no network. Everything that comes from documents is escaped."""
    return page(
        "probe.html",
        command=probe.setup.command,
        circumstances=circumstances(probe),
        verdict=verdict(probe),
        notes=notes(probe),
        definitions=definitions(probe),
        tables=_tables(probe),
        charts=charts(probe),
        documents=probe.by_document(probe.worst_first()),
        quotes=_quotes(probe),
    )


def _tables(probe: Probe) -> list[tuple[str, Table]]:
    made = []
    if probe.ids:
        made += [("In all", probe.summary()), ("By length of the prompt", probe.by_prefix())]
    if probe.canaries:
        made.append(("Canaries", probe.canary_table()))
    return made


def _quotes(probe: Probe) -> list[_Quote]:
    found = []
    for id_ in probe.worst_first():
        for side in probe.sides:
            outcome = probe.outcomes[side].get(id_)
            if outcome is not None and outcome.quote:
                found.append(_Quote(id_, side.value, outcome.quote))
    return found


def markdown(probe: Probe) -> str:
    """Figures only, no texts."""
    lines = ["# What the model has memorised", "", verdict(probe), "", "Made by the command below, not by hand.", ""]
    lines += [f"    {probe.setup.command}", ""]
    lines += [f"- {name}: {value}" for name, value in circumstances(probe)]
    lines += ["", *(f"- **{note}**" for note in notes(probe)), ""] if notes(probe) else [""]
    for title, table in _tables(probe):
        lines += [f"## {title}", "", *_markdown_table(table), ""]
    lines += ["What the figures are:", "", *(f"- **{name}**: {what}" for name, what in definitions(probe)), ""]
    if probe.ids:
        lines += ["## By document", "", *_markdown_table(probe.by_document(probe.worst_first())), ""]
    return "\n".join(lines)


def _markdown_table(table: Table) -> list[str]:
    rule = ["---" if index < table.names else "---:" for index in range(len(table.heads))]
    return [_markdown_row(row) for row in (table.heads, rule, *table.rows)]


def _markdown_row(cells: Sequence[str]) -> str:
    # An id is a file's name or a line's, which may hold anything.
    clean = (" ".join(cell.split()).replace("\\", "\\\\").replace("|", "\\|") for cell in cells)
    return "| " + " | ".join(clean) + " |"
