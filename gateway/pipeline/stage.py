"""The two interfaces of everything that reads prompts and answers, and the chain that composes them.

A whole answer is one push and one flush. There is no second code path for streams.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.errors import Blocked
from gateway.pipeline.channel import Channel
from gateway.pipeline.exchange import Exchange, Finding
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.timing import Timings


class StreamFilter(Protocol):
    """Passes text on, later or changed, but never takes back what has left.

    `hold_chars` bounds the characters it holds. `push` and `flush` may raise Blocked; then nothing more leaves. What
    may leave and came before it goes with it (Stopped), so that the same text leaves however the answer is cut.
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


class Stopped(Blocked):
    """A filter stops the answer, and lets go of `before`, which came before what stops it."""

    def __init__(self, rule: str, before: str, *, again: bool = False) -> None:
        super().__init__(rule, again=again)
        self.before = before


def _before(blocked: Blocked) -> str:
    return blocked.before if isinstance(blocked, Stopped) else ""


def name_of(stage: Stage) -> str:
    """Under which its time is counted: what a stage calls itself, as in its findings."""
    return str(getattr(stage, "name", type(stage).__name__))


def _no_time() -> float:
    return 0.0


class FilterChain:
    """Filters in a row, itself a filter. Where one of them stops the answer it raises Stopped.

    `timings`: where it is told how long each took, and how much it held.
    """

    def __init__(self, filters: Sequence[StreamFilter], timings: Timings | None = None) -> None:
        self._filters = filters
        self.hold_chars = sum(f.hold_chars for f in filters)
        timed = timings if timings is not None and len(timings.spent) == len(filters) else None
        self._clock = timed.clock if timed is not None else _no_time
        self._spent = timed.spent if timed is not None else [0.0] * len(filters)
        self._most_held = timed.most_held if timed is not None else [0] * len(filters)
        self._held = [0] * len(filters)

    def push(self, text: str) -> str:
        clock, held = self._clock, self._held
        then = clock()
        for position, stream_filter in enumerate(self._filters):
            came = len(text)
            try:
                text = stream_filter.push(text)
            except Blocked as blocked:
                before = self._through(position + 1, _before(blocked))
                raise Stopped(blocked.rule, before, again=blocked.again) from None
            held[position] += came - len(text)
            if held[position] > self._most_held[position]:  # noqa: PLR1730 - half of the time, for each piece
                self._most_held[position] = held[position]
            now = clock()
            self._spent[position] += now - then
            then = now
        return text

    def flush(self) -> str:
        return self._through(0, "")

    def _through(self, first: int, text: str) -> str:
        """Text that has passed the filters before, through the others to their end. One of these may stop it, too."""
        then = self._clock()
        for position in range(first, len(self._filters)):
            stream_filter = self._filters[position]
            let_go = ""
            try:
                let_go = stream_filter.push(text) if text else ""
                text = let_go + stream_filter.flush()
            except Blocked as blocked:
                before = self._through(position + 1, let_go + _before(blocked))
                raise Stopped(blocked.rule, before, again=blocked.again) from None
            now = self._clock()
            self._spent[position] += now - then
            then = now
        return text


class Chain:
    """Stages in the order in which a prompt meets them; an answer meets them in reverse."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = tuple(stages)
        self.names = tuple(map(name_of, self.stages))
        self._reversed = tuple(reversed(self.stages))
        self._reversed_names = self.names[::-1]

    def on_request(self, prompt: Prompt, exchange: Exchange) -> Prompt:
        """The prompt after all stages. Raises what a stage raises."""
        timings = exchange.timings
        then = timings.clock()
        for name, stage in zip(self.names, self.stages, strict=True):
            try:
                prompt = stage.on_request(prompt, exchange)
            finally:
                now = timings.clock()
                timings.on_request(name, now - then)
                then = now
        return prompt

    def open(self, exchange: Exchange, channel: Channel) -> StreamFilter:
        """The filters of all stages in a row, the last stage's first."""
        exchange.timings.on_answer(self._reversed_names)
        return FilterChain([stage.open(exchange, channel) for stage in self._reversed], exchange.timings)


MOST_CHANNELS = 1024
"""Texts that may be open at a time in one answer: each has filters of its own, of some hundred kilobytes."""


class Outlets:
    """The open filters of one exchange's answer, by channel. A choice that one of them stops gives nothing more."""

    def __init__(self, chain: Chain, exchange: Exchange) -> None:
        self._chain = chain
        self._exchange = exchange
        self._filters: dict[Channel, StreamFilter] = {}
        self.blocked: dict[int, str] = {}
        """Choices that were stopped, and the rules that did it."""
        self.flushed: set[Channel] = set()
        """Channels that have ended."""
        self.wants_another = False
        """Whether a rule that stopped one would rather have another answer."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the stages have found so far in the exchange."""
        return self._exchange.findings

    def tapped(self, tap: Stage) -> Outlets:
        """New ones of the same exchange, in which `tap` stands in front of the last stage of answers, which puts values
        back."""
        first, others = self._chain.stages[:1], self._chain.stages[1:]
        return Outlets(Chain([*first, tap, *others]), self._exchange)

    def push(self, channel: Channel, text: str) -> str:
        """Text of the channel that may leave now. Raises what a filter raises, but Blocked; ValueError behind its end,
        where new filters would know nothing of what came before, and if there are too many channels."""
        if channel.choice in self.blocked:
            return ""
        if channel in self.flushed:
            raise ValueError("the channel has ended")
        stream_filter = self._filters.get(channel)
        if stream_filter is None:
            if len(self._filters) >= MOST_CHANNELS:
                raise ValueError("an answer has too many texts")
            stream_filter = self._filters[channel] = self._chain.open(self._exchange, channel)
        try:
            return stream_filter.push(text)
        except Blocked as blocked:
            return self._stopped(channel.choice, blocked)

    def open_channels(self, choice: int) -> list[Channel]:
        """The channels of a choice that have been pushed to and not flushed, in order of opening."""
        return [channel for channel in self._filters if channel.choice == choice]

    def flush(self, channel: Channel) -> str:
        """The rest of the channel's text, at its end. Raises what a filter raises, but Blocked."""
        stream_filter = self._filters.pop(channel, None)
        if stream_filter is None:
            return ""
        self.flushed.add(channel)
        try:
            return stream_filter.flush()
        except Blocked as blocked:
            return self._stopped(channel.choice, blocked)

    def _stopped(self, choice: int, blocked: Blocked) -> str:
        """Forget the filters of a choice and all that they hold; what had passed the one that stopped it may leave."""
        self.blocked[choice] = blocked.rule
        self.wants_another = self.wants_another or blocked.again
        for channel in self.open_channels(choice):
            del self._filters[channel]
        return _before(blocked)
