"""The circuit breaker, on a clock of the test's own."""

from __future__ import annotations

import asyncio

import pytest

from gateway.store.breaker import FAILURES, Breaker
from gateway.store.port import StoreUnavailable, Trouble


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def attempt(breaker: Breaker, trouble: Trouble | None = None) -> bool:
    """One operation that fails so, or works; whether it was made at all."""
    seen: Trouble | None = None
    made = False
    try:
        with breaker.attempt():
            made = True
            if trouble is not None:
                raise StoreUnavailable(trouble)
    except StoreUnavailable as error:
        seen = error.trouble
    assert seen is (trouble if made else Trouble.SUSPENDED)
    return made


def broken(clock: Clock) -> Breaker:
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        assert attempt(breaker, Trouble.TIMEOUT)
    return breaker


@pytest.mark.parametrize("trouble", [Trouble.UNREACHABLE, Trouble.TIMEOUT, Trouble.DENIED, Trouble.FAILED])
def test_failures_in_a_row_open_it(trouble: Trouble) -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        breaker.check()
        assert attempt(breaker, trouble)
    assert not attempt(breaker)
    with pytest.raises(StoreUnavailable):
        breaker.check()
    clock.now = 0.5
    breaker.check()
    assert attempt(breaker)
    assert attempt(breaker)


def test_a_success_between_them_counts_anew() -> None:
    breaker = Breaker(Clock())
    for _ in range(5):
        for _ in range(FAILURES - 1):
            assert attempt(breaker, Trouble.TIMEOUT)
        assert attempt(breaker)


@pytest.mark.parametrize("trouble", [Trouble.FULL, Trouble.READ_ONLY])
def test_a_server_that_takes_no_more_is_read_from_all_the_same(trouble: Trouble) -> None:
    breaker = Breaker(Clock())
    for _ in range(20):
        assert attempt(breaker, trouble)
    assert attempt(breaker)


def test_the_pause_doubles_up_to_its_longest_and_starts_anew_after_a_success() -> None:
    clock = Clock()
    breaker = broken(clock)
    for pause in (0.5, 1, 2, 4, 5, 5):
        clock.now += pause - 0.01
        assert not attempt(breaker)
        clock.now += 0.01
        assert attempt(breaker, Trouble.TIMEOUT)
        assert not attempt(breaker)
    clock.now += 5
    assert attempt(breaker)
    for _ in range(FAILURES):
        assert attempt(breaker, Trouble.TIMEOUT)
    clock.now += 0.5
    assert attempt(breaker)


def test_one_probe_at_a_time() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += 0.5
    with breaker.attempt():
        assert not attempt(breaker)
        with pytest.raises(StoreUnavailable):
            breaker.check()
    assert attempt(breaker)


def test_a_probe_that_is_cancelled_leaves_room_for_the_next() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += 0.5
    with pytest.raises(asyncio.CancelledError), breaker.attempt():
        raise asyncio.CancelledError
    assert attempt(breaker, Trouble.TIMEOUT)
    assert not attempt(breaker)


def test_failures_of_what_began_before_do_not_make_the_pause_longer() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    under_way = [breaker.attempt() for _ in range(10)]
    for one in under_way:
        one.__enter__()
    for one in under_way:
        error = StoreUnavailable(Trouble.TIMEOUT)
        assert not one.__exit__(StoreUnavailable, error, None)
    clock.now += 0.5
    assert attempt(breaker)


def test_a_success_of_what_began_before_ends_the_pause() -> None:
    breaker = Breaker(Clock())
    early = breaker.attempt()
    early.__enter__()
    for _ in range(FAILURES):
        attempt(breaker, Trouble.TIMEOUT)
    assert not attempt(breaker)
    early.__exit__(None, None, None)
    assert attempt(breaker)
