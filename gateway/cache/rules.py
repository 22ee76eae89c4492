"""Which requests may be answered from the cache, and which answers may be kept in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.cache.shape import is_plain
from gateway.pipeline.ports import Call
from gateway.policy.schema import Cache

_WHOLE = frozenset({"stop", "length"})
_CALLING = _WHOLE | {"tool_calls", "function_call"}


def may_ask(call: Call, policy: Cache) -> bool:
    """Whether the request is one of those that the policy and the client let the cache answer."""
    if call.uncached or policy.when == "never":
        return False
    return policy.when == "always" or is_deterministic(call.body)


def is_deterministic(body: Mapping[str, Any]) -> bool:
    """Whether the model would say the same again. vLLM's temperature is 1 if none is given."""
    return body.get("temperature") == 0 or body.get("seed") is not None


def may_keep(events: Iterable[Mapping[str, Any]], policy: Cache) -> bool:
    """Whether an answer, whole or in events, is complete, made as the API says, and none that the policy leaves out."""
    reasons: dict[Any, Any] = {}
    calls = False
    for event in events:
        if not is_plain(event):
            return False
        for choice in event["choices"]:
            said = choice.get("message") or choice.get("delta") or {}
            calls = calls or bool(said.get("tool_calls") or said.get("function_call"))
            index = choice["index"]
            reasons[index] = choice.get("finish_reason") or reasons.get(index)
    if calls and not policy.tool_calls:
        return False
    return bool(reasons) and set(reasons.values()) <= (_CALLING if policy.tool_calls else _WHOLE)
