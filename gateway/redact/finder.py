"""All that a policy acts on in the texts of a request: detected in every view of them, precise, spread, disjoint."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from gateway.errors import Blocked
from gateway.pipeline.exchange import Deadline
from gateway.pipeline.ports import Clock, Detector
from gateway.pipeline.prompt import Segment
from gateway.pipeline.span import Span, merge
from gateway.policy.schema import Action
from gateway.policy.schema import Memo as MemoPolicy
from gateway.redact.conversation import Spread, spread
from gateway.redact.harmless import harmless
from gateway.redact.memo import Memo
from gateway.redact.rules import Rules
from gateway.redact.views.view import ENCODED_SOURCE
from gateway.redact.views.views import Value, Views, value_of


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in a segment: all spans to act on, and the places of those found there and not only elsewhere."""

    spans: Sequence[Span]
    own: frozenset[tuple[int, int]]
    since: Mapping[tuple[int, int], int]
    """For spans with spellings that are found nowhere: the segment that reveals them."""
    in_document: bool
    """Whether the segment is a JSON document, in which texts have escapes."""

    def value(self, span: Span, text: str) -> Value:
        """What a piece of the segment says."""
        return value_of(span, text, in_document=self.in_document)


@dataclass(frozen=True, slots=True)
class Memos:
    """`views`: whether a text can be read in one way only. `texts`: what detectors found in each that counts.
    `requests`: what was found in whole requests in the end."""

    views: Memo[bool]
    texts: Memo[tuple[Span, ...]]
    requests: Memo[tuple[Found, ...]]


def memos(clock: Clock, policy: MemoPolicy) -> Memos:
    """All together take what the policy allows."""
    size = policy.size // 5
    return Memos(
        Memo(clock, size=size, ttl_s=policy.ttl, spans_in=lambda _: 0),
        Memo(clock, size=2 * size, ttl_s=policy.ttl, spans_in=len),
        Memo(clock, size=2 * size, ttl_s=policy.ttl, spans_in=_spans_in),
    )


def _spans_in(found: tuple[Found, ...]) -> int:
    """As many spans as take the same memory."""
    return sum(1 + len(each.spans) + len(each.own) + len(each.since) for each in found)


class Finder:
    """Finds in segments what the rules act on. `block_encoded`: stop at personal data that is encoded."""

    def __init__(self, detector: Detector, rules: Rules, memos: Memos, *, block_encoded: bool = False) -> None:
        self._detector = detector
        self._memos = memos
        self._rules = rules
        self._block_encoded = block_encoded

    def find(self, segments: Sequence[Segment], deadline: Deadline, owner: str) -> tuple[Found, ...]:
        """For each segment what was found. `owner`: whose segments they are.

        Raises Blocked by the policy, DeadlineExceeded, and whatever a detector raises.
        """
        asked = [_all_of(segments)]
        return self._memos.requests.recall(owner, asked, lambda _: [self._find(segments, deadline, owner)])[0]

    def _find(self, segments: Sequence[Segment], deadline: Deadline, owner: str) -> tuple[Found, ...]:
        views = Views(segments, partial(self._memos.views.recall, owner))
        texts = views.texts
        kept = views.admitted(self._memos.texts.recall(owner, texts, lambda unread: self._read(unread, deadline)))
        # Each value is looked for by itself, also one that is part of a wider one where it was found.
        everywhere = views.back(spread(texts, kept, deadline, views.homes))
        own = views.back(kept)
        self._block(everywhere)
        return tuple(
            self._found(spans, here, in_document=index in views.documents)
            for index, (spans, here) in enumerate(zip(everywhere, own, strict=True))
        )

    def _found(self, spans: Sequence[Span], own: Sequence[Span], *, in_document: bool) -> Found:
        """Of one segment, of which `own` are the spans that were found there."""
        merged = merge(spans, self._rules.strictness)
        if len(own) == len(spans):
            # In most nothing else was found.
            return Found(merged, _places(merged), {}, in_document)
        return Found(merged, _places(merge(own, self._rules.strictness)), _since(merged, spans), in_document)

    def _read(self, texts: list[str], deadline: Deadline) -> Iterator[tuple[Span, ...]]:
        """What is found in each text that the rules act on."""
        for text, spans in zip(texts, self._detector.detect(texts, deadline), strict=True):
            yield tuple(s for s in spans if self._rules.acts_on(text, s, deadline) and not harmless(text, s))

    def _block(self, found: Sequence[Sequence[Span]]) -> None:
        for spans in found:
            for span in spans:
                if self._rules.action(span.entity) is Action.BLOCK:
                    raise Blocked(f"redact.entities.{span.entity}")
                if self._block_encoded and span.source.startswith(ENCODED_SOURCE):
                    raise Blocked("redact.encoded")


def _all_of(segments: Sequence[Segment]) -> str:
    """All that matters of a request's segments in one text, in which none can be taken for another."""
    marks = [(s.kind.value, s.label, s.message, len(s.text)) for s in segments]
    return "".join((repr(marks), *(s.text for s in segments)))


def _places(spans: Sequence[Span]) -> frozenset[tuple[int, int]]:
    return frozenset((span.start, span.end) for span in spans)


def _since(merged: Sequence[Span], spans: Sequence[Span]) -> dict[tuple[int, int], int]:
    starts = [span.start for span in merged]
    since: dict[tuple[int, int], int] = {}
    for span in spans:
        if isinstance(span, Spread) and span.length:
            around = merged[bisect_right(starts, span.start) - 1]
            place = around.start, around.end
            since[place] = max(since.get(place, 0), span.first_in)
    return since
