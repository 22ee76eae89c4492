"""Whether values that turn up later in a conversation are nowhere in what came before.

If so, what was found there stays as it is: nothing has to be looked for in it again. Yes is certain; no may be said of
values that are not there either: when the digits of a number stand somewhere with more between them, or when it would
take long to tell.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from gateway.pipeline.exchange import Deadline
from gateway.redact.conversation.folding import Folded
from gateway.redact.conversation.names import Names
from gateway.redact.conversation.numbers import SEPARATORS, numbers_of
from gateway.redact.conversation.values import LONG_CHARS, SEPARATOR, Value, is_whole
from gateway.redact.conversation.words import UNSPACED_SCRIPTS, runs_on

_MOST_WORK = 1 << 24
"""Values times characters. To search all of a conversation takes time by the sum of the two: from here on less."""
_NO_SEPARATORS = str.maketrans("", "", SEPARATORS)


def stand_apart(values: Collection[Value], texts: Iterable[str], deadline: Deadline) -> bool:
    """Whether no value, no part of a name and no number of `values` stands in the texts, in whatever notation.

    Raises DeadlineExceeded.
    """
    if not values:
        return True
    deadline.left()
    text = Folded(SEPARATOR.join(texts)).text
    if len(values) * len(text) > _MOST_WORK:
        return False
    return not (
        any(_has_value(text, value, deadline) for value in values)
        or any(_has_word(text, word, deadline) for word in Names(values).wanted)
        or _has_number(text, values, deadline)
    )


def _has_value(text: str, value: Value, deadline: Deadline) -> bool:
    deadline.left()
    if value.is_sure or len(value.key) > LONG_CHARS:
        return value.key in text
    return any(is_whole(text, at, at + len(value.key)) for at in _places(text, value.key))


def _has_word(text: str, word: str, deadline: Deadline) -> bool:
    """Also with digits behind it."""
    deadline.left()
    for at in _places(text, word):
        after = text[at + len(word) : at + len(word) + 1]
        goes_on = after.isalpha() and ord(after) < UNSPACED_SCRIPTS
        if not goes_on and not runs_on(text[at - 1 : at] if at else "", word[0]):
            return True
    return False


def _has_number(text: str, values: Iterable[Value], deadline: Deadline) -> bool:
    # All ways in which a number is written end with the shortest.
    numbers = [min(written, key=len) for value in values if (written := list(numbers_of(value.key)))]
    if not numbers:
        return False
    deadline.left()
    together = text.translate(_NO_SEPARATORS)
    return any(number in together for number in numbers)


def _places(text: str, key: str) -> Iterator[int]:
    at = text.find(key)
    while at >= 0:
        yield at
        at = text.find(key, at + 1)
