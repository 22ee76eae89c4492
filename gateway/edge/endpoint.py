"""One request from its first byte to its last: authenticate, read, check, redact, ask the model, filter, answer.

The rules are elsewhere; here is only their order, and the promise that whatever breaks, nothing unread leaves.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeVar

import orjson

from gateway.access.principal import Principal
from gateway.edge.account import Account
from gateway.edge.answers import Head, announces_only, chars_in
from gateway.edge.body import (
    ClientGone,
    Headers,
    Receive,
    headers_of,
    parse_object,
    read_body,
)
from gateway.edge.connection import while_connected
from gateway.edge.envelope import SECURITY_HEADERS, Send, error_object, send_error, send_json
from gateway.edge.life import verdict
from gateway.edge.record import Record
from gateway.edge.requests import choices_of
from gateway.edge.service import Kind, Service, Writer
from gateway.edge.vocabulary import VOCABULARY
from gateway.errors import (
    Bearer,
    GatewayError,
    InvalidRequest,
    InvalidValue,
    ModelNotFound,
    Overloaded,
    RedactionUnavailable,
    TooLarge,
    Unavailable,
    UpstreamFailed,
)
from gateway.observe.events import ExchangeEvent
from gateway.observe.log import describe
from gateway.pipeline.exchange import Deadline, Exchange
from gateway.pipeline.ports import Call, Reply, Source
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.stage import Outlets
from gateway.policy.schema import ModelRoute

Written = TypeVar("Written", dict[str, Any], dict[str, Any] | None)


_INLINE_BUDGET_S = 0.05
_INLINE_ANSWER_CHARS = 8_000
"""Answers and pieces of up to so many characters are filtered where they are."""
_SEEDS = 2**31
_DONE = b"data: [DONE]\n\n"
_LOG = logging.getLogger("gateway.edge")


class Exchanges:
    """The ASGI endpoint of one kind of model request."""

    def __init__(self, service: Service, kind: Kind) -> None:
        self._service = service
        self._kind = kind

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        await _Run(self._service, self._kind, receive, send).run(scope)


class _Run:
    """The state of one request."""

    def __init__(self, service: Service, kind: Kind, receive: Receive, send: Send) -> None:
        self._service = service
        self._kind = kind
        self._receive = receive
        self._client_send = send
        self._record = Record(service)
        self._id = self._record.id
        self._began = False
        self._said = False
        """Whether anything of an answer has left but the announcement of who speaks."""
        self._announced: set[int] = set()
        """Choices in which it has been said who speaks."""
        self._whose: Bearer | None = None
        self._active = service.policies.default
        self._exchange: Exchange | None = None
        self._writer: Writer | None = None
        self._reply: Reply | None = None
        self._account = Account(service)
        self._model = ""
        self._streamed = False

    async def run(self, scope: Mapping[str, Any]) -> None:
        """Answers, whatever happens; counts the exchange, whatever happened."""
        status, code = 200, ""
        try:
            await self._answer(scope)
        except ClientGone:
            status, code = 499, "client_gone"
        except asyncio.CancelledError as error:
            status, code = verdict(error)
            raise
        except GatewayError as error:
            status, code = error.status, error.code
            self._whose = self._whose or error.whose
            self._record.refused(error)
            await self._fail(error)
        except Exception as error:
            failed = Unavailable("The gateway failed; nothing was sent on. Quote the x-request-id to its operator.")
            status, code = failed.status, failed.code
            _LOG.error("request failed", extra={"request_id": self._id, **describe(error)})
            await self._fail(failed)
        finally:
            self._end(status, code)

    async def _answer(self, scope: Mapping[str, Any]) -> None:
        service, headers = self._service, headers_of(scope)
        principal = self._whose = await service.authenticate(scope, headers)
        self._active = service.policies.of(principal)
        for needed in (self._kind.scope, *self._kind.also):
            principal.require_scope(needed)
        self._record.joined(headers)
        service.recording.check()
        self._record.done("authenticate")
        limits = self._active.policy.limits
        raw = await read_body(self._receive, headers, limits.body, service.settings.body_timeout)
        body = parse_object(raw, service.settings.depth)
        self._record.done("read")
        await while_connected(self._receive, self._converse(body, principal, uncached=_forbids_caches(headers)))

    async def _converse(self, body: dict[str, Any], principal: Principal, *, uncached: bool) -> None:
        """From the parsed body on: the work that stops when the client goes."""
        route = self._route(body, principal)
        self._kind.check(body, self._active.policy)
        self._streamed = body.get("stream") is True
        await self._account.admit(body, principal, self._active, self._model)
        exchange = self._open_exchange(principal)
        self._record.done("limits")
        prompt = await self._redacted(body, exchange)
        self._record.done("redact")
        traceparent, times = self._record.asks()
        call = Call(
            upstream=route.upstream,
            endpoint=self._kind.path,
            body={**prompt.body, "model": route.id},
            tenant=exchange.tenant,
            timeout_s=self._active.policy.limits.upstream,
            subject=exchange.subject,
            uncached=uncached or not self._kind.is_cached,
            traceparent=traceparent,
            times=times,
        )
        head = Head(f"{self._kind.id_prefix}-{self._id}", self._model, _wants_json(body))
        if not await self._attempt(call, head, exchange, is_last=False):
            seed = secrets.randbelow(_SEEDS)
            another = replace(call, body={**call.body, "seed": seed}, uncached=True)
            await self._attempt(another, head, exchange, is_last=True)

    async def _attempt(self, call: Call, head: Head, exchange: Exchange, *, is_last: bool) -> bool:
        """Ask, and answer; false if a filter would rather have another answer and nothing of this one has left."""
        outlets = Outlets(self._active.chain, exchange)
        writer = self._writer = self._kind.writer(outlets, head, call.body)
        self._account.ask()
        try:
            async with self._active.answers.ask(call) as self._reply:
                if self._streamed:
                    return await self._stream(self._reply, writer, choices_of(call.body), is_last=is_last)
                return await self._whole(self._reply, writer, is_last=is_last)
        except (InvalidRequest, Overloaded):
            self._account.refused()
            raise

    async def _whole(self, reply: Reply, writer: Writer, *, is_last: bool) -> bool:
        said = await reply.whole()
        self._record.done("model")
        answer = await self._filtered(said, writer.whole)
        self._count(writer)
        await self._settle(reply, writer)
        if writer.wants_another and not is_last:
            return False
        self._account.close()  # before the answer's end: whoever has read that finds its place free
        self._record.finished(answer)
        await send_json(self._client_send, 200, answer, self._headers())
        self._record.done("answer")
        return True

    async def _filtered(self, answer: dict[str, Any], write: Callable[[dict[str, Any]], Written]) -> Written:
        """An answer or a piece of one for the client. A long one is read off the event loop."""
        if chars_in(answer) <= _INLINE_ANSWER_CHARS:
            return write(answer)
        return await self._service.offload(lambda: write(answer))

    def _route(self, body: Mapping[str, Any], principal: Principal) -> ModelRoute:
        name = body.get("model")
        if not isinstance(name, str) or not name:
            raise InvalidValue("model is required: the name of a model, see /v1/models.", param="model")
        route = self._active.policy.models.get(name)
        if route is None:
            raise ModelNotFound("There is no model of this name here; GET /v1/models lists them.", param="model")
        principal.require(name)
        self._model = name
        return route

    def _open_exchange(self, principal: Principal) -> Exchange:
        service = self._service
        self._exchange = Exchange(
            id=self._id,
            tenant=principal.tenant,
            subject=principal.person,
            model=self._model,
            deadline=Deadline.after(service.clock, self._active.policy.limits.analysis),
            scopes=principal.scopes,
        )
        return self._exchange

    async def _redacted(self, body: Mapping[str, Any], exchange: Exchange) -> Prompt:
        """The prompt after all stages. Long ones are read off the event loop, and in bounded time."""
        service = self._service
        # The model's name is the policy's word, already checked; it is exchanged for the upstream's below.
        prompt = Prompt.of({key: value for key, value in body.items() if key != "model"}, VOCABULARY)
        limits = self._active.policy.limits
        if prompt.chars > limits.prompt_chars or len(prompt.segments) > service.settings.strings:
            raise TooLarge(
                f"The texts of the request have more than {limits.prompt_chars} characters, or there are more than "
                f"{service.settings.strings} of them; send less."
            )
        started_s = service.clock()
        try:
            if prompt.chars <= self._active.inline_chars and (redacted := self._redacted_inline(prompt, exchange)):
                return redacted
            async with asyncio.timeout(limits.analysis):
                return await service.offload(lambda: self._active.chain.on_request(prompt, exchange))
        except TimeoutError:
            raise RedactionUnavailable(
                "The request could not be checked for personal data in time, so it was not sent on. Send less of it."
            ) from None
        finally:
            self._record.analysis_s = service.clock() - started_s

    def _redacted_inline(self, prompt: Prompt, exchange: Exchange) -> Prompt | None:
        """A short prompt is read at once, unless its shape makes even that slow: then a thread does it, with all the
        time there is, so that nobody else waits."""
        whole_time = exchange.deadline
        exchange.deadline = Deadline.after(self._service.clock, _INLINE_BUDGET_S)
        try:
            return self._active.chain.on_request(prompt, exchange)
        except RedactionUnavailable:
            return None
        finally:
            exchange.deadline = whole_time

    async def _stream(self, reply: Reply, writer: Writer, choices: int, *, is_last: bool) -> bool:
        """Nothing is answered before the upstream's first event, so that its refusals keep their status."""
        async with aclosing(reply.events()) as events:
            first = True
            async for event in events:
                if first:
                    first = False
                    self._record.done("model")
                self._account.see(event)
                chunk = await self._filtered(event, writer.chunk)
                if writer.wants_another and not is_last and not self._said:
                    await self._settle(reply, writer)
                    return False
                await self._send_chunk(chunk)
                if len(writer.blocked_choices) >= choices:
                    break
        if writer.unfinished:
            raise UpstreamFailed("The model server's answer ended in the middle.")
        if not self._began:
            await self._begin_stream()
        self._count(writer)
        self._account.close()
        await self._settle(reply, writer)
        await self._send_event(_DONE, more=False)
        self._record.done("answer")
        return True

    async def _send_chunk(self, chunk: dict[str, Any] | None) -> None:
        """Send what there is, but for a second announcement of who speaks in a choice."""
        if not self._began:
            await self._begin_stream()
        if chunk is None:
            self._record.came()
            return
        announces = announces_only(chunk)
        choices = {choice["index"] for choice in chunk["choices"]}
        if announces and choices <= self._announced:
            return
        self._announced |= choices
        self._said = self._said or not announces
        await self._send_event(b"data: " + orjson.dumps(chunk) + b"\n\n")
        self._record.left(chunk, says=not announces)

    def _count(self, writer: Writer) -> None:
        if self._reply is not None and self._reply.source is Source.HIT:
            self._account.told(0)
        else:
            self._account.told(None if writer.usage is None else writer.usage.get("total_tokens", 0))

    @staticmethod
    async def _settle(reply: Reply, writer: Writer) -> None:
        """Before the answer's end, so that a client that has read it finds it in the cache."""
        await reply.settle(good=not writer.blocked_choices)

    async def _begin_stream(self) -> None:
        self._began = True
        self._record.streams()
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), *SECURITY_HEADERS, *self._headers()]
        await self._client_send({"type": "http.response.start", "status": 200, "headers": headers})

    async def _send_event(self, body: bytes, *, more: bool = True) -> None:
        await self._client_send({"type": "http.response.body", "body": body, "more_body": more})

    async def _fail(self, error: GatewayError) -> None:
        if self._began:
            await self._send_event(b"data: " + orjson.dumps(error_object(error)) + b"\n\n")
            await self._send_event(_DONE, more=False)
        else:
            await send_error(self._client_send, error, self._headers())

    def _headers(self) -> list[tuple[bytes, bytes]]:
        headers = [(b"x-request-id", self._id.encode())]
        headers += self._account.headers
        if self._reply is not None:
            headers.append((b"x-cache", self._reply.source.encode()))
            if self._reply.source is Source.HIT:
                headers.append((b"age", str(self._reply.age_s).encode()))
        return headers

    def _end(self, status: int, code: str) -> None:
        exchange, whose, record, writer = self._exchange, self._whose, self._record, self._writer
        timings = exchange.timings if exchange else None
        self._account.close()
        self._service.observer.exchange_done(
            ExchangeEvent(
                request_id=self._id,
                endpoint=self._kind.path,
                status=status,
                code=code,
                token_id=whose.token_id if whose else "",
                tenant=whose.tenant if whose else "",
                model=self._model,
                policy_digest=self._active.digest,
                findings=exchange.findings if exchange else (),
                usage=_flat(writer.usage) if writer and writer.usage else {},
                streamed=self._streamed,
                cache=self._reply.source if self._reply is not None else "",
                seconds=record.ended(),
                analysis_seconds=record.analysis_s,
                subject=whose.subject if whose else "",
                rules=(*record.rules, *(writer.rules if writer else ())),
                steps=record.steps,
                stages=timings.request if timings else {},
                filters=timings.answer if timings else {},
                held=timings.held if timings and self._streamed else {},
                first_token_s=record.first_token_s,
                hold_s=record.hold_s,
                finish_reasons=record.finish_reasons,
                limit=record.limit,
                failed=record.failed,
                upstream=record.upstream,
                trace=record.trace,
            )
        )
        if exchange:
            exchange.close()


def _flat(usage: Mapping[str, Any]) -> dict[str, int]:
    return {name: value for name, value in usage.items() if isinstance(value, int)}


def _wants_json(body: Mapping[str, Any]) -> bool:
    form = body.get("response_format") or {}
    structured = body.get("structured_outputs") or {}
    return str(form.get("type", "")).startswith("json") or any(k in structured for k in ("json", "json_object"))


def _forbids_caches(headers: Headers) -> bool:
    """Whether the client's Cache-Control (RFC 9111, 5.2.1) wants no answer of a cache."""
    directives = headers.get(b"cache-control", b"").lower().split(b",")
    return any(directive.strip() in (b"no-store", b"no-cache", b"max-age=0") for directive in directives)
