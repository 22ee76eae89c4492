"""Limits by themselves: how they are written, what a request will use, and the headers that say what is left."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gateway.access.limits import Gauge, LimitRules, Limits, duration, estimate, limit_headers
from gateway.errors import BudgetExceeded, GatewayError, RateLimited
from gateway.store.port import LARGEST_LIMIT


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"), (1, "1ms"), (999, "999ms"), (1000, "1s"), (1500, "1.5s"), (8640, "8.64s"), (59_999, "59.999s"),
        (60_000, "1m0s"), (360_000, "6m0s"), (361_020, "6m1.02s"), (3_600_000, "1h0m0s"), (86_400_000, "24h0m0s"),
        (31 * 86_400_000, "744h0m0s"), (10_000, "10s"), (600_000, "10m0s"),
    ],
)  # fmt: skip
def test_durations_are_written_as_openai_does(milliseconds: int, text: str) -> None:
    assert duration(milliseconds) == text


def test_the_tightest_limit_is_shown() -> None:
    gauges = [Gauge(10, 5, 100), Gauge(1000, 4, 200), Gauge(7, 4, 3000)]
    assert limit_headers("tokens", gauges) == [
        (b"x-ratelimit-limit-tokens", b"7"),
        (b"x-ratelimit-remaining-tokens", b"4"),
        (b"x-ratelimit-reset-tokens", b"3s"),
    ]


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        ({"messages": [{"role": "user", "content": "x" * 400}], "max_tokens": 100}, 100 + 104),
        ({"messages": [], "max_tokens": 100, "max_completion_tokens": 30, "n": 3}, 300),
        ({"messages": [], "max_tokens": 1, "max_completion_tokens": 900}, 900),
        ({"messages": [], "max_tokens": 900, "max_completion_tokens": 0}, 900),
        ({"input": ["x" * 40, "y" * 40], "max_tokens": 0}, 20),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "abcdefgh"}]}]}, 512 + 9),
        ({"prompt": "abcde", "max_tokens": 0}, 2),
        ({"prompt": [1, 2, 3, 4, 5], "max_tokens": 1}, 6),
        ({"prompt": ["abcd", "efgh"], "max_tokens": 10}, 22),
        ({"prompt": [[1, 2], [3]], "max_tokens": 10, "n": 2}, 43),
        ({"prompt": "abcd", "max_tokens": 10, "best_of": 4, "n": 2}, 41),
        ({"metadata": {"x": "y" * 1000}, "max_tokens": 1}, 1),
        ({"tools": [{"type": "function"}], "max_tokens": 0}, 3),
    ],
)
def test_estimates(body: dict[str, Any], tokens: int) -> None:
    assert estimate(body).all == tokens


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.sampled_from(["messages", "prompt", "n", "max_tokens", "best_of", "tools", "x"]), JSON))
def test_whatever_a_body_is_it_has_an_estimate(body: dict[str, Any]) -> None:
    assert estimate(body).all >= 0


@pytest.mark.parametrize("value", [0, -1, LARGEST_LIMIT + 1, True, 1.5])
def test_a_limit_is_a_whole_number_of_at_least_one(value: Any) -> None:
    with pytest.raises(ValueError, match="concurrent: write a whole number"):
        Limits(concurrent=value)


def test_limits_can_be_read_from_a_file() -> None:
    read = TypeAdapter(LimitRules)
    assert read.validate_python({"token": {"concurrent": 3}}) == LimitRules(token=Limits(concurrent=3))
    unknown: list[Any] = [{"token": {"concurrently": 3}}, {"user": {}}, {"token": {"concurrent": 0}}]
    for wrong in unknown:
        with pytest.raises(ValidationError):
            read.validate_python(wrong)


def test_refusals_are_errors_that_clients_see() -> None:
    for kind in (RateLimited, BudgetExceeded):
        error = kind("text", retry_after_s=5, headers=[(b"a", b"b")])
        assert isinstance(error, GatewayError)
        assert (error.status, error.retry_after_s, error.headers) == (429, 5, ((b"a", b"b"),))
