"""What the layout of whole texts says about the values in them, as a detector beside Presidio's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.pipeline.exchange import Deadline
from gateway.pipeline.span import Span
from gateway.redact.structure.found import Found
from gateway.redact.structure.kinds import ENTITIES, KINDS

SOURCE = "StructureRecognizer"


class StructureDetector:
    """Reads texts whole, since a header may be far from its rows. It knows all languages alike."""

    entities = frozenset(ENTITIES)

    def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
        """Raises DeadlineExceeded."""
        return [list(_spans(text, deadline)) for text in texts]


def _spans(text: str, deadline: Deadline) -> Iterator[Span]:
    deadline.left()
    for found in find(text):
        deadline.left()
        yield Span(found.start, found.end, found.entity, found.score, SOURCE)


def find(text: str) -> Iterator[Found]:
    """What every kind of structure finds in `text`, each place once."""
    seen: set[Found] = set()
    for kind in KINDS:
        for found in kind(text):
            if found not in seen:
                seen.add(found)
                yield found
