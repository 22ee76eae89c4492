"""What an evaluation came to, and its tables, which are the same on a terminal, in Markdown and in HTML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.evaluate.score import FIGURES, Judged, LabelScores, Scores, score

ALL = "all"
"""The row of all sets together."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One data set as one system read it."""

    data: str
    system: str
    judged: tuple[Judged, ...]
    scores: Scores

    @classmethod
    def of(cls, data: str, system: str, judged: Sequence[Judged]) -> Reading:
        return cls(data, system, tuple(judged), score(judged))


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How, when and where the figures were made."""

    command: str
    date: str
    machine: str
    policy: str
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as they are to be read; the first `names` columns are names, the others figures."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int = 1


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All readings, set by set, the first system of each being the one that is judged."""

    circumstances: Circumstances
    readings: tuple[Reading, ...]

    @property
    def systems(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(reading.system for reading in self.readings))

    @property
    def sets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(reading.data for reading in self.readings))

    def of(self, data: str) -> list[Reading]:
        """The readings of one set, or of all sets together (`ALL`)."""
        if data != ALL:
            return [reading for reading in self.readings if reading.data == data]
        together: dict[str, list[Judged]] = {}
        for reading in self.readings:
            together.setdefault(reading.system, []).extend(reading.judged)
        return [Reading.of(ALL, system, judged) for system, judged in together.items()]

    def summary(self) -> Table:
        """A row for each set and system."""
        sets = [*self.sets, ALL] if len(self.sets) > 1 else self.sets
        rows = []
        for data in sets:
            for reading in self.of(data):
                scores = reading.scores
                figures = (_figure(getattr(scores, name)) for name in FIGURES)
                rows.append((data, reading.system, str(scores.documents), *figures, str(scores.leaked_chars)))
        heads = ("set", "system", "texts", *(name.replace("_", " ") for name in FIGURES), "leaked characters")
        return Table(heads, tuple(rows), names=2)

    def labels(self, data: str) -> Table:
        """A row for each label of a set, with the figures of each system side by side."""
        readings = self.of(data)
        names = sorted({name for reading in readings for name in reading.scores.labels})
        several = len(readings) > 1
        heads = ["label", "n"]
        for reading in readings:
            heads += [f"{column} ({reading.system})" if several else column for column in _LABEL_COLUMNS]
        return Table(tuple(heads), tuple(_label_row(name, readings) for name in names))

    def as_json(self) -> dict[str, Any]:
        made = self.circumstances
        readings = [*self.readings, *(self.of(ALL) if len(self.sets) > 1 else ())]
        return {
            "command": made.command,
            "date": made.date,
            "machine": made.machine,
            "policy": made.policy,
            "versions": dict(made.versions),
            "results": [{"set": r.data, "system": r.system, **r.scores.as_json()} for r in readings],
        }


_LABEL_COLUMNS = ("recall", "typed", "precision")


def _label_row(name: str, readings: Sequence[Reading]) -> tuple[str, ...]:
    labels = [reading.scores.labels.get(name, LabelScores()) for reading in readings]
    return (name, str(max(label.n for label in labels)), *(cell for label in labels for cell in _cells(label)))


def _cells(label: LabelScores) -> Iterator[str]:
    for figure in (label.recall, label.typed_recall, label.precision):
        yield "–" if figure is None else _figure(figure)


def _figure(share: float) -> str:
    return f"{share:.3f}"
