"""The shapes of a probe's charts, in the units of their pictures. The page draws them; nothing here knows of HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.evaluate.page import Tick, round_step
from gateway.evaluate.probe_results import Probe, Side, percent

WIDTH = 720
_LABELS, _VALUES = 210, 90
_BAR, _GAP, _TOP = 14, 10, 4
_LABEL_CHARS = 30
_MOST_DOCUMENTS = 40
_LEFT, _RIGHT, _PLOT_TOP, _PLOT_HEIGHT, _BELOW = 46, 20, 14, 220, 40
_TICKS = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a row, and what is written beside it."""

    side: str
    y: float
    width: float
    value: str


@dataclass(frozen=True, slots=True)
class Row:
    """A label and its bars."""

    label: str
    full: str
    y: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """Rows of bars from the left. `mark`: where a threshold is, if it is in the picture."""

    title: str
    description: str
    height: float
    rows: tuple[Row, ...]
    sides: tuple[str, ...]
    mark: float | None = None
    mark_label: str = ""

    left: int = _LABELS
    width: int = WIDTH
    bar: int = _BAR


@dataclass(frozen=True, slots=True)
class Line:
    """One side's steps, as the data of an SVG path."""

    side: str
    path: str


@dataclass(frozen=True, slots=True)
class Curve:
    """How many documents have a verbatim run of at least so many words."""

    title: str
    description: str
    height: float
    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    mark: float
    mark_label: str

    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _PLOT_TOP
    bottom: int = _PLOT_TOP + _PLOT_HEIGHT
    width: int = WIDTH


_Values = Sequence[tuple[str, Sequence[tuple[str, float, str]]]]
"""Labels, and for each its sides, sizes and what is written beside them."""


def charts(probe: Probe) -> list[Bars | Curve]:
    """All that there is something to draw for."""
    made: list[Bars | Curve] = []
    if probe.answers:
        made += [_by_prefix(probe), _survival(probe), _by_document(probe)]
    if any(canary.exposure for canary in probe.canaries):
        made.append(_exposures(probe))
    return made


def _by_prefix(probe: Probe) -> Bars:
    values = [
        (f"{prefix} words given", [_share(probe, side, prefix) for side in probe.sides])
        for prefix in probe.setup.prefixes
    ]
    return _bars(
        "Documents that can be extracted, by length of the prompt",
        f"The share of documents of which at least {probe.setup.least} words in a row came back.",
        values,
        most=1.0,
    )


def _share(probe: Probe, side: Side, prefix: int) -> tuple[str, float, str]:
    share = probe.share_extractable(side, prefix)
    return side.value, share, percent(share)


def _by_document(probe: Probe) -> Bars:
    ids = probe.worst_first()[:_MOST_DOCUMENTS]
    found = [
        (id_, [(side, outcome) for side in probe.sides if (outcome := probe.outcomes[side].get(id_))]) for id_ in ids
    ]
    values = [(id_, [(side.value, float(o.longest), f"{o.longest} words") for side, o in row]) for id_, row in found]
    more = len(probe.ids) - len(ids)
    return _bars(
        "Longest verbatim run of each document",
        "In words, beyond the prompt, the longest first." + (f" {more} more are in the table." if more else ""),
        values,
        most=max([float(probe.setup.least), *(size for _, row in values for _, size, _ in row)]),
        mark=float(probe.setup.least),
        mark_label=f"{probe.setup.least} words",
    )


def _exposures(probe: Probe) -> Bars:
    known = [(canary.id, canary.exposure) for canary in probe.canaries if canary.exposure]
    known.sort(key=lambda pair: -pair[1].bits)
    values = [
        (id_, [(Side.DIRECT.value, exposure.bits, f"{exposure.bits:.1f} of {exposure.most_bits:.1f} bits")])
        for id_, exposure in known[:_MOST_DOCUMENTS]
    ]
    return _bars(
        "Exposure of canaries",
        "In bits; phrases that a model has never seen have 1.4 on average. The right end is the most there can be.",
        values,
        most=max(exposure.most_bits for _, exposure in known),
        sides=(Side.DIRECT.value,),
    )


def _bars(
    title: str,
    description: str,
    values: _Values,
    *,
    most: float,
    mark: float | None = None,
    mark_label: str = "",
    sides: Sequence[str] | None = None,
) -> Bars:
    room = WIDTH - _LABELS - _VALUES
    scale = room / most if most else 0.0
    y = float(_TOP + (_BAR if mark is not None else 0))
    rows = []
    for label, inner in values:
        bars = tuple(Bar(s, y + at * _BAR, round(v * scale, 1), text) for at, (s, v, text) in enumerate(inner))
        height = _BAR * max(1, len(bars))
        rows.append(Row(_short(label), label, y + height / 2, bars))
        y += height + _GAP
    seen = tuple(dict.fromkeys(bar.side for row in rows for bar in row.bars))
    at = None if mark is None else round(_LABELS + mark * scale, 1)
    return Bars(title, description, y, tuple(rows), tuple(sides or seen), at, mark_label)


def _short(label: str) -> str:
    """The end of an id tells more than its beginning, which many share."""
    return label if len(label) <= _LABEL_CHARS else f"…{label[1 - _LABEL_CHARS :]}"


def _survival(probe: Probe) -> Curve:
    runs = {side: [outcome.longest for outcome in probe.outcomes[side].values()] for side in probe.sides}
    most = max([probe.setup.least, *(run for some in runs.values() for run in some)])
    step = round_step(most / _TICKS)
    width = WIDTH - _LEFT - _RIGHT

    def across(words: float) -> float:
        return round(_LEFT + width * words / most, 1)

    def up(share: float) -> float:
        return round(_PLOT_TOP + _PLOT_HEIGHT * (1 - share), 1)

    lines = []
    for side, some in runs.items():
        path = f"M{across(0)} {up(1.0 if some else 0.0)}"
        for run in sorted(set(some) - {most}):
            path += f"H{across(run)}V{up(sum(other > run for other in some) / len(some))}"
        lines.append(Line(side.value, f"{path}H{across(most)}"))
    return Curve(
        "Documents with a run of at least so many words",
        "The share of documents (up) of which at least so many words (across) came back verbatim.",
        _PLOT_TOP + _PLOT_HEIGHT + _BELOW,
        tuple(lines),
        tuple(Tick(across(words), str(words)) for words in range(0, most + 1, step)),
        tuple(Tick(up(part / 4), f"{part * 25}%") for part in range(5)),
        across(probe.setup.least),
        f"{probe.setup.least} words",
    )
