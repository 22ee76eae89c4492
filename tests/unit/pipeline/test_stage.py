from __future__ import annotations

from gateway.pipeline.channel import Channel, Field
from gateway.pipeline.exchange import Exchange
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.stage import Chain, FilterChain, Outlets, PassThrough
from tests.laws.strategies import exchange, prompt


class Holding:
    """Holds everything until the end, then marks it."""

    hold_chars = 1000

    def __init__(self, mark: str) -> None:
        self._mark, self._held = mark, ""

    def push(self, text: str) -> str:
        self._held += text
        return ""

    def flush(self) -> str:
        return f"{self._mark}({self._held})"


class Marking:
    """A stage that shows when it is asked."""

    def __init__(self, mark: str, seen: list[str]) -> None:
        self._mark, self._seen = mark, seen

    def on_request(self, request: Prompt, _: Exchange) -> Prompt:
        self._seen.append(self._mark)
        return request

    def open(self, _: Exchange, channel: Channel) -> Holding:
        return Holding(self._mark)


def test_an_answer_meets_the_stages_in_reverse() -> None:
    seen: list[str] = []
    chain = Chain([Marking("a", seen), Marking("b", seen)])
    chain.on_request(prompt("x"), exchange())
    assert seen == ["a", "b"]
    opened = chain.open(exchange(), Channel(0, Field.CONTENT))
    assert opened.push("text") + opened.flush() == "a(b(text))"


def test_a_chain_holds_at_most_what_its_filters_hold_together() -> None:
    assert FilterChain([Holding("a"), PassThrough(), Holding("b")]).hold_chars == 2000


def test_each_channel_has_filters_of_its_own() -> None:
    outlets = Outlets(Chain([Marking("m", [])]), exchange())
    first, second = Channel(0, Field.CONTENT), Channel(1, Field.CONTENT)
    outlets.push(first, "one")
    outlets.push(second, "two")
    assert outlets.open_channels(0) == [first]
    assert outlets.flush(first) == "m(one)"
    assert outlets.flush(first) == ""
    assert outlets.flush(second) == "m(two)"


def test_a_dropped_choice_gives_nothing_more() -> None:
    outlets = Outlets(Chain([Marking("m", [])]), exchange())
    channel = Channel(0, Field.CONTENT)
    outlets.push(channel, "secret")
    outlets.drop(0)
    assert outlets.flush(channel) == ""
