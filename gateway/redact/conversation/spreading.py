"""The spread of found values over all texts of a request."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gateway.pipeline.exchange import Deadline
from gateway.pipeline.span import Span
from gateway.redact.conversation.names import Names
from gateway.redact.conversation.numbers import Numbers
from gateway.redact.conversation.values import NO_VALUES, SEPARATOR, Literals, Value, Values, found_values
from gateway.redact.conversation.words import Words


@dataclass(frozen=True, slots=True)
class Spread(Span):
    """A place of a value that was found elsewhere, first in the home (see `spread`) of number `first_in`.

    Its spelling may be one that was found nowhere, so whoever numbers values needs to know since when it is known:
    from the later of `first_in` and the home in which the span lies.
    """

    first_in: int = 0


def spread(
    texts: Sequence[str],
    found: Sequence[Sequence[Span]],
    deadline: Deadline,
    homes: Sequence[int] | None = None,
    earlier: Values = NO_VALUES,
) -> list[list[Span]]:
    """`found` and, in every text, the further places where a found value stands, in whatever case and notation.

    A value with a digit or an @ and at least seven characters counts wherever it stands; other values count as
    whole words only, so that a person called Ann is not found inside "Annual". Persons count by parts of their name,
    numbers however they are grouped. Common words count only where they stand like a name. Of one spelling with two
    types the earlier home decides; a text's home is its place in the conversation, by default its own number.
    `earlier`: values that were found in what came before, see `found_values`. Raises DeadlineExceeded.
    """
    everywhere = [list(spans) for spans in found]
    values = found_values(texts, found, range(len(texts)) if homes is None else homes, earlier)
    if not values:
        return everywhere
    starts = _starts(texts)
    seen = {(i, span.start, span.end, span.entity) for i, spans in enumerate(found) for span in spans}
    for start, end, value in _places(SEPARATOR.join(texts), values, deadline):
        index = bisect_right(starts, start) - 1
        first, last = start - starts[index], end - starts[index]
        place = (index, first, last, value.entity)
        if place not in seen:
            seen.add(place)
            everywhere[index].append(Spread(first, last, value.entity, value.score, value.source, value.first_in))
    return everywhere


def _places(text: str, values: Values, deadline: Deadline) -> Iterator[tuple[int, int, Value]]:
    """Code points [start, end) of the text, and the value that stands there."""
    literals, numbers, names = Literals(values), Numbers(values.values()), Names(values.values())
    words = Words(text, literals.wanted | names.wanted, deadline, numbers.first, names.last)
    for finder in (literals, numbers, names):
        for start, end, value in finder.places(words, deadline):
            yield *words.origin(start, end), value


def _starts(texts: Iterable[str]) -> list[int]:
    starts, at = [], 0
    for text in texts:
        starts.append(at)
        at += len(text) + len(SEPARATOR)
    return starts
