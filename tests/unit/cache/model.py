"""A model in this process, a store in this process, real keys: what the cache's own tests need."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from gateway.cache.contents import CacheContents
from gateway.cache.upstream import CachedUpstream
from gateway.errors import UpstreamFailed
from gateway.pipeline.ports import Call, Source
from gateway.policy.schema import Cache
from gateway.seal.keyring import Keyring
from gateway.store.memory import MemoryStore
from gateway.store.port import Place, Store, StoreUnavailable, Trouble

START_S = 1_750_000_000.0


class Model:
    """Answers with what it was asked and how often it has been asked at all. `gate` holds its events back."""

    def __init__(self) -> None:
        self.asked: list[Call] = []
        self.aborted = 0
        self.fails = False
        self.finish = "stop"
        self.gate = asyncio.Event()
        self.gate.set()

    def _text(self, call: Call) -> str:
        return f"answer {len(self.asked)} to {call.body['messages'][-1]['content']}"

    async def complete(self, call: Call) -> dict[str, Any]:
        self.asked.append(call)
        text = self._text(call)
        await self.gate.wait()
        if self.fails:
            raise UpstreamFailed("The model failed.")
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": self.finish}
        return {"object": "chat.completion", "created": 1, "choices": [choice], "usage": {"total_tokens": 9}}

    async def stream(self, call: Call) -> AsyncGenerator[dict[str, Any]]:
        self.asked.append(call)
        try:
            for word in [*self._text(call).split(" "), None]:
                await self.gate.wait()
                delta = {} if word is None else {"content": word + " "}
                finish = self.finish if word is None else None
                yield {"created": 1, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
            if self.fails:
                raise UpstreamFailed("The model broke off.")
            if (call.body.get("stream_options") or {}).get("include_usage"):
                yield {"created": 1, "choices": [], "usage": {"total_tokens": 9}}
        except GeneratorExit:
            self.aborted += 1
            raise


class OpenStore(MemoryStore):
    """Shows what was put into it. Its clock stands still: what the cache gives is decided by the cache alone."""

    def __init__(self) -> None:
        super().__init__(64 * 2**20, lambda: 0.0)
        self.shown: dict[Place, bytes] = {}

    async def put(self, place: Place, value: bytes, ttl_s: float) -> None:
        self.shown[place] = value
        await super().put(place, value, ttl_s)


class FailingStore:
    """A store whose every use fails, as the port says stores may."""

    def __getattr__(self, name: str) -> Any:
        async def fail(*_: Any, **__: Any) -> None:
            raise StoreUnavailable(Trouble.TIMEOUT)

        return fail


@dataclass
class Scene:
    """A cached model with clocks that a test moves."""

    policy: Cache = field(default_factory=Cache)
    keyring: Keyring = field(default_factory=Keyring.ephemeral)
    digest: str = "digest"
    store: Store = field(default_factory=OpenStore)
    model: Model = field(default_factory=Model)
    now_s: float = START_S
    reports: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.cached = self.under(self.policy, self.digest)
        self.contents = CacheContents(self.store, self.keyring)

    def under(self, policy: Cache, digest: str = "digest") -> CachedUpstream:
        return CachedUpstream(
            self.model,
            self.store,
            self.keyring,
            policy,
            digest,
            wall_clock=lambda: self.now_s,
            report=lambda kind: self.reports.update([kind]),
        )

    async def ask(self, call: Call, *, good: bool = True, cached: CachedUpstream | None = None) -> tuple[str, Source]:
        """The text of the answer, and where it came from."""
        async with (cached or self.cached).ask(call) as reply:
            if call.streamed:
                async with aclosing(reply.events()) as events:
                    said = [event async for event in events]
                text = "".join(c["delta"].get("content") or "" for e in said for c in e["choices"]).strip()
            else:
                text = (await reply.whole())["choices"][0]["message"]["content"].strip()
            await reply.settle(good=good)
            return text, reply.source

    @property
    def kept(self) -> dict[Place, bytes]:
        """All that was ever put into the store."""
        assert isinstance(self.store, OpenStore)
        return self.store.shown


def call(
    text: str = "hello",
    *,
    tenant: str = "acme",
    subject: str = "jane",
    stream: bool = False,
    model: str = "tiny",
    **more: Any,
) -> Call:
    body = {"messages": [{"role": "user", "content": text}], "temperature": 0, "model": model, **more}
    if stream:
        body["stream"] = True
    return Call("default", "/chat/completions", body, tenant, 1.0, subject=subject)
