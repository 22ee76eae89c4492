"""What one text carries on to the next."""

from __future__ import annotations

from gateway.guard.regurgitation import Rule, Watch, joined
from gateway.guard.regurgitation.engine import native
from tests.unit.guard.regurgitation.texts import text

DOCUMENT = text(11, 200)
WORDS = DOCUMENT.split()


def pieces(step: int, times: int) -> list[str]:
    return [" ".join(WORDS[step * n : step * (n + 1)]) for n in range(times)]


def test_what_was_followed_when_an_answer_was_stopped_is_carried_on() -> None:
    watch, carried, left = Watch.of_text([DOCUMENT], Rule()), b"", []
    for piece in pieces(12, 10):
        reader = watch.open(carried=carried)
        left.append((reader.push(piece) + reader.flush()).split())
        carried = reader.carry()
    # The first piece is no passage yet; all others go on where it ended.
    assert len(left[0]) == 12
    assert [len(words) for words in left[1:]] == [0] * 9


def test_joining_keeps_the_newest_and_each_once() -> None:
    ends = [bytes([n]) * native.CARRIED_BYTES for n in range(12)]
    assert joined(b"", ends[0]) == joined(ends[0], b"") == joined(ends[0], ends[0]) == ends[0]
    assert joined(ends[0] + ends[1], ends[2] + ends[0]) == ends[1] + ends[2] + ends[0]
    assert joined(b"".join(ends[:6]), b"".join(ends[6:])) == b"".join(ends[-native.CARRIED_MOST :])
