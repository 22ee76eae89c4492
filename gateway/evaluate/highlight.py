"""A text cut into pieces that are each found, leaked, a false alarm, or nothing, so that a reader sees them at once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from gateway.evaluate.documents import Mark
from gateway.evaluate.score import Judged


class Kind(StrEnum):
    """What a piece of a text turned out to be."""

    PLAIN = "plain"
    FOUND = "found"
    LEAKED = "leaked"
    ALARM = "alarm"
    OPTIONAL = "optional"
    MORE = "more"


LEGEND = (
    (Kind.FOUND, "marked and hidden"),
    (Kind.LEAKED, "marked and left readable"),
    (Kind.ALARM, "false alarm"),
    (Kind.OPTIONAL, "hidden, may be"),
    (Kind.MORE, "hidden together with a marked value"),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """`title` says what was marked here and what was found."""

    text: str
    kind: Kind
    title: str = ""


def pieces(judged: Judged) -> list[Piece]:
    """The whole text, in order."""
    document = judged.document
    marks, findings, optional = document.marks, judged.findings, document.optional
    edges = {0, len(document.text)}
    for mark in (*marks, *findings, *optional):
        edges |= {mark.start, mark.end}
    made = []
    for start, end in pairwise(sorted(edges)):
        marked = [mark for mark in marks if mark.start <= start < mark.end]
        found = [finding for finding in findings if finding.start <= start < finding.end]
        may_be = any(mark.start <= start < mark.end for mark in optional)
        kind = _kind(judged, marked, found, may_be=may_be)
        made.append(Piece(document.text[start:end], kind, _title(marked, found) if kind is not Kind.PLAIN else ""))
    return made


def _kind(judged: Judged, marked: list[Mark], found: list[Mark], *, may_be: bool) -> Kind:
    if marked:
        return Kind.FOUND if found else Kind.LEAKED
    if not found:
        return Kind.PLAIN
    if may_be:
        return Kind.OPTIONAL
    return Kind.MORE if any(map(judged.is_good, found)) else Kind.ALARM


def _title(marked: list[Mark], found: list[Mark]) -> str:
    parts = [f"marked {mark.label}" for mark in marked]
    parts += [f"found {finding.label} {finding.score:.2f} by {finding.source}" for finding in found]
    return ", ".join(parts)
