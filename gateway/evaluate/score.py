"""The figures: how much of what is marked was hidden, and how much else.

What counts is that personal data is hidden, so figures go by overlap and do not look at labels, but for `typed`.

- character recall: marked characters that are no white space and were hidden.
- span recall: marks of which every letter and digit was hidden. Typed: some finding over the mark has its label.
- precision: findings that overlap anything marked, or marked as optional.
- F1, F2: of span recall and precision.
- zero leak: texts with marks of which no marked character stayed readable.
- negatives touched: texts without marks in which something was found that is not optional either.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from gateway.evaluate.documents import Document, Mark

_FALSE_ALARM_CHARS = 5
"""A false alarm is as bad as that many leaked characters when texts are ranked."""


@dataclass(frozen=True)
class Judged:
    """One text with what was found in it."""

    document: Document
    findings: tuple[Mark, ...]

    @cached_property
    def hidden(self) -> frozenset[int]:
        return _places(self.findings)

    @cached_property
    def marked(self) -> frozenset[int]:
        """The marked characters that are no white space."""
        text = self.document.text
        return frozenset(at for at in _places(self.document.marks) if not text[at].isspace())

    @cached_property
    def leaked(self) -> frozenset[int]:
        return self.marked - self.hidden

    @cached_property
    def allowed(self) -> frozenset[int]:
        return _places((*self.document.marks, *self.document.optional))

    @property
    def leaked_text(self) -> str:
        return "".join(self.document.text[at] for at in sorted(self.leaked))

    def is_found(self, mark: Mark) -> bool:
        text = self.document.text
        return all(at in self.hidden for at in range(mark.start, mark.end) if text[at].isalnum())

    def is_typed(self, mark: Mark) -> bool:
        return any(f.label == mark.label and f.start < mark.end and mark.start < f.end for f in self.findings)

    def is_good(self, finding: Mark) -> bool:
        return not self.allowed.isdisjoint(range(finding.start, finding.end))

    @cached_property
    def false_alarms(self) -> tuple[Mark, ...]:
        return tuple(finding for finding in self.findings if not self.is_good(finding))

    @property
    def badness(self) -> int:
        return len(self.leaked) + _FALSE_ALARM_CHARS * len(self.false_alarms)


@dataclass
class LabelScores:
    """One label: `n` marks, of which so many found and found under this label; `findings`, of which `good`."""

    n: int = 0
    found: int = 0
    typed: int = 0
    findings: int = 0
    good: int = 0

    @property
    def recall(self) -> float | None:
        """None where nothing has this label."""
        return self.found / self.n if self.n else None

    @property
    def typed_recall(self) -> float | None:
        return self.typed / self.n if self.n else None

    @property
    def precision(self) -> float | None:
        """None where nothing was found under this label."""
        return self.good / self.findings if self.findings else None


@dataclass
class Scores:
    """Counts over texts, and the figures made of them."""

    documents: int = 0
    chars: int = 0
    leaked_chars: int = 0
    with_marks: int = 0
    without_leak: int = 0
    negatives: int = 0
    touched: int = 0
    labels: dict[str, LabelScores] = field(default_factory=dict)

    def count(self, judged: Judged) -> None:
        self.documents += 1
        self.chars += len(judged.marked)
        self.leaked_chars += len(judged.leaked)
        for mark in judged.document.marks:
            label = self.labels.setdefault(mark.label, LabelScores())
            label.n += 1
            label.found += judged.is_found(mark)
            label.typed += judged.is_typed(mark)
        for finding in judged.findings:
            label = self.labels.setdefault(finding.label, LabelScores())
            label.findings += 1
            label.good += judged.is_good(finding)
        if judged.document.marks:
            self.with_marks += 1
            self.without_leak += not judged.leaked
        else:
            self.negatives += 1
            self.touched += bool(judged.false_alarms)

    def _sum(self, name: str) -> int:
        return sum(getattr(label, name) for label in self.labels.values())

    @property
    def char_recall(self) -> float:
        return _share(self.chars - self.leaked_chars, self.chars)

    @property
    def span_recall(self) -> float:
        return _share(self._sum("found"), self._sum("n"))

    @property
    def typed_recall(self) -> float:
        return _share(self._sum("typed"), self._sum("n"))

    @property
    def precision(self) -> float:
        return _share(self._sum("good"), self._sum("findings"))

    @property
    def f1(self) -> float:
        return self._f(1)

    @property
    def f2(self) -> float:
        return self._f(2)

    @property
    def zero_leak(self) -> float:
        return _share(self.without_leak, self.with_marks)

    @property
    def negatives_touched(self) -> float:
        return self.touched / self.negatives if self.negatives else 0.0

    def _f(self, beta: int) -> float:
        precision, recall = self.precision, self.span_recall
        weighed = beta * beta * precision + recall
        # Nothing found and only false alarms: not even the empty share is good.
        return (1 + beta * beta) * precision * recall / weighed if weighed else 0.0

    def as_json(self) -> dict[str, Any]:
        labels = {
            name: {"n": label.n, "recall": label.recall, "typed": label.typed_recall, "precision": label.precision}
            for name, label in sorted(self.labels.items())
        }
        figures = {name: getattr(self, name) for name in FIGURES}
        return {"documents": self.documents, **figures, "leaked_chars": self.leaked_chars, "labels": labels}


FIGURES = (
    "char_recall",
    "span_recall",
    "typed_recall",
    "precision",
    "f1",
    "f2",
    "zero_leak",
    "negatives_touched",
)
"""The figures in the order of every table. In the last one less is better, in the others more."""


def score(judged: Iterable[Judged]) -> Scores:
    scores = Scores()
    for one in judged:
        scores.count(one)
    return scores


def worst_first(judged: Iterable[Judged]) -> list[Judged]:
    return sorted(judged, key=lambda one: -one.badness)


def _places(marks: Sequence[Mark]) -> frozenset[int]:
    return frozenset(at for mark in marks for at in range(mark.start, mark.end))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0
