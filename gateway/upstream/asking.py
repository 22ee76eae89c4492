"""Asks servers with the OpenAI API as a client would, for measurements: many questions, a few at a time, patiently.

What a server says of a failure may quote the prompt, so only its status is looked at. Answers are asked for as streams,
since what a filter lets out before it stops an answer is what counts.
"""

from __future__ import annotations

import asyncio
import email.utils
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import aiohttp
import orjson

from gateway.upstream.sse import EventParser, MalformedStream, parse_object

_MAX_ANSWER_BYTES = 64 * 2**20
_MAX_ERROR_BYTES = 64 * 2**10
_CONNECT_TIMEOUT_S = 10.0
_TRIES = 6
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 60.0
_BUSY = (429, 503)
_CONTENT_FILTER = "content_filter"
_REFUSALS = {
    401: "it does not accept the key (status 401)",
    403: "the key may not use this model (status 403)",
    404: "it has no such address or model (status 404); the address of an API ends in /v1",
    429: "it is busy or a limit is reached (status 429)",
    503: "it is busy or cannot answer (status 503)",
}


class AskingError(Exception):
    """A question without an answer. The message says why, and quotes neither."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where to ask, and which model. `url` ends in /v1."""

    url: str
    model: str
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt: the only message of a chat, or the beginning of a text that is to be completed."""

    text: str = field(repr=False)
    is_chat: bool
    max_tokens: int
    temperature: float = 0.0
    seed: int | None = None

    @property
    def path(self) -> str:
        return "/chat/completions" if self.is_chat else "/completions"

    def body(self, model: str) -> dict[str, Any]:
        asked: dict[str, Any] = {"prompt": self.text}
        if self.is_chat:
            asked = {"messages": [{"role": "user", "content": self.text}]}
        body = {"model": model, **asked, "max_tokens": self.max_tokens, "temperature": self.temperature, "stream": True}
        return body if self.seed is None else {**body, "seed": self.seed}


@dataclass(frozen=True, slots=True)
class Said:
    """What came of an answer. `is_stopped`: a filter ended it. `fault`: why it ended before its time, or nothing."""

    text: str = field(repr=False)
    is_stopped: bool = False
    fault: str = ""


class Asker:
    """Asks one server. Use it as an asynchronous context manager."""

    def __init__(self, server: Server, timeout_s: float, connections: int = 100) -> None:
        self._server = server
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=_CONNECT_TIMEOUT_S)
        self._connections = connections
        self._opened: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Asker:
        # No cache may answer in place of the model, and none may keep what it says.
        headers = {"content-type": "application/json", "cache-control": "no-store"}
        if self._server.key is not None:
            headers["authorization"] = f"Bearer {self._server.key}"
        self._opened = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=4),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
            timeout=self._timeout,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            raise RuntimeError("enter the asker first")
        return self._opened

    async def models(self) -> list[str]:
        """Names of the models that the server offers. Raises AskingError."""
        async with self._answer("GET", "/models", None) as response:
            found = await _object(response)
        offered = found.get("data")
        names = [entry.get("id") for entry in offered if isinstance(entry, dict)] if isinstance(offered, list) else []
        return [name for name in names if isinstance(name, str)]

    async def ask(self, question: Question) -> Said:
        """Raises AskingError if nothing came; what broke off in the middle has a `fault`."""
        try:
            async with self._answer("POST", question.path, question.body(self._server.model)) as response:
                if response.content_type != "text/event-stream":
                    return _whole(await _object(response))
                return await _streamed(response)
        except _StoppedAtOnce:
            return Said("", is_stopped=True)

    async def log_probabilities(self, texts: Sequence[str]) -> list[float]:
        """Of each text as a whole, its first token excepted, which no server gives; natural logarithms.

        Needs `echo` with `logprobs` of the completions API, such as vLLM's. Raises AskingError if a server has it not.
        """
        body = {"model": self._server.model, "prompt": list(texts), "max_tokens": 0, "temperature": 0}
        async with self._answer("POST", "/completions", {**body, "echo": True, "logprobs": 1}) as response:
            return _sums(await _object(response), len(texts))

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer with status 200. Raises AskingError, also for what goes wrong while it is read."""
        try:
            async with await self._patiently(method, path, body) as response:
                yield response
        except TimeoutError:
            raise AskingError(f"it did not answer within {self._timeout.total:g} s") from None
        except MalformedStream:
            raise AskingError("its answer is not one of the OpenAI API") from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise AskingError("it cannot be reached, or broke off the connection") from None

    async def _patiently(self, method: str, path: str, body: Mapping[str, Any] | None) -> aiohttp.ClientResponse:
        """A busy server is asked again when it says, one that closed the connection at once is too."""
        content = None if body is None else orjson.dumps(body)
        wait_s = _FIRST_WAIT_S
        for left in reversed(range(_TRIES)):
            try:
                response = await self._session.request(
                    method, self._server.url + path, data=content, allow_redirects=False
                )
            except aiohttp.ServerDisconnectedError:
                if not left:
                    raise
            else:
                if response.status == 200:
                    return response
                async with response:
                    if response.status not in _BUSY or not left:
                        raise await _refused(response)
                wait_s = _asked_to_wait(response.headers.get("retry-after")) or wait_s
            await asyncio.sleep(min(wait_s, _LONGEST_WAIT_S))
            wait_s *= 2
        raise AskingError(_REFUSALS[503])


