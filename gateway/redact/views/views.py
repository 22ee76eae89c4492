"""All ways in which the texts of a request are read, in one list each: of one text, and of the parts of a message.

What is found in a view is replaced in the text that it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from gateway.pipeline.prompt import Kind, Segment
from gateway.pipeline.span import Span
from gateway.redact.views.digits import admits, collapsed
from gateway.redact.views.encodings import readings
from gateway.redact.views.escapes import IN_ESCAPES, document, is_document, without_escapes
from gateway.redact.views.glue import loosened
from gateway.redact.views.joined import joined
from gateway.redact.views.spoken import respelled, spoken
from gateway.redact.views.view import ENCODED_SOURCE, View

Value = tuple[str, bool]
"""A value, and whether it is in the notation of its text: then it must not be escaped once more."""

Look = Callable[[list[str]], Iterable[bool]]
Recall = Callable[[list[str], Look], list[bool]]
"""What a look at texts gives, for each of them whether it can be read in one way only; it need not be asked again."""

_FURTHER = (loosened, spoken, collapsed)
"""Each makes at most one further view of a view."""


def segment_views(segment: Segment) -> list[View]:
    """All views of one segment, the first its text as it is; what they find lies in "segment 0"."""
    return _all(_base(segment))


def joined_views(segments: Sequence[Segment]) -> list[View]:
    """All views of parts of a message together; what they find lies in segments by their number in `segments`."""
    return [view for base in joined(segments) for view in _all(base)]


def _all(base: View) -> list[View]:
    views = readings(base)
    # Letters spelled out first: what they say may be an address in words.
    views += [made for view in views if (made := respelled(view)) is not None]
    return [*views, *(made for further in _FURTHER for view in views if (made := further(view)) is not None)]


def _base(segment: Segment) -> View:
    text = segment.text
    if is_document(text):
        return document(text)
    view = View()
    if segment.kind is not Kind.KEY and segment.label:
        view.own(f"{segment.label}: ")
    return view.show(text, 0, len(text))


def _looked_at(texts: list[str], look: Look) -> list[bool]:
    """Remembers nothing."""
    found = dict(zip(dict.fromkeys(texts), look(list(dict.fromkeys(texts))), strict=True))
    return [found[text] for text in texts]


def _own(segments: Sequence[Segment], recall: Recall) -> Iterator[list[View]]:
    """The views of each segment. Most have one only, which is known of those that have been seen before."""
    bases = [_base(segment) for segment in segments]
    # A document has the text that it means, which another segment may have as it is.
    plain = [base for base in bases if not base.is_document]
    first = {base.text: base for base in reversed(plain)}
    made: dict[View, list[View]] = {}

    def look(texts: list[str]) -> Iterator[bool]:
        for text in texts:
            views = made[first[text]] = _all(first[text])
            yield len(views) == 1

    is_one = iter(recall([base.text for base in plain], look))
    for base in bases:
        if not base.is_document and next(is_one):
            yield [base]
        else:
            yield made.get(base) or _all(base)


class Views:
    """All texts of a request in which to look for values. `texts` go to the detector, `back` brings its spans home."""

    def __init__(self, segments: Sequence[Segment], recall: Recall = _looked_at) -> None:
        own = list(_own(segments, recall))
        self.documents = frozenset(i for i, views in enumerate(own) if views[0].is_document)
        self._count = len(segments)
        # Each view with the number of the segment that it calls 0.
        self._views = [(i, view) for i, views in enumerate(own) for view in views]
        self._views += ((0, view) for view in joined_views(segments))
        self.texts = [view.text for _, view in self._views]

    def admitted(self, found: Sequence[Iterable[Span]]) -> list[list[Span]]:
        """For each view what its way of reading is good enough for: see `digits.admits`."""
        return [
            [span for span in spans if admits(view, span)] if view.reading else list(spans)
            for (_, view), spans in zip(self._views, found, strict=True)
        ]

    @property
    def are_segments(self) -> bool:
        """Whether each segment is read as it stands and in no other way."""
        return len(self._views) == self._count and all(
            view.alone is not None or not len(view) for _, view in self._views
        )

    @property
    def homes(self) -> list[int]:
        """For each of `texts` the segment with which it is complete."""
        return [first + view.last for first, view in self._views]

    def back(self, found: Sequence[Iterable[Span]]) -> list[list[Span]]:
        """For each segment the spans that lie in it, in whatever view they were found, and what could not be read."""
        spans: list[list[Span]] = [[] for _ in range(self._count)]
        for (first, view), views_spans in zip(self._views, self.admitted(found), strict=True):
            if (alone := view.alone) is not None:
                spans[first + alone] += (*views_spans, *view.given)
                continue
            for span in (*views_spans, *view.given):
                for segment, shown in view.found(span):
                    spans[first + segment].append(shown)
        return spans


def value_of(span: Span, text: str, *, in_document: bool) -> Value:
    """What a piece of a text says: in a JSON document without its escapes, elsewhere as it is written there."""
    return (without_escapes(text), False) if in_document else (text, is_verbatim(span, text))


def is_verbatim(span: Span, text: str) -> bool:
    """Whether a value is given back as it was written, whatever the notation of the answer.

    An encoded one is, unless it has in it what would end the string of a JSON answer.
    """
    if span.source.startswith(ENCODED_SOURCE):
        return '"' not in text and text.isprintable()
    return span.source == IN_ESCAPES
