"""The client that speaks to vLLM (or anything with the same API). Foreign bodies and headers stop here.

An upstream's error may quote the prompt, so only its status and a few known signs in it are looked at.
"""

from __future__ import annotations

import copy
import logging
import re
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp
import orjson

from gateway.errors import (
    ContextLengthExceeded,
    GatewayError,
    InvalidValue,
    Overloaded,
    UpstreamFailed,
    UpstreamTimeout,
)
from gateway.pipeline.ports import Call
from gateway.settings import ConfigurationError
from gateway.upstream.sse import EventParser, MalformedStream, parse_object
from gateway.upstream.trust import authorities, why_not_trusted

_MAX_ANSWER_BYTES = 64 * 2**20
_MAX_ERROR_BYTES = 64 * 2**10
_CONTEXT_SIGNS = re.compile(
    rb"context length|max_model_len|maximum model length|longer than the maximum", re.IGNORECASE
)
_PROBE_TIMEOUT_S = 2.0
_QUIET_S = 10.0
_LOG = logging.getLogger("gateway.upstream")

SaltOf = Callable[[str, str], str]
"""vLLM's `cache_salt` of a tenant and a model."""


class _Pool:
    """The connections, shared by clients for several sets of upstreams."""

    def __init__(self) -> None:
        self.session: aiohttp.ClientSession | None = None


class Target:
    """Where an upstream is, and what is sent to it alone."""

    def __init__(self, url: str, api_key: str | None = None, ca_file: Path | None = None) -> None:
        """`url`: the base URL, which ends in /v1. `ca_file`: who signs its certificate; without it the authorities of
        the system. Raises ConfigurationError."""
        self.url = url.rstrip("/")
        if ca_file is not None and not self.url.startswith("https://"):
            raise ConfigurationError(f"{ca_file}: authorities are for https://, and the upstream is {_place(url)}")
        self.tls: ssl.SSLContext | Literal[True] = authorities(ca_file) or True
        self._warned_s = float("-inf")
        self.headers = {"content-type": "application/json", "accept-encoding": "identity"}
        if api_key is not None:
            self.headers["authorization"] = f"Bearer {api_key}"

    def __repr__(self) -> str:
        return f"<Target {_place(self.url)}>"

    def distrusted(self, why: str) -> None:
        """Say in the log why nothing is sent there, once in a while."""
        if time.monotonic() - self._warned_s >= _QUIET_S:
            self._warned_s = time.monotonic()
            _LOG.warning("an upstream is not trusted", extra={"part": _place(self.url), "problem": why})


@dataclass(slots=True)
class _Sent:
    """How a request was sent."""

    on_kept: bool = False
    """On a connection that was there before."""


async def _note_reuse(_: aiohttp.ClientSession, context: Any, __: aiohttp.TraceConnectionReuseconnParams) -> None:
    if isinstance(context.trace_request_ctx, _Sent):
        context.trace_request_ctx.on_kept = True


