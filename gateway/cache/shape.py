"""Whether an answer is made as the API says. The edge gives clients more than that, each time as it comes; what is kept
must read the same once more, and in the other form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SAID = ("message", "delta", "text")
_TEXTS = ("role", "content", "refusal", "reasoning", "reasoning_content")


def is_plain(event: Mapping[str, Any]) -> bool:
    """Of an event, or of a whole answer."""
    choices = event.get("choices")
    return isinstance(choices, list) and all(isinstance(c, dict) and _is_choice(c) for c in choices)


def _is_choice(choice: Mapping[str, Any]) -> bool:
    said = [name for name in _SAID if name in choice]
    return (
        _is_number(choice.get("index"))
        and isinstance(choice.get("finish_reason"), str | None)
        and isinstance(choice.get("logprobs"), dict | None)
        and len(said) == 1
        and (isinstance(choice["text"], str) if said == ["text"] else _is_message(choice[said[0]]))
    )


def _is_message(said: Any) -> bool:
    if not isinstance(said, dict):
        return False
    calls = said.get("tool_calls")
    return (
        isinstance(calls, list | None)
        and all(isinstance(call, dict) and _is_call(call) for call in calls or ())
        and all(isinstance(said.get(name), str | None) for name in _TEXTS)
    )


def _is_call(call: Mapping[str, Any]) -> bool:
    return isinstance(call.get("function"), dict | None) and ("index" not in call or _is_number(call["index"]))


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
