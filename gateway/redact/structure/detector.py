"""What the layout of whole texts says about the values in them, as a detector beside Presidio's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.pipeline.exchange import Deadline
from gateway.pipeline.span import Span
from gateway.redact.structure.kinds import ENTITIES
from gateway.redact.structure.recognizer import find

SOURCE = "StructureRecognizer"


class StructureDetector:
    """Reads texts whole, since a header may be far from its rows."""

    entities = frozenset(ENTITIES)

    def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
        """Raises DeadlineExceeded."""
        return [list(_spans(text, deadline)) for text in texts]


def _spans(text: str, deadline: Deadline) -> Iterator[Span]:
    deadline.left()
    for found in find(text):
        deadline.left()
        yield Span(found.start, found.end, found.entity, found.score, SOURCE)
