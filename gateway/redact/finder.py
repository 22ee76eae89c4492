"""All that a policy acts on in the texts of a request: detected in every view of them, precise, spread, disjoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.errors import Blocked
from gateway.pipeline.exchange import Deadline
from gateway.pipeline.ports import Detector
from gateway.pipeline.prompt import Segment
from gateway.pipeline.span import Span, merge
from gateway.policy.schema import Action
from gateway.redact.conversation import spread
from gateway.redact.memo import Memo
from gateway.redact.rules import Rules
from gateway.redact.views import Views

ENCODED = "encoded:"
"""How the source of a span begins that stands in the text in an encoding only."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in a segment: all spans to act on, and the places of those found there and not only elsewhere."""

    spans: Sequence[Span]
    own: frozenset[tuple[int, int]]


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
        detected = self._memo.recall(tenant, texts, lambda unread: self._detector.detect(unread, deadline))
        kept = [list(self._kept(text, spans, deadline)) for text, spans in zip(texts, detected, strict=True)]
        # Each value is looked for by itself, also one that is part of a wider one where it was found.
        everywhere = views.back(spread(texts, kept, deadline))
        own = views.back(kept)
        self._block(everywhere)
        strictness = self._rules.strictness
        return views, [
            Found(merge(spans, strictness), frozenset((s.start, s.end) for s in merge(here, strictness)))
            for spans, here in zip(everywhere, own, strict=True)
        ]

    def _kept(self, text: str, spans: Sequence[Span], deadline: Deadline) -> Iterator[Span]:
        return (span for span in spans if self._rules.acts_on(text, span, deadline))

    def _block(self, found: Sequence[Sequence[Span]]) -> None:
        for spans in found:
            for span in spans:
                if self._rules.action(span.entity) is Action.BLOCK:
                    raise Blocked(f"redact.entities.{span.entity}")
                if self._block_encoded and span.source.startswith(ENCODED):
                    raise Blocked("redact.encoded")
