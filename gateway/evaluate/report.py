"""An evaluation as a page of its own and as Markdown. The page loads nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.evaluate.definitions import DEFINITIONS
from gateway.evaluate.highlight import LEGEND, Piece, pieces
from gateway.evaluate.page import page
from gateway.evaluate.results import ALL, Evaluation, Table
from gateway.evaluate.score import Judged, worst_first


@dataclass(frozen=True, slots=True)
class _Text:
    """One text as the page shows it."""

    id: str
    pieces: list[Piece]
    leaked: int
    alarms: int

    @classmethod
    def of(cls, judged: Judged) -> _Text:
        return cls(judged.document.id, pieces(judged), len(judged.leaked), len(judged.false_alarms))


@dataclass(frozen=True, slots=True)
class _Section:
    """One data set: its labels, the texts with faults from the worst on, the others."""

    name: str
    labels: Table
    faulty: list[_Text]
    clean: list[_Text]


def html(evaluation: Evaluation) -> str:
    """A page in one file that needs no network. Everything that comes from the data is escaped."""
    return page(
        "report.html",
        made=evaluation.circumstances,
        summary=evaluation.summary(),
        sections=[_section(evaluation, name) for name in evaluation.sets],
        legend=LEGEND,
        definitions=DEFINITIONS,
    )


def _section(evaluation: Evaluation, name: str) -> _Section:
    ranked = worst_first(evaluation.of(name)[0].judged)
    faulty = [_Text.of(judged) for judged in ranked if judged.badness]
    clean = [_Text.of(judged) for judged in ranked if not judged.badness]
    return _Section(name, evaluation.labels(name), faulty, clean)


def markdown(evaluation: Evaluation) -> str:
    """Figures only, no texts."""
    made = evaluation.circumstances
    versions = ", ".join(f"{name} {version}" for name, version in made.versions.items())
    lines = [
        "# How well personal data is found",
        "",
        "Made by the command below, not by hand. More is better, but for `negatives touched` and `leaked characters`.",
        "",
        f"    {made.command}",
        "",
        f"- Date: {made.date}",
        f"- Machine: {made.machine}",
        f"- Policy: {made.policy}",
        f"- Versions: {versions}",
        "",
        "## All sets",
        "",
        *_markdown_table(evaluation.summary()),
        "",
        "What the figures are:",
        "",
        *(f"- **{name}**: {what}" for name, what in DEFINITIONS),
        "",
    ]
    sets = (ALL, *evaluation.sets) if len(evaluation.sets) > 1 else evaluation.sets
    for name in sets:
        title = "all sets together" if name == ALL else name
        lines += [f"## Types: {title}", "", *_markdown_table(evaluation.labels(name)), ""]
    return "\n".join(lines)


def _markdown_table(table: Table) -> list[str]:
    rule = ["---" if index < table.names else "---:" for index in range(len(table.heads))]
    return [_markdown_row(row) for row in (table.heads, rule, *table.rows)]


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
