"""What is told of one exchange when it is over: when its parts began and ended, and how it went."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from gateway.edge.service import Service
from gateway.errors import Blocked, GatewayError, LimitReached, RedactionUnavailable, StageFailed
from gateway.observe.events import Step
from gateway.observe.log import within_request
from gateway.observe.traceparent import Trace
from gateway.pipeline.timing import UpstreamTimes

_MOST_CHOICES = 128


class Record:
    """Of one exchange. It never says anything of what is in it."""

    __slots__ = (
        *("_clock", "_flow", "_held_since", "_last_s", "_tracer", "analysis_s", "failed", "finish_reasons"),
        *("first_token_s", "hold_s", "id", "is_stream", "limit", "rules", "started_s", "steps", "trace", "upstream"),
    )

    def __init__(self, service: Service) -> None:
        self._clock = service.clock
        self._flow = service.flow
        self._tracer = service.tracer
        self.id = secrets.token_hex(16)
        """Ours: what a client calls its request is nothing to go by."""
        self.trace: Trace | None = None if self._tracer is None else self._tracer.begin()
        self.started_s = self._last_s = self._clock()
        self.steps: list[Step] = []
        self.analysis_s = 0.0
        self.is_stream = False
        self.first_token_s: float | None = None
        self.hold_s: float | None = None
        self._held_since: float | None = None
        self.finish_reasons: list[str] = []
        self.rules: list[str] = []
        self.limit: tuple[str, str] | None = None
        self.failed = ""
        self.upstream: UpstreamTimes | None = None
        self._flow.exchanges += 1
        within_request(self.id, self.trace.trace_id if self.trace else "")

    def joined(self, headers: Mapping[bytes, bytes]) -> None:
        """It is known whose request it is: it may be a part of a trace of theirs."""
        if self._tracer is not None and self.trace is not None:
            self.trace = self._tracer.joined(self.trace, headers.get(b"traceparent"))
            within_request(self.id, self.trace.trace_id)

    def done(self, step: str) -> None:
        """A step is over, which began when the one before was over."""
        now_s = self._clock()
        self.steps.append((step, self._last_s, now_s))
        self._last_s = now_s

    def asks(self) -> tuple[str, UpstreamTimes]:
        """The upstream may be asked now: what it is to be told of the trace, and where its times are noted."""
        self.upstream = UpstreamTimes()
        return (self.trace.to_upstream if self.trace else ""), self.upstream

    def streams(self) -> None:
        """The answer is given in pieces."""
        self.is_stream = True
        self._flow.streams += 1

    def came(self) -> None:
        """Something came from the model, and nothing of it may leave yet."""
        if self._held_since is None:
            self._held_since = self._clock()

    def left(self, chunk: Mapping[str, Any], *, says: bool) -> None:
        """Something has left. `says`: more than who speaks."""
        if self._held_since is not None:
            self.hold_s = max(self.hold_s or 0.0, self._clock() - self._held_since)
            self._held_since = None
        if says and self.first_token_s is None:
            self.first_token_s = self._clock() - self.started_s
        self.finished(chunk)

    def finished(self, answer: Mapping[str, Any]) -> None:
        """Note why its choices end: words of ours."""
        for choice in answer.get("choices", ()):
            if (reason := choice.get("finish_reason")) and len(self.finish_reasons) < _MOST_CHOICES:
                self.finish_reasons.append(reason)

    def refused(self, error: GatewayError) -> None:
        """Why it came to nothing."""
        if isinstance(error, Blocked):
            self.rules.append(error.rule)
        elif isinstance(error, LimitReached):
            self.limit = error.limit
        elif isinstance(error, RedactionUnavailable):
            self.failed = "answer" if isinstance(error, StageFailed) else "request"

    def ended(self) -> float:
        """It is over, after so many seconds."""
        self.done("rest")
        self._flow.exchanges -= 1
        if self.is_stream:
            self._flow.streams -= 1
        return self._last_s - self.started_s
