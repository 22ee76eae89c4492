"""Who tries wrong tokens is told to stop, and nobody else notices."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from gateway.access.brake import Brake
from gateway.errors import RateLimited
from tests.unit.access.token_scene import Clock

HERE, THERE = ip_address("192.0.2.1"), ip_address("192.0.2.2")


def tried(brake: Brake, address: object = HERE, times: int = 1) -> int:
    """The Retry-After of the last of so many wrong tokens; 0 if it was answered as a wrong one."""
    wait = 0
    for _ in range(times):
        try:
            brake.failed(address)  # type: ignore[arg-type]
            wait = 0
        except RateLimited as error:
            wait = error.retry_after_s or -1
    return wait


def test_some_wrong_tokens_are_wrong_tokens_and_then_there_is_a_pause() -> None:
    brake = Brake(Clock(), free=3)
    assert [tried(brake) for _ in range(5)] == [0, 0, 0, 1, 1]
    assert tried(brake, THERE) == 0


def test_the_pause_doubles_up_to_a_bound_and_tries_within_it_change_nothing() -> None:
    clock = Clock()
    brake = Brake(clock, free=1, longest_s=10)
    pauses = []
    for _ in range(100):
        assert tried(brake) == 0
        pauses.append(tried(brake, times=50))
        clock.now += pauses[-1]
    assert pauses[:6] == [1, 2, 4, 8, 10, 10]
    assert max(pauses) == 10


def test_who_has_stopped_for_a_while_begins_anew() -> None:
    clock = Clock()
    brake = Brake(clock, free=2, forget_s=60)
    assert tried(brake, times=3) == 1
    clock.now += 61
    assert [tried(brake), tried(brake)] == [0, 0]


def test_a_network_of_ipv6_is_one_and_so_are_all_that_nobody_knows() -> None:
    brake = Brake(Clock(), free=2)
    assert [tried(brake, ip_address(f"2001:db8::{n}")) for n in range(3)] == [0, 0, 1]
    assert tried(brake, ip_address("2001:db8:0:1::")) == 0
    assert [tried(brake, None) for _ in range(3)] == [0, 0, 1]
    assert tried(brake, ip_address("0.0.0.0")) == tried(brake, ip_address("::")) == 0
    assert len(brake) == 5


def test_it_remembers_so_many_addresses_and_no_more() -> None:
    brake = Brake(Clock(), free=1, remembered=100)
    for number in range(10_000):
        tried(brake, ip_address(number))
    assert len(brake) == 100
    with pytest.raises(RateLimited) as raised:
        brake.failed(ip_address(9_999))
    assert (raised.value.status, raised.value.code) == (429, "rate_limit_exceeded")
    brake.failed(ip_address(0))
