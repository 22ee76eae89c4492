"""Who took how long is found by a clock that the test turns, in filters that wait."""

from __future__ import annotations

import pytest

from gateway.edge.vocabulary import VOCABULARY
from gateway.errors import Blocked
from gateway.pipeline.channel import Channel, Field
from gateway.pipeline.exchange import Deadline, Exchange
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.stage import Chain, Outlets, StreamFilter


class Time:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Waits:
    """A stage that takes its time, and a filter that holds all back to the end."""

    def __init__(self, time: Time, name: str, seconds: float, *, blocks: bool = False) -> None:
        self.name = name
        self._time = time
        self._seconds = seconds
        self._blocks = blocks
        self.hold_chars = 1000
        self._held = ""

    def on_request(self, prompt: Prompt, exchange: Exchange) -> Prompt:
        self._time.now_s += self._seconds
        if self._blocks:
            raise Blocked("rule")
        return prompt

    def open(self, exchange: Exchange, channel: Channel) -> StreamFilter:
        return Waits(self._time, self.name, self._seconds)

    def push(self, text: str) -> str:
        self._time.now_s += self._seconds
        self._held += text
        return ""

    def flush(self) -> str:
        self._time.now_s += self._seconds
        return self._held


def _exchange(time: Time) -> Exchange:
    return Exchange(id="id", tenant="acme", subject="jane", model="m", deadline=Deadline.after(time, 1000))


def test_each_stage_has_the_time_that_it_took_both_ways() -> None:
    time = Time()
    chain = Chain([Waits(time, "first", 1.0), Waits(time, "second", 10.0)])
    exchange = _exchange(time)
    chain.on_request(Prompt.of({"prompt": "x"}, VOCABULARY), exchange)
    assert exchange.timings.request == {"first": 1.0, "second": 10.0}
    outlets = Outlets(chain, exchange)
    for number in (0, 1):
        channel = Channel(number, Field.CONTENT)
        assert outlets.push(channel, "abc") == ""
        assert outlets.push(channel, "de") == ""
        assert outlets.flush(channel) == "abcde"
    # Of each channel two pushes of the last stage's filter, which pass nothing on, and then all at its end.
    assert exchange.timings.answer == {"second": 60.0, "first": 8.0}
    assert exchange.timings.held == {"second": 5, "first": 0}


def test_a_stage_that_stops_a_prompt_has_its_time_too() -> None:
    time = Time()
    exchange = _exchange(time)
    chain = Chain([Waits(time, "first", 1.0, blocks=True), Waits(time, "second", 10.0)])
    with pytest.raises(Blocked):
        chain.on_request(Prompt.of({"prompt": "x"}, VOCABULARY), exchange)
    assert exchange.timings.request == {"first": 1.0}
