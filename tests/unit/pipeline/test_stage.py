from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.errors import Blocked
from gateway.pipeline.channel import Channel, Field
from gateway.pipeline.exchange import Exchange
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.stage import MOST_CHANNELS, Chain, FilterChain, Outlets, PassThrough, StreamFilter
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


class Stopping(PassThrough):
    """Lets go of text up to a word, and stops at the next call."""

    def __init__(self, word: str) -> None:
        self._word = word
        self._seen = False

    def push(self, text: str) -> str:
        if self._seen:
            raise Blocked("test.word")
        before, found, _ = text.partition(self._word)
        self._seen = bool(found)
        return before

    def flush(self) -> str:
        return self.push("")


class Keeping(PassThrough):
    """Holds all until the end."""

    hold_chars = 100

    def __init__(self) -> None:
        self._held = ""

    def push(self, text: str) -> str:
        self._held += text
        return ""

    def flush(self) -> str:
        return self._held


class Opening:
    """A stage made of a way to make its filters."""

    def __init__(self, make: Callable[[], StreamFilter]) -> None:
        self._make = make

    def on_request(self, prompt: Prompt, _: Exchange) -> Prompt:
        return prompt

    def open(self, _: Exchange, channel: Channel) -> StreamFilter:
        return self._make()


@pytest.mark.parametrize("pieces", [["one BAD two"], ["one ", "BAD", " two"], ["one BAD", " two"]])
@pytest.mark.parametrize("behind", [[], [Keeping], [Keeping, PassThrough]])
def test_what_came_before_a_stop_leaves_and_nothing_after_it(
    pieces: list[str], behind: list[Callable[[], StreamFilter]]
) -> None:
    stages = [Opening(make) for make in reversed([lambda: Stopping("BAD"), *behind])]
    outlets = Outlets(Chain(stages), exchange())
    channel, other = Channel(0, Field.CONTENT), Channel(0, Field.REASONING)
    outlets.push(other, "thought")
    said = "".join(outlets.push(channel, piece) for piece in pieces) + outlets.flush(channel)
    assert said == "one "
    assert outlets.blocked == {0: "test.word"}
    assert outlets.flush(other) == outlets.push(other, "more") == outlets.push(channel, "more") == ""
    assert outlets.push(Channel(1, Field.CONTENT), "fine") + outlets.flush(Channel(1, Field.CONTENT)) == "fine"


def test_texts_that_are_open_at_a_time_are_bounded() -> None:
    """Each has filters of its own: an answer of a million calls of tools would take all memory."""
    outlets = Outlets(Chain([Opening(PassThrough)]), exchange())
    channels = [Channel(0, Field.TOOL_ARGUMENTS, call) for call in range(MOST_CHANNELS + 1)]
    for channel in channels[:-1]:
        outlets.push(channel, "x")
    with pytest.raises(ValueError, match="too many"):
        outlets.push(channels[-1], "x")
    outlets.flush(channels[0])
    assert outlets.push(channels[-1], "x") == "x"
