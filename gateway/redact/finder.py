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
from gateway.redact.conversation import NO_VALUES, Spread, Values, found_values, spread, stand_apart
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
class Reading:
    """What was found in a request in the end. `own`: for each segment what was found there, before anything was merged;
    None if a segment was also read otherwise than as it stands."""

    found: tuple[Found, ...]
    own: tuple[tuple[Span, ...], ...] | None


@dataclass(frozen=True, slots=True)
class Memos:
    """`views`: whether a text can be read in one way only. `texts`: what detectors found in each that counts.
    `requests`: what was found in whole requests, each of which may be the beginning of a later one."""

    views: Memo[bool]
    texts: Memo[tuple[Span, ...]]
    requests: Memo[Reading]


def memos(clock: Clock, policy: MemoPolicy) -> Memos:
    """All together take what the policy allows."""
    size = policy.size // 5
    return Memos(
        Memo(clock, size=size, ttl_s=policy.ttl, spans_in=lambda _: 0),
        Memo(clock, size=2 * size, ttl_s=policy.ttl, spans_in=len),
        Memo(clock, size=2 * size, ttl_s=policy.ttl, spans_in=_spans_in),
    )


def _spans_in(reading: Reading) -> int:
    """As many spans as take the same memory."""
    own = sum(map(len, reading.own or ()))
    return own + sum(1 + len(each.spans) + len(each.own) + len(each.since) for each in reading.found)


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
        if not segments:
            return ()
        memo = self._memos.requests
        ends, keys = _ends(segments), memo.chain(owner, map(_piece, segments))
        known = memo.last([keys[end - 1] for end in ends])
        reading = None
        if known is not None:
            place, before = known
            if ends[place] == len(segments):
                return before.found
            reading = self._further(before, segments, ends[place], deadline, owner)
        if reading is None:
            reading = self._whole(segments, deadline, owner)
        memo.keep(keys[-1], reading)
        return reading.found

    def _whole(self, segments: Sequence[Segment], deadline: Deadline, owner: str) -> Reading:
        views, kept = self._seen(segments, deadline, owner)
        own = views.back(kept)
        found = self._spread(views, kept, own, deadline, views.homes)
        return Reading(found, _all(own) if views.are_segments else None)

    def _further(
        self, before: Reading, segments: Sequence[Segment], count: int, deadline: Deadline, owner: str
    ) -> Reading | None:
        """With `before`, which was found in the first `count` segments alone; None if what the others have may be in
        these too, so that all have to be searched again."""
        former, earlier = self._earlier(before, segments[:count], deadline, owner)
        views, kept = self._seen(segments[count:], deadline, owner)
        homes = [count + home for home in views.homes]
        values = found_values(views.texts, kept, homes)
        if not stand_apart([value for value in values.values() if value.written not in earlier], former, deadline):
            return None
        own = views.back(kept)
        found = self._spread(views, kept, own, deadline, homes, earlier)
        together = (*before.own, *_all(own)) if before.own is not None and views.are_segments else None
        return Reading((*before.found, *found), together)

    def _earlier(
        self, before: Reading, segments: Sequence[Segment], deadline: Deadline, owner: str
    ) -> tuple[Sequence[str], Values]:
        """The texts in which `before` was found, and the values that were."""
        if before.own is not None:
            texts = [segment.text for segment in segments]
            return texts, found_values(texts, before.own, range(len(texts)))
        views, kept = self._seen(segments, deadline, owner)
        return views.texts, found_values(views.texts, kept, views.homes)

    def _seen(
        self, segments: Sequence[Segment], deadline: Deadline, owner: str
    ) -> tuple[Views, Sequence[Sequence[Span]]]:
        """The texts of segments and what detectors find in each that counts."""
        views = Views(segments, partial(self._memos.views.recall, owner))
        texts = self._memos.texts.recall(owner, views.texts, lambda unread: self._read(unread, deadline))
        return views, views.admitted(texts)

    def _spread(
        self,
        views: Views,
        kept: Sequence[Sequence[Span]],
        own: Sequence[Sequence[Span]],
        deadline: Deadline,
        homes: Sequence[int],
        earlier: Values = NO_VALUES,
    ) -> tuple[Found, ...]:
        # Each value is looked for by itself, also one that is part of a wider one where it was found.
        everywhere = views.back(spread(views.texts, kept, deadline, homes, earlier))
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


def _ends(segments: Sequence[Segment]) -> list[int]:
    """After how many segments a request may have ended: not within a message, whose parts are read together."""
    marks = [segment.message for segment in segments]
    return [n for n in range(1, len(marks) + 1) if n == len(marks) or marks[n] is None or marks[n] != marks[n - 1]]


def _piece(segment: Segment) -> str:
    """All of it that matters in one text, which can be taken for no other."""
    return f"{(segment.kind.value, segment.label, segment.message)!r}{segment.text}"


def _all(spans: Sequence[Sequence[Span]]) -> tuple[tuple[Span, ...], ...]:
    return tuple(map(tuple, spans))


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
