"""What an audit log comes to as a page of its own. The page loads nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.evaluate.audit_totals import OTHERS, Totals, moment
from gateway.evaluate.page import Tick, page, round_step

WIDTH = 720
_LEFT, _RIGHT, _TOP, _HEIGHT, _BELOW = 60, 12, 10, 200, 34
_LABELS, _VALUES, _BAR, _GAP, _LABEL_CHARS = 210, 90, 16, 8, 30
_MOST_KINDS, _MOST_ROWS = 5, 20
_TICKS = 4
_ACROSS = 5
_LABEL_WIDTH = 116


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle. `shade` is the number of its kind, for its colour."""

    x: float
    y: float
    width: float
    height: float
    shade: int


@dataclass(frozen=True, slots=True)
class Columns:
    """Counts over time, one kind upon another."""

    title: str
    description: str
    spoken: str
    parts: tuple[Part, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    kinds: tuple[str, ...]
    height: float = _TOP + _HEIGHT + _BELOW
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    bottom: int = _TOP + _HEIGHT
    width: int = WIDTH


@dataclass(frozen=True, slots=True)
class Row:
    """A bar from the left."""

    label: str
    full: str
    y: float
    width: float
    value: str


@dataclass(frozen=True, slots=True)
class Bars:
    """Names and their counts."""

    title: str
    description: str
    spoken: str
    rows: tuple[Row, ...]
    height: float
    left: int = _LABELS
    width: int = WIDTH
    bar: int = _BAR


def html(totals: Totals, files: Sequence[str], made: str) -> str:
    """A page in one file that needs no network. Everything that comes from the log is escaped. `made`: when."""
    return page(
        "audit.html",
        summary=summary(totals),
        notes=notes(totals),
        tables=totals.tables(),
        columns=[_requests(totals), *([_findings(totals)] if totals.found else [])] if totals.requests else [],
        bars=_bars(totals),
        files=files,
        made=made,
    )


def summary(totals: Totals) -> str:
    """One sentence."""
    requests = sum(usage.requests for usage in totals.tenants.values())
    if not requests:
        return "There are no exchanges in these files."
    tenants = len(totals.tenants)
    findings = sum(totals.kinds.values())
    return (
        f"{requests:,} exchanges of {tenants:,} tenant{'s' if tenants != 1 else ''} with {findings:,} findings, "
        f"from {totals.first[:16]} to {totals.last[:16]} (UTC)."
    )


def notes(totals: Totals) -> list[str]:
    """What is missing from the figures."""
    said = []
    if totals.lost:
        said.append(f"{totals.lost:,} exchanges were not recorded, because the log could not be written.")
    if totals.unread:
        said.append(f"{totals.unread:,} lines could not be read.")
    return said


def _requests(totals: Totals) -> Columns:
    values = {at: [totals.requests[at]] for at in totals.spans()}
    return _columns("Exchanges over time", totals.span_s, values, ("exchanges",))


def _findings(totals: Totals) -> Columns:
    """The most frequent kinds each in a colour of its own, the others in one."""
    ranked = [kind for kind, _ in totals.kinds_by_count() if kind != OTHERS]
    shown = ranked[:_MOST_KINDS]
    values = {}
    for at in totals.spans():
        found: Mapping[str, int] = totals.found.get(at, {})
        known = [found.get(kind, 0) for kind in shown]
        values[at] = [*known, sum(found.values()) - sum(known)]
    kinds = (*shown, OTHERS) if any(row[-1] for row in values.values()) else tuple(shown)
    return _columns("Findings over time, by kind", totals.span_s, values, kinds)


def _columns(title: str, span_s: int, values: dict[int, list[int]], kinds: Sequence[str]) -> Columns:
    step = round_step(max(1, *(sum(row) for row in values.values())) / _TICKS)
    top = step * _TICKS
    room = (WIDTH - _LEFT - _RIGHT) / len(values)
    parts = []
    for index, row in enumerate(values.values()):
        y = float(_TOP + _HEIGHT)
        for shade, count in enumerate(row):
            if count:
                height = _HEIGHT * count / top
                y -= height
                x, width = _LEFT + index * room, max(0.5, room * 0.86)
                parts.append(Part(round(x, 1), round(y, 1), round(width, 1), round(height, 1), shade))
    moments = list(values)
    every = max(1, -(-len(moments) // _ACROSS))
    places = [(round(_LEFT + i * room, 1), moment(moments[i])) for i in range(0, len(moments), every)]
    across = tuple(Tick(x, label) for x, label in places if x < WIDTH - _LABEL_WIDTH)
    up = tuple(Tick(round(_TOP + _HEIGHT * (1 - n / _TICKS), 1), f"{n * step:,}") for n in range(_TICKS + 1))
    sums = [sum(row[at] for row in values.values()) for at in range(len(kinds))]
    spoken = ", ".join(f"{kind} {count:,}" for kind, count in zip(kinds, sums, strict=True))
    return Columns(
        title, f"In spans of {_length(span_s)}.", f"In all: {spoken}.", tuple(parts), across, up, tuple(kinds)
    )


def _bars(totals: Totals) -> list[Bars]:
    tenants = sorted(((name, use.requests) for name, use in totals.tenants.items()), key=lambda pair: -pair[1])
    found = [
        ("Exchanges by tenant", tenants),
        ("Findings by kind", totals.kinds_by_count()),
        ("Exchanges by status", totals.statuses.most_common()),
    ]
    return [_bar_chart(title, pairs) for title, pairs in found if pairs]


def _bar_chart(title: str, pairs: Sequence[tuple[str, int]]) -> Bars:
    shown = pairs[:_MOST_ROWS]
    most = max(1, *(count for _, count in shown))
    scale = (WIDTH - _LABELS - _VALUES) / most
    rows = tuple(
        Row(_short(name), name, 4.0 + at * (_BAR + _GAP), round(count * scale, 1), f"{count:,}")
        for at, (name, count) in enumerate(shown)
    )
    more = len(pairs) - len(shown)
    description = f"The {len(shown)} most frequent; {more} more are in the table." if more else "All of them."
    spoken = ", ".join(f"{name} {count:,}" for name, count in shown)
    return Bars(title, description, f"{spoken}.", rows, 4.0 + len(rows) * (_BAR + _GAP))


def _short(label: str) -> str:
    return label if len(label) <= _LABEL_CHARS else f"{label[: _LABEL_CHARS - 1]}…"


def _length(span_s: int) -> str:
    for unit_s, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if span_s % unit_s == 0:
            count = span_s // unit_s
            return f"{count} {name}{'s' if count != 1 else ''}"
    return f"{span_s} seconds"
