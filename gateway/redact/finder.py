"""All that a policy acts on in the texts of a request: detected in every view of them, precise, spread, disjoint."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.errors import Blocked
from gateway.pipeline.exchange import Deadline
from gateway.pipeline.ports import Detector
from gateway.pipeline.prompt import Segment
from gateway.pipeline.span import Span, merge
from gateway.policy.schema import Action
from gateway.redact.conversation import Spread, spread
from gateway.redact.harmless import harmless
from gateway.redact.memo import Memo
from gateway.redact.rules import Rules
from gateway.redact.views.view import ENCODED_SOURCE
from gateway.redact.views.views import Views


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in a segment: all spans to act on, and the places of those found there and not only elsewhere."""

    spans: Sequence[Span]
    own: frozenset[tuple[int, int]]
    since: Mapping[tuple[int, int], int]
    """For spans with spellings that are found nowhere: the segment that reveals them."""


class Finder:
    """Finds in segments what the rules act on. `block_encoded`: stop at personal data that is encoded."""

    def __init__(self, detector: Detector, rules: Rules, memo: Memo, *, block_encoded: bool = False) -> None:
        self._detector = detector
        self._memo = memo
        self._rules = rules
        self._block_encoded = block_encoded

    def find(self, segments: Sequence[Segment], deadline: Deadline, tenant: str) -> tuple[Views, list[Found]]:
        """The views that were read, and for each segment what was found. `tenant`: whose segments they are.

        Raises Blocked by the policy, DeadlineExceeded, and whatever a detector raises.
        """
        views = Views(segments)
        texts = views.texts
        read = self._memo.recall(tenant, texts, lambda unread: self._detector.detect(unread, deadline))
        detected = views.admitted(read)
        kept = [list(self._kept(text, spans, deadline)) for text, spans in zip(texts, detected, strict=True)]
        # Each value is looked for by itself, also one that is part of a wider one where it was found.
        everywhere = views.back(spread(texts, kept, deadline, views.homes))
        own = views.back(kept)
        self._block(everywhere)
        strictness = self._rules.strictness
        return views, [
            _found(merge(spans, strictness), spans, merge(here, strictness))
            for spans, here in zip(everywhere, own, strict=True)
        ]

    def _kept(self, text: str, spans: Sequence[Span], deadline: Deadline) -> Iterator[Span]:
        return (span for span in spans if self._rules.acts_on(text, span, deadline) and not harmless(text, span))

    def _block(self, found: Sequence[Sequence[Span]]) -> None:
        for spans in found:
            for span in spans:
                if self._rules.action(span.entity) is Action.BLOCK:
                    raise Blocked(f"redact.entities.{span.entity}")
                if self._block_encoded and span.source.startswith(ENCODED_SOURCE):
                    raise Blocked("redact.encoded")


def _found(merged: Sequence[Span], spans: Sequence[Span], own: Sequence[Span]) -> Found:
    starts = [span.start for span in merged]
    since: dict[tuple[int, int], int] = {}
    for span in spans:
        if isinstance(span, Spread) and span.length:
            around = merged[bisect_right(starts, span.start) - 1]
            place = around.start, around.end
            since[place] = max(since.get(place, 0), span.first_in)
    return Found(merged, frozenset((span.start, span.end) for span in own), since)
