"""The parts of one message as one text, as chat templates put them together: a value may be cut in two by them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from gateway.pipeline.prompt import Segment
from gateway.redact.views.view import View

_JOINTS = ("", "\n")
_EDGE_CHARS = 256
"""How much of a part of a message is read together with the part beside it."""


def joined(segments: Sequence[Segment]) -> Iterator[View]:
    """For each message of several parts its views. Their pieces name segments by their number in `segments`."""
    for message, group in groupby(enumerate(segments), key=lambda numbered: numbered[1].message):
        parts = list(group)
        if message is None or len(parts) < 2:
            continue
        for joint in _JOINTS:
            view = View()
            for index, segment in parts:
                _add_edges(view, index, segment.text)
                view.own(joint)
            yield view


def _add_edges(view: View, index: int, text: str) -> None:
    length = len(text)
    if length <= 2 * _EDGE_CHARS:
        view.show(text, 0, length, segment=index)
        return
    view.show(text[:_EDGE_CHARS], 0, _EDGE_CHARS, segment=index).own("\n\n")
    view.show(text[-_EDGE_CHARS:], length - _EDGE_CHARS, length, segment=index)
