"""The two interfaces of everything that reads prompts and answers, and the chain that composes them.

A whole answer is one push and one flush. There is no second code path for streams.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.pipeline.channel import Channel
from gateway.pipeline.exchange import Exchange
from gateway.pipeline.prompt import Prompt


class StreamFilter(Protocol):
    """Passes text on, later or changed, but never takes back what has left.

    `hold_chars` bounds the characters it holds. `push` may raise Blocked; then nothing more leaves.
    """

    @property
    def hold_chars(self) -> int: ...

    def push(self, text: str) -> str:
        """Text that may leave now."""
        ...

    def flush(self) -> str:
        """The rest, at the end."""
        ...


class Stage(Protocol):
    """One concern of the gateway, on the way in and on the way out."""

    def on_request(self, prompt: Prompt, exchange: Exchange) -> Prompt:
        """The prompt as the next stage gets it. Raises Blocked by policy; anything else raised is a 503."""
        ...

    def open(self, exchange: Exchange, channel: Channel) -> StreamFilter:
        """A new filter for one text of the answer."""
        ...


class PassThrough:
    """The filter of a stage that has nothing to do on a channel."""

    hold_chars = 0

    def push(self, text: str) -> str:
        return text

    def flush(self) -> str:
        return ""


class FilterChain:
    """Filters in a row, itself a filter."""

    def __init__(self, filters: Sequence[StreamFilter]) -> None:
        self._filters = filters
        self.hold_chars = sum(f.hold_chars for f in filters)

    def push(self, text: str) -> str:
        for stream_filter in self._filters:
            text = stream_filter.push(text)
        return text

    def flush(self) -> str:
        text = ""
        for stream_filter in self._filters:
            text = (stream_filter.push(text) if text else "") + stream_filter.flush()
        return text


class Chain:
    """Stages in the order in which a prompt meets them; an answer meets them in reverse."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = tuple(stages)

    def on_request(self, prompt: Prompt, exchange: Exchange) -> Prompt:
        """The prompt after all stages. Raises what a stage raises."""
        for stage in self.stages:
            prompt = stage.on_request(prompt, exchange)
        return prompt

    def open(self, exchange: Exchange, channel: Channel) -> StreamFilter:
        """The filters of all stages in a row, the last stage's first."""
        return FilterChain([stage.open(exchange, channel) for stage in reversed(self.stages)])


class Outlets:
    """The open filters of one exchange's answer, by channel."""

    def __init__(self, chain: Chain, exchange: Exchange) -> None:
        self._chain = chain
        self._exchange = exchange
        self._filters: dict[Channel, StreamFilter] = {}

    def push(self, channel: Channel, text: str) -> str:
        """Text of the channel that may leave now. Raises what a filter raises."""
        stream_filter = self._filters.get(channel)
        if stream_filter is None:
            stream_filter = self._filters[channel] = self._chain.open(self._exchange, channel)
        return stream_filter.push(text)

    def open_channels(self, choice: int) -> list[Channel]:
        """The channels of a choice that have been pushed to and not flushed, in order of opening."""
        return [channel for channel in self._filters if channel.choice == choice]

    def flush(self, channel: Channel) -> str:
        """The rest of the channel's text, at its end."""
        stream_filter = self._filters.pop(channel, None)
        return stream_filter.flush() if stream_filter is not None else ""

    def drop(self, choice: int) -> None:
        """Forget the filters of a choice and all that they hold."""
        for channel in self.open_channels(choice):
            del self._filters[channel]
