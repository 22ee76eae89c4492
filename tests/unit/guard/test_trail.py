"""Where texts of one answer have got to, however many they are."""

from __future__ import annotations

from gateway.guard.regurgitation.engine import native
from gateway.guard.trail import Trail


def end(number: int) -> bytes:
    return number.to_bytes(2, "big") * (native.CARRIED_BYTES // 2)


def test_a_reader_hears_of_all_others_and_not_of_itself() -> None:
    told: list[bytes] = []
    trail = Trail(end(0), told.append)
    trail.go_on("one", end(1))
    trail.go_on("two", end(2))
    assert trail.others("one") == end(0) + end(2)
    assert trail.others("two") == end(0) + end(1)
    assert told == [end(1), end(2)]


def test_nothing_new_is_told_once() -> None:
    told: list[bytes] = []
    trail = Trail(told=told.append)
    for _ in range(3):
        trail.go_on("one", end(1))
    assert (told, trail.version) == ([end(1)], 1)
    trail.go_on("one", b"")
    assert trail.others("two") == b""


def test_of_many_texts_the_latest_count() -> None:
    trail, readers = Trail(end(0)), [object() for _ in range(5000)]
    for number in range(1, 5000):
        trail.go_on(readers[number], end(number))
    carried = trail.others("another")
    assert len(carried) == native.CARRIED_MOST * native.CARRIED_BYTES
    assert carried.endswith(end(4998) + end(4999))
    assert trail.others(readers[4999]).endswith(end(4998))