class _StoppedAtOnce(Exception):
    """A filter refused the question or the whole answer: status 400 with the code `content_filter`."""


async def _refused(response: aiohttp.ClientResponse) -> Exception:
    status = response.status
    if status == 400 and _code(await _read(response, _MAX_ERROR_BYTES)) == _CONTENT_FILTER:
        return _StoppedAtOnce()
    return AskingError(_REFUSALS.get(status, f"it refused with status {status}"))


def _code(raw: bytes) -> object:
    try:
        error = parse_object(raw).get("error")
    except MalformedStream:
        return None
    return error.get("code") if isinstance(error, dict) else None


def _asked_to_wait(header: str | None) -> float | None:
    """Seconds, from a number or a date (RFC 9110, section 10.2.3)."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return None


async def _read(response: aiohttp.ClientResponse, limit_bytes: int) -> bytes:
    raw = b""
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > limit_bytes:
            raise MalformedStream("an answer is too long")
    return raw


async def _object(response: aiohttp.ClientResponse) -> dict[str, Any]:
    return parse_object(await _read(response, _MAX_ANSWER_BYTES))


async def _streamed(response: aiohttp.ClientResponse) -> Said:
    """The pieces put together. What broke off has said something all the same."""
    pieces: list[str] = []
    reason: object = None
    parser = EventParser()
    try:
        async for chunk in response.content.iter_any():
            for event in parser.feed(chunk):
                if "error" in event:
                    return Said("".join(pieces), fault="it broke off an answer with an error")
                for choice in _choices(event):
                    pieces.append(_text(choice.get("delta")) or _text(choice))
                    reason = choice.get("finish_reason") or reason
    except (aiohttp.ClientError, OSError, TimeoutError, MalformedStream):
        return Said("".join(pieces), fault="it broke off an answer")
    is_ended = parser.done or reason is not None
    fault = "" if is_ended else "it broke off an answer"
    return Said("".join(pieces), is_stopped=reason == _CONTENT_FILTER, fault=fault)


def _whole(answer: Mapping[str, Any]) -> Said:
    """Of a server that does not stream."""
    for choice in _choices(answer):
        text = _text(choice.get("message")) or _text(choice)
        return Said(text, is_stopped=choice.get("finish_reason") == _CONTENT_FILTER)
    raise MalformedStream("an answer without choices")


def _choices(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    choices = answer.get("choices")
    return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []


def _text(part: object) -> str:
    """All that a part of an answer says, what it thought before included: that has left too."""
    if not isinstance(part, dict):
        return ""
    found = (part.get(name) for name in ("reasoning_content", "reasoning", "refusal", "content", "text"))
    return "".join(text for text in found if isinstance(text, str))


def _sums(answer: Mapping[str, Any], count: int) -> list[float]:
    """Raises AskingError where the log probabilities are missing."""
    choices = sorted(_choices(answer), key=lambda choice: choice.get("index") or 0)
    sums: list[float] = []
    for choice in choices:
        given = choice.get("logprobs")
        tokens = given.get("token_logprobs") if isinstance(given, dict) else None
        known = [one for one in tokens if isinstance(one, int | float)] if isinstance(tokens, list) else []
        if known:
            sums.append(float(sum(known)))
    if len(sums) != count:
        raise AskingError("it gives no log probabilities of prompts")
    return sums