class VllmClient:
    """One connection pool per process. `with_targets` says where there is something to ask."""

    def __init__(
        self, *, salt_of: SaltOf, connect_timeout_s: float, retried: Callable[[str], None] = lambda _: None
    ) -> None:
        """`retried` is told the name of an upstream to which a request was sent a second time."""
        self._targets: Mapping[str, Target] = {}
        self._salt_of = salt_of
        self._connect_timeout_s = connect_timeout_s
        self._retried = retried
        self._pool = _Pool()

    def with_targets(self, targets: Mapping[str, Target]) -> VllmClient:
        """The same client with the same connections, for these upstreams, by their names."""
        made = copy.copy(self)
        made._targets = targets
        return made

    async def open(self) -> None:
        """Make the connection pool. Call it within the event loop that will use it."""
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_reuseconn.append(_note_reuse)
        self._pool.session = aiohttp.ClientSession(
            trace_configs=[tracing],
            # vLLM closes idle connections after 5 s; let go of them before it does.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=4),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._pool.session is None:
            raise RuntimeError("open() the client first")
        return self._pool.session

    async def close(self) -> None:
        await self._session.close()

    async def complete(self, call: Call) -> dict[str, Any]:
        """The answer's JSON object. Raises UpstreamFailed, UpstreamTimeout and what `_refused` gives."""
        async with self._post(call) as response:
            return parse_object(await _read(response, _MAX_ANSWER_BYTES))

    async def stream(self, call: Call) -> AsyncGenerator[dict[str, Any]]:
        """The answer's events. Raises as `complete` does, also in the middle."""
        parser = EventParser()
        async with self._post(call) as response:
            if not response.content_type.startswith("text/event-stream"):
                raise UpstreamFailed("The model server did not answer with a stream.")
            async for chunk in response.content.iter_any():
                for event in parser.feed(chunk):
                    if "error" in event:
                        raise UpstreamFailed("The model server broke off its answer.")
                    yield event
                if parser.done:
                    return
            raise UpstreamFailed("The model server's answer ended in the middle.")

    async def reachable(self, name: str) -> bool:
        """Whether the upstream answers at all."""
        probe = aiohttp.ClientTimeout(total=_PROBE_TIMEOUT_S)
        target = self._targets[name]
        try:
            async with self._session.get(
                f"{target.url}/models", headers=target.headers, allow_redirects=False, timeout=probe, ssl=target.tls
            ) as response:
                # Also 401 and 404 come from a server that works; one that sends us elsewhere is none of ours.
                return response.status < 300 or 400 <= response.status < 500
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            _tell_distrust(target, error)
            return False

    @asynccontextmanager
    async def _post(self, call: Call) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer with status 200. Every failure while it is read becomes an error of ours."""
        salt = self._salt_of(call.tenant, str(call.body.get("model")))
        body = orjson.dumps({**call.body, "cache_salt": salt})
        target = self._targets[call.upstream]
        timeout = aiohttp.ClientTimeout(total=call.timeout_s, sock_connect=self._connect_timeout_s)
        try:
            async with await self._open(target, call, body, timeout) as response:
                if response.status != 200:
                    raise _refused(response.status, await _read(response, _MAX_ERROR_BYTES))
                yield response
        except GatewayError:
            raise
        except TimeoutError:
            raise UpstreamTimeout(
                f"The model server did not finish within {call.timeout_s:g} s. Ask for a shorter answer, or try later."
            ) from None
        except MalformedStream:
            raise UpstreamFailed("The model server's answer is not one of the OpenAI API.") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            _tell_distrust(target, error)
            raise UpstreamFailed("The model server cannot be reached or broke off the connection. Try again.") from None

    async def _open(
        self, target: Target, call: Call, body: bytes, timeout: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        """A kept connection that the server has just closed is not a failure: try once more on a new one."""
        url, headers = target.url + call.endpoint, target.headers
        if call.traceparent:
            headers = {**headers, "traceparent": call.traceparent}
        sent = _Sent()
        post = partial(
            self._session.post,
            url,
            data=body,
            headers=headers,
            allow_redirects=False,
            timeout=timeout,
            ssl=target.tls,
            trace_request_ctx=sent,
        )
        try:
            return await post()
        except aiohttp.ServerDisconnectedError:
            # On a new one it has read the request, and may have worked on it.
            if not sent.on_kept:
                raise
            self._retried(call.upstream)
            return await post()


def _tell_distrust(target: Target, error: Exception) -> None:
    if (why := why_not_trusted(error)) is not None:
        target.distrusted(why)


def _place(url: str) -> str:
    """An address without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


async def _read(response: aiohttp.ClientResponse, limit_bytes: int) -> bytes:
    parts: list[bytes] = []
    size_bytes = 0
    async for chunk in response.content.iter_any():
        size_bytes += len(chunk)
        if size_bytes > limit_bytes:
            raise MalformedStream("an answer is too long")
        parts.append(chunk)
    return b"".join(parts)


def _refused(status: int, body: bytes) -> GatewayError:
    if status in (400, 422) and _CONTEXT_SIGNS.search(body):
        return ContextLengthExceeded("The prompt and max_tokens together are longer than the model's context.")
    if status in (400, 413, 422):
        return InvalidValue("The model server does not accept this request; check its fields against the API of vLLM.")
    if status in (429, 503):
        return Overloaded("The model server is busy; try again in a moment.")
    return UpstreamFailed(f"The model server answered with status {status}.")
