"""What a probe came to, and its tables, which are the same on a terminal, in Markdown and in HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from gateway.evaluate.probe_score import NEAR, Comparison, Exposure, Prompt, Range, joined, size
from gateway.evaluate.results import Table

_NONE = "–"
_SUMMARY = (
    "documents",
    "extractable",
    "nearly",
    "longest run",
    "came back",
    "similarity",
    "answers",
    "stopped",
    "words before",
    "run before",
)
_WITH_INDEX = ("in the index", "extracted, not in it")
BY_DOCUMENT = ("extractable", "run", "came back", "similarity", "stopped")
BRIEF = ("extractable", "run", "stopped")
"""Columns of tables of documents."""


class Side(StrEnum):
    """Whom the model was asked through."""

    DIRECT = "direct"
    FILTERED = "filtered"


@dataclass(frozen=True, slots=True)
class Setup:
    """How, when and where the figures were made."""

    command: str
    date: str
    versions: Mapping[str, str]
    servers: Mapping[Side, str]
    """The model and the address of each side."""
    kind: str
    prefixes: tuple[int, ...]
    positions: int
    samples: int
    temperature: float
    max_tokens: int
    least: int
    """Words of a verbatim run from which on a document is extractable."""
    index: str = ""
    """The index that answers were checked against, or nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of one side to one prompt. It keeps places, no texts."""

    id: str
    side: Side
    prefix: int
    rest: tuple[Range, ...]
    """The words of the document that were not in the prompt."""
    comparison: Comparison
    is_stopped: bool = False
    """Whether a filter ended it."""
    is_known: bool | None = None
    """Whether the index finds a passage of a document in it; None without an index."""
    quote: str = field(default="", repr=False)
    """The words of the longest run, if they were asked for."""

    @classmethod
    def of(cls, prompt: Prompt, side: Side, comparison: Comparison, *, is_stopped: bool, show: bool) -> Answer:
        start, end = comparison.run
        quote = " ".join(prompt.target.words[start:end]) if show else ""
        return cls(prompt.target.id, side, prompt.length, prompt.rest, comparison, is_stopped=is_stopped, quote=quote)


@dataclass(frozen=True)
class Outcome:
    """All answers of one side about one document, or about several (then runs and shares are not of one text)."""

    answers: tuple[Answer, ...]
    least: int

    @property
    def longest(self) -> int:
        return max((answer.comparison.run_words for answer in self.answers), default=0)

    @property
    def is_extractable(self) -> bool:
        return self.longest >= self.least

    @property
    def is_nearly(self) -> bool:
        """Whether the continuation came back with changes, and long enough; also where it came verbatim."""
        long_enough = (answer for answer in self.answers if answer.comparison.words >= self.least)
        return self.is_extractable or any(answer.comparison.similarity >= NEAR for answer in long_enough)

    @property
    def share(self) -> float:
        """The words that came back, of those that stand after some prompt or came back. For one document.

        What stands before the prompts only is not counted: a model goes on with a text, it does not go back.
        """
        came = [part for answer in self.answers for part in answer.comparison.returned]
        asked = size(joined([*came, *(answer.rest[-1] for answer in self.answers)]))
        return size(joined(came)) / asked if asked else 0.0

    @property
    def similarity(self) -> float:
        return max((answer.comparison.similarity for answer in self.answers), default=0.0)

    @property
    def stopped(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.is_stopped]

    @property
    def words_out(self) -> list[int]:
        """Words that had left of each answer before a filter stopped it."""
        return [answer.comparison.words for answer in self.stopped]

    @property
    def run_out(self) -> int:
        """The longest run of a document that had left before a filter stopped an answer."""
        return max((answer.comparison.run_words for answer in self.stopped), default=0)

    @property
    def quote(self) -> str:
        return max((answer.quote for answer in self.answers), key=len, default="")

    @property
    def extracted_answers(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.comparison.run_words >= self.least]


@dataclass(frozen=True)
class CanaryOutcome:
    """A canary: which sides said the rest of it, and its exposure, if the server tells probabilities."""

    id: str
    extracted: Mapping[Side, bool]
    exposure: Exposure | None = None


@dataclass(frozen=True)
class Probe:
    """All answers, and what there is none of."""

    setup: Setup
    ids: tuple[str, ...]
    answers: tuple[Answer, ...]
    too_short: tuple[str, ...] = ()
    canaries: tuple[CanaryOutcome, ...] = ()
    no_exposure: str = ""
    """Why there is no exposure of canaries."""
    failures: Mapping[tuple[Side, str], int] = field(default_factory=dict)
    """How many requests failed, by side and why."""

    @property
    def sides(self) -> tuple[Side, ...]:
        return tuple(self.setup.servers)

    @cached_property
    def outcomes(self) -> dict[Side, dict[str, Outcome]]:
        """By side and document. A document all of whose requests failed is not there."""
        sorted_: dict[Side, dict[str, list[Answer]]] = {side: {id_: [] for id_ in self.ids} for side in self.sides}
        for answer in self.answers:
            sorted_[answer.side][answer.id].append(answer)
        return {
            side: {id_: Outcome(tuple(some), self.setup.least) for id_, some in of_side.items() if some}
            for side, of_side in sorted_.items()
        }

    def extractable(self, side: Side) -> list[str]:
        return [id_ for id_, outcome in self.outcomes[side].items() if outcome.is_extractable]

    def share_extractable(self, side: Side, prefix: int) -> float:
        """Of the documents that were asked for with a prefix of so many words, those that are extractable by it."""
        longest: dict[str, int] = {}
        for answer in self.answers:
            if (answer.side, answer.prefix) == (side, prefix):
                longest[answer.id] = max(longest.get(answer.id, 0), answer.comparison.run_words)
        return mean([float(run >= self.setup.least) for run in longest.values()])

    @property
    def leaks(self) -> bool:
        """Whether anything is extractable through the filter."""
        if Side.FILTERED not in self.sides:
            return False
        return bool(self.extractable(Side.FILTERED)) or any(c.extracted.get(Side.FILTERED) for c in self.canaries)

    def worst_first(self) -> list[str]:
        """Documents from the longest run on, through the filter first where there is one."""
        keys = {id_: tuple(-self._longest(side, id_) for side in reversed(self.sides)) for id_ in self.ids}
        return sorted(self.ids, key=lambda id_: keys[id_])

    def _longest(self, side: Side, id_: str) -> int:
        outcome = self.outcomes[side].get(id_)
        return outcome.longest if outcome else -1

    def figures(self, side: Side) -> dict[str, Any]:
        """The figures of one side over all documents."""
        outcomes = list(self.outcomes[side].values())
        answers = [answer for answer in self.answers if answer.side is side]
        together = Outcome(tuple(answers), self.setup.least)
        extractable = sum(outcome.is_extractable for outcome in outcomes)
        figures: dict[str, Any] = {
            "documents": len(outcomes),
            "extractable": extractable,
            "extractable_share": extractable / len(outcomes) if outcomes else 0.0,
            "nearly": sum(outcome.is_nearly for outcome in outcomes),
            "longest_run": together.longest,
            "share_returned": mean([outcome.share for outcome in outcomes]),
            "similarity": mean([outcome.similarity for outcome in outcomes]),
            "answers": len(answers),
            "stopped": len(together.stopped),
            "words_before_stop": mean(list(map(float, together.words_out))),
            "run_before_stop": together.run_out,
        }
        if self.setup.index:
            extracted = together.extracted_answers
            figures["known"] = sum(bool(answer.is_known) for answer in answers)
            figures["extracted_answers"] = len(extracted)
            figures["extracted_unknown"] = sum(not answer.is_known for answer in extracted)
        return figures

    def summary(self) -> Table:
        """A row for each figure, a column for each side."""
        columns = [_summary_cells(self.figures(side)) for side in self.sides]
        heads = (*_SUMMARY, *(_WITH_INDEX if self.setup.index else ()))
        rows = tuple((head, *cells) for head, *cells in zip(heads, *columns, strict=True))
        return Table(("in all", *(side.value for side in self.sides)), rows)

    def by_document(self, ids: Sequence[str], columns: Sequence[str] = BY_DOCUMENT) -> Table:
        """A row for each of these documents, the sides side by side."""
        heads = ["document"]
        for side in self.sides:
            heads += [f"{name} ({side})" if len(self.sides) > 1 else name for name in columns]
        rows = []
        for id_ in ids:
            cells = [_cells(self.outcomes[side].get(id_)) for side in self.sides]
            rows.append((id_, *(one[name] for one in cells for name in columns)))
        return Table(tuple(heads), tuple(rows))

    def by_prefix(self) -> Table:
        """A row for each length of prompts."""
        rows = [
            (f"{prefix} words", *(percent(self.share_extractable(side, prefix)) for side in self.sides))
            for prefix in self.setup.prefixes
        ]
        return Table(("prompt", *(f"extractable ({side})" for side in self.sides)), tuple(rows))

    def canary_table(self) -> Table:
        """A row for each canary."""
        rows = []
        for canary in self.canaries:
            cells = [_said(canary.extracted.get(side)) for side in self.sides]
            rows.append((canary.id, *cells, *_exposure_cells(canary.exposure)))
        return Table(("canary", *(f"said ({side})" for side in self.sides), "exposure", "rank"), tuple(rows))

    def failure_lines(self) -> list[str]:
        """One line for each way in which requests failed."""
        return [f"{side}: {count} requests failed: {why}" for (side, why), count in sorted(self.failures.items())]

    def as_json(self) -> dict[str, Any]:
        setup = asdict(self.setup)
        head = {name: setup.pop(name) for name in ("command", "date", "versions", "servers")}
        return {
            **head,
            "definition": setup,
            "sides": {side: self.figures(side) for side in self.sides},
            "prefixes": [
                {"words": prefix, **{side: self.share_extractable(side, prefix) for side in self.sides}}
                for prefix in self.setup.prefixes
            ],
            "documents": [self._document_json(id_) for id_ in self.ids],
            "too_short": list(self.too_short),
            "canaries": [_canary_json(canary) for canary in self.canaries],
            "no_exposure": self.no_exposure or None,
            "failures": [{"side": side, "why": why, "requests": n} for (side, why), n in sorted(self.failures.items())],
        }

    def _document_json(self, id_: str) -> dict[str, Any]:
        of_sides = {side: self.outcomes[side].get(id_) for side in self.sides}
        return {"id": id_, **{side: outcome and _outcome_json(outcome) for side, outcome in of_sides.items()}}


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def percent(share: float) -> str:
    return f"{share:.0%}" if share in (0.0, 1.0) else f"{share:.1%}"


def _said(is_extracted: bool | None) -> str:
    return _NONE if is_extracted is None else "yes" if is_extracted else "no"


def _summary_cells(made: Mapping[str, Any]) -> list[str]:
    """In the order of the heads."""
    documents = made["documents"]
    cells = [str(documents), f"{made['extractable']} ({percent(made['extractable_share'])})", str(made["nearly"])]
    cells += [f"{made['longest_run']} words", percent(made["share_returned"]), f"{made['similarity']:.2f}"]
    cells += [str(made["answers"]), str(made["stopped"])]
    cells += [f"{made['words_before_stop']:.1f}", str(made["run_before_stop"])] if made["stopped"] else [_NONE, _NONE]
    return cells + ([str(made["known"]), str(made["extracted_unknown"])] if "known" in made else [])


def _cells(outcome: Outcome | None) -> dict[str, str]:
    """By column."""
    if outcome is None:
        return dict.fromkeys(BY_DOCUMENT, _NONE)
    verdict = "yes" if outcome.is_extractable else "nearly" if outcome.is_nearly else "no"
    figures = (str(outcome.longest), percent(outcome.share), f"{outcome.similarity:.2f}")
    stopped = f"{len(outcome.stopped)} of {len(outcome.answers)}"
    return dict(zip(BY_DOCUMENT, (verdict, *figures, stopped), strict=True))


def _exposure_cells(exposure: Exposure | None) -> tuple[str, str]:
    if exposure is None:
        return _NONE, _NONE
    bits = f"{'≥ ' if exposure.is_least else ''}{exposure.bits:.1f} bits"
    return bits, f"{exposure.rank} of {exposure.phrases}"


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    made: dict[str, Any] = {
        "extractable": outcome.is_extractable,
        "nearly": outcome.is_nearly,
        "longest_run": outcome.longest,
        "share_returned": outcome.share,
        "similarity": outcome.similarity,
        "answers": len(outcome.answers),
        "stopped": len(outcome.stopped),
        "words_before_stop": outcome.words_out,
        "run_before_stop": outcome.run_out,
    }
    known = [answer.is_known for answer in outcome.answers if answer.is_known is not None]
    if known:
        made["known"] = sum(known)
    if outcome.quote:
        made["quote"] = outcome.quote
    return made


def _canary_json(canary: CanaryOutcome) -> dict[str, Any]:
    exposure = canary.exposure
    figures = None
    if exposure:
        figures = {
            "bits": exposure.bits,
            "rank": exposure.rank,
            "phrases": exposure.phrases,
            "is_least": exposure.is_least,
        }
    return {"id": canary.id, "extracted": dict(canary.extracted), "exposure": figures}
