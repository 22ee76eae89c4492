"""What a run has shown, as a page and as a few lines of text."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from loadtest.memory import Points, growth
from loadtest.run import Plan
from loadtest.tally import Kind
from loadtest.verdict import Outcome

_WIDTH, _HEIGHT = 900, 160
_COLOURS = ("#1f6feb", "#bf3989", "#1a7f37", "#9a6700", "#8250df", "#cf222e", "#0969da", "#57606a")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart, with its points in the units of the drawing."""

    name: str
    colour: str
    points: str


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of user in the table."""

    name: str
    requests: int
    per_second: float
    checked: int
    p50_ms: int
    p95_ms: int
    p99_ms: int
    failed: int
    notes: str


def summary(outcome: Outcome) -> str:
    """A few lines that say how it went."""
    lines = [f"{'kind':26}{'requests':>9}{'req/s':>8}{'p50 ms':>8}{'p95 ms':>8}{'p99 ms':>8}{'errors':>8}"]
    for row in _rows(outcome):
        figures = (row.requests, row.per_second, row.p50_ms, row.p95_ms, row.p99_ms, row.failed)
        lines.append(f"{row.name:26}{figures[0]:>9}" + "".join(f"{figure:>8}" for figure in figures[1:]))
    lines += [f"error {name}: {count}" for name, count in _errors(outcome)]
    lines += [f"harm: {kind}, {count} times" for kind, count in _harms(outcome).items()]
    for place, size in outcome.search.sizes.items():
        lines.append(f"searched {place}: {size} {_unit(place)}, {outcome.search.leaks[place]} leaks")
    lines += [
        f"worker {pid}: {points[-1][1]:.0f} MiB, {growth(points):+.1f} MiB/min" for pid, points in _memory(outcome)
    ]
    lines += [*outcome.search.examples[:10], *outcome.tally.leaked[:10], *outcome.tally.wrong[:10]]
    failures = outcome.failures()
    lines += [f"{outcome.leaks} leaks, {outcome.tally.wrongs} wrong restores: {'failed' if failures else 'good'}"]
    return "\n".join([*lines, *failures])


def write(path: Path, plan: Plan, outcome: Outcome) -> None:
    """The page: one file that needs nothing else."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    by_second = outcome.total.seconds
    first = min(by_second, default=0)
    done = [(float(second - first), float(by_second[second])) for second in sorted(by_second)]
    memory = {f"worker {pid}": points for pid, points in _memory(outcome)}
    page = environment.get_template("report.html.j2").render(
        plan=plan,
        outcome=outcome,
        failures=outcome.failures(),
        rows=_rows(outcome),
        errors=_errors(outcome),
        harms=[(harm.kind, round(harm.began - first, 1), round(harm.mended - first, 1)) for harm in outcome.harms],
        throughput=_chart({"requests a second": done}),
        most_per_second=max(by_second.values(), default=0),
        memory=_chart(memory),
        most_mib=round(max((mib for points in memory.values() for _, mib in points), default=0)),
        growths=[(pid, points[0][1], points[-1][1], growth(points)) for pid, points in _memory(outcome)],
        unit=_unit,
        width=_WIDTH,
        height=_HEIGHT,
    )
    path.write_text(page, "utf-8")


def _rows(outcome: Outcome) -> list[Row]:
    kinds = sorted(outcome.tally.kinds.items())
    return [_row(name, kind, outcome.seconds) for name, kind in [*kinds, ("all", outcome.total)]]


def _row(name: str, kind: Kind, seconds: float) -> Row:
    return Row(
        name=name,
        requests=kind.requests,
        per_second=round(kind.requests / seconds, 1),
        checked=kind.checked,
        p50_ms=kind.percentile(0.5),
        p95_ms=kind.percentile(0.95),
        p99_ms=kind.percentile(0.99),
        failed=kind.failed,
        notes=", ".join(f"{note} {count}" for note, count in sorted(kind.notes.items())),
    )


def _errors(outcome: Outcome) -> list[tuple[str, int]]:
    """By kind of user and of error, excused or not."""
    return [
        (f"{name}: {error}", sum(when.values()))
        for name, kind in sorted(outcome.tally.kinds.items())
        for error, when in sorted(kind.errors.items())
    ]


def _harms(outcome: Outcome) -> Counter[str]:
    return Counter(harm.kind for harm in outcome.harms)


def _memory(outcome: Outcome) -> list[tuple[int, Points]]:
    return [(pid, points) for pid, points in sorted(outcome.memory.items()) if points]


def _unit(place: str) -> str:
    return "bodies" if place.startswith("bodies") else "bytes"


def _chart(series: dict[str, Points]) -> list[Line]:
    """All series on one scale, which begins at 0."""
    longest = max((at for points in series.values() for at, _ in points), default=0) or 1
    highest = max((value for points in series.values() for _, value in points), default=0) or 1
    return [
        Line(
            name,
            _COLOURS[index % len(_COLOURS)],
            " ".join(f"{at / longest * _WIDTH:.1f},{_HEIGHT - value / highest * _HEIGHT:.1f}" for at, value in points),
        )
        for index, (name, points) in enumerate(series.items())
    ]
