"""A recorded answer as what is wanted now: a whole one as events, events as a whole one. It is one of those that
`rules.py` lets be kept, so that its parts are of the types that the API gives them.

Only the keys of the OpenAI format that the edge writes are carried over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

Json = dict[str, Any]

_TEXTS = ("content", "refusal", "reasoning", "reasoning_content")
_HEAD = ("id", "created", "model")


def as_events(answer: Json) -> Iterator[Json]:
    """The events of a whole answer: what each choice says, why it ended, and the usage."""
    head = {name: answer[name] for name in _HEAD if name in answer}
    for choice in answer["choices"]:
        index = choice["index"]
        said: Json = {"index": index, "finish_reason": None}
        end: Json = {"index": index, "finish_reason": choice.get("finish_reason")}
        if (logprobs := choice.get("logprobs")) is not None:
            said["logprobs"] = logprobs
        if "message" in choice:
            said["delta"], end["delta"] = _delta(choice["message"]), {}
        else:
            said["text"], end["text"] = choice["text"], ""
        yield {**head, "choices": [said]}
        yield {**head, "choices": [end]}
    if answer.get("usage") is not None:
        yield {**head, "choices": [], "usage": answer["usage"]}


def _delta(message: Json) -> Json:
    delta = dict(message)
    if calls := message.get("tool_calls"):
        delta["tool_calls"] = [{**call, "index": index} for index, call in enumerate(calls)]
    return delta


def as_whole(events: Sequence[Json]) -> Json:
    """The whole answer of a stream's events."""
    answer: Json = {name: events[0][name] for name in _HEAD if name in events[0]}
    choices: dict[int, Json] = {}
    for event in events:
        if event.get("usage") is not None:
            answer["usage"] = event["usage"]
        for piece in event["choices"]:
            choice = choices.setdefault(piece["index"], {"index": piece["index"], "finish_reason": None})
            _add(choice, piece)
    answer["choices"] = [_finished(choices[index]) for index in sorted(choices)]
    return answer


def _finished(choice: Json) -> Json:
    """Calls are collected by their index, which may be any number; a whole message has them in a list."""
    calls = choice.get("message", {}).get("tool_calls")
    if calls:
        choice["message"]["tool_calls"] = [calls[index] for index in sorted(calls)]
    return choice


def _add(choice: Json, piece: Json) -> None:
    if "delta" in piece:
        _add_delta(choice.setdefault("message", {"role": "assistant", "content": None}), piece["delta"])
    else:
        choice["text"] = choice.get("text", "") + piece["text"]
    if piece.get("logprobs"):
        _add_lists(choice.setdefault("logprobs", {}), piece["logprobs"])
    choice["finish_reason"] = piece.get("finish_reason") or choice["finish_reason"]


def _add_delta(message: Json, delta: Json) -> None:
    for name in _TEXTS:
        if delta.get(name) is not None:
            message[name] = (message.get(name) or "") + delta[name]
    for position, piece in enumerate(delta.get("tool_calls") or ()):
        calls = message.setdefault("tool_calls", {})
        _add_call(calls.setdefault(piece.get("index", position), {"function": {}}), piece)


def _add_call(call: Json, piece: Json) -> None:
    for name in ("id", "type"):
        if piece.get(name) is not None:
            call[name] = piece[name]
    for name, text in (piece.get("function") or {}).items():
        if isinstance(text, str):
            call["function"][name] = call["function"].get(name, "") + text


def _add_lists(whole: Json, piece: Json) -> None:
    for name, values in piece.items():
        if isinstance(values, list):
            whole.setdefault(name, []).extend(values)
