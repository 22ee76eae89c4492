"""Turns an upstream's answer into the client's: the OpenAI format and nothing else, every text through the filters.

A message of a whole answer is a delta that is final. There is one path for both. Keys that are not named here do
not leave: what an upstream adds, also by mistake, stays inside.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.errors import GatewayError, StageFailed, UpstreamFailed
from gateway.pipeline.channel import Channel, Field
from gateway.pipeline.stage import Outlets

_FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "function_call", "content_filter", "abort"})
_USAGE = ("prompt_tokens", "completion_tokens", "total_tokens")
_USAGE_DETAILS = {
    "prompt_tokens_details": ("cached_tokens", "audio_tokens"),
    "completion_tokens_details": ("reasoning_tokens", "accepted_prediction_tokens", "rejected_prediction_tokens"),
}
_MESSAGE_TEXTS = {
    "content": (Field.CONTENT, 0),
    "refusal": (Field.REFUSAL, 0),
    "reasoning": (Field.REASONING, 0),
    "reasoning_content": (Field.REASONING, 1),
}
_AS_WRITTEN = ("reasoning", "reasoning_content", "content", "refusal")
"""In the order in which a model writes them: what begins in a thought may go on in the answer."""
_PLAIN_ID = re.compile(r"(?:chatcmpl-tool-|call_|tool_|toolu_)?(?=[A-Za-z]*[0-9])(?:[0-9a-f-]{1,40}|[A-Za-z0-9]{9})")
"""Ids as servers draw them."""
_TEXT_OF = {place: name for name, place in _MESSAGE_TEXTS.items()}


@dataclass(frozen=True, slots=True)
class Head:
    """What the gateway says about an answer in its own words. `model` is the public name."""

    id: str
    model: str
    is_json: bool
    """The client asked for an answer in JSON."""


class Format(Protocol):
    """How one endpoint writes its answers."""

    whole: str
    chunk: str

    def choice(self, raw: dict[str, Any], outlets: Outlets, head: Head, *, whole: bool) -> dict[str, Any]:
        """One choice, its texts filtered; those of a final choice are complete."""
        ...


class AnswerWriter:
    """Writes the answer of one exchange, whole or chunk by chunk."""

    def __init__(self, form: Format, outlets: Outlets, head: Head) -> None:
        self._form = form
        self._outlets = outlets
        self._head = head
        self.unfinished: set[int] = set()
        """Choices that have begun and have not said why they end."""
        self._ended: set[int] = set()
        self.usage: dict[str, Any] | None = None

    def whole(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Raises UpstreamFailed if this is no answer, StageFailed if a filter broke."""
        return self._write(answer, self._form.whole, whole=True)

    def chunk(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """The event for the client, or None if nothing of it may leave yet."""
        written = self._write(event, self._form.chunk, whole=False)
        if event.get("choices") and not written["choices"]:
            return None
        return written

    def _write(self, raw: dict[str, Any], name: str, *, whole: bool) -> dict[str, Any]:
        choices = raw.get("choices")
        if not isinstance(choices, list):
            raise UpstreamFailed("The model server's answer is not one of the OpenAI API.")
        written = {
            "id": self._head.id,
            "object": name,
            "created": _int(raw.get("created")) or 0,
            "model": self._head.model,
            "choices": [c for choice in choices if (c := self._choice(choice, whole=whole)) is not None],
        }
        if isinstance(raw.get("usage"), dict):
            self.usage = written["usage"] = usage_of(raw["usage"])
        return written

    def _choice(self, raw: Any, *, whole: bool) -> dict[str, Any] | None:
        if not isinstance(raw, dict) or (index := _int(raw.get("index"))) is None:
            raise UpstreamFailed("The model server's answer has a choice without an index.")
        if index in self._outlets.blocked:
            return None
        if index in self._ended:
            # Its filters have let go of what they held, so nothing may go on there.
            if _says_anything(raw):
                raise UpstreamFailed("The model server's answer goes on behind its end.")
            return None
        self._note_end(index, whole or raw.get("finish_reason") is not None)
        try:
            written = self._form.choice(raw, self._outlets, self._head, whole=whole)
        except GatewayError:
            raise
        except Exception as error:
            raise StageFailed(
                f"The answer could not be checked, so it was not sent. ({type(error).__name__})"
            ) from None
        if index in self._outlets.blocked:
            self.unfinished.discard(index)
            without = {"logprobs": None} if "logprobs" in written else {}
            return {**written, **without, "finish_reason": "content_filter"}
        return written if whole or _says_something(written) else None

    @property
    def wants_another(self) -> bool:
        """Whether a filter would rather have another answer than stop this one."""
        return self._outlets.wants_another

    @property
    def blocked_choices(self) -> Collection[int]:
        """Choices that a filter stopped; what came before has left."""
        return self._outlets.blocked

    @property
    def rules(self) -> Collection[str]:
        """The rules that stopped them."""
        return self._outlets.blocked.values()

    def _note_end(self, choice: int, ended: bool) -> None:
        if ended:
            self._ended.add(choice)
            self.unfinished.discard(choice)
        else:
            self.unfinished.add(choice)


def announces_only(chunk: dict[str, Any]) -> bool:
    """Whether an event says who speaks and nothing else."""
    choices = chunk["choices"]
    return bool(choices) and all(
        choice.get("finish_reason") is None
        and choice.get("delta", {}).keys() <= {"role", "content"}
        and "role" in choice.get("delta", {})
        and not choice["delta"].get("content")
        and not choice.get("logprobs")
        for choice in choices
    )


def chars_in(answer: dict[str, Any]) -> int:
    """About how many characters of text an answer has."""
    return sum(
        len(str(value))
        for choice in _list(answer, "choices")
        if isinstance(choice, dict)
        for value in _said(choice).values()
    )


def chars_added(event: dict[str, Any]) -> int:
    """How many characters of text an event of a stream adds."""
    chars = 0
    for choice in _list(event, "choices"):
        said = choice.get("delta", choice) if isinstance(choice, dict) else None
        if isinstance(said, dict):
            chars += sum(len(value) for value in said.values() if isinstance(value, str))
            chars += sum(len(str(call)) for call in _list(said, "tool_calls"))
    return chars


def _said(choice: dict[str, Any]) -> dict[str, Any]:
    message = choice.get("message")
    return message if isinstance(message, dict) else choice


class ChatFormat:
    """POST /v1/chat/completions."""

    whole = "chat.completion"
    chunk = "chat.completion.chunk"

    def choice(self, raw: dict[str, Any], outlets: Outlets, head: Head, *, whole: bool) -> dict[str, Any]:
        key = "message" if whole else "delta"
        said = raw.get(key)
        if not isinstance(said, dict):
            raise UpstreamFailed("The model server's answer has a choice without a message.")
        index = raw["index"]
        finish = _finish(raw)
        delta: dict[str, Any] = {}
        if isinstance(said.get("role"), str):
            delta["role"] = "assistant"
        texts = {
            name: self._text(said[name], Channel(index, *_MESSAGE_TEXTS[name], head.is_json), outlets)
            for name in _AS_WRITTEN
            if name in said
        }
        delta.update((name, texts[name]) for name in _MESSAGE_TEXTS if name in texts)
        calls = _tool_calls(said.get("tool_calls"), index, outlets, whole=whole)
        logprobs = None
        if raw.get("logprobs") is not None:
            logprobs = _chat_logprobs(raw["logprobs"], Channel(index, Field.LOGPROBS), outlets)
        if whole or finish is not None:
            _flush_message(delta, calls, index, outlets)
        if calls:
            delta["tool_calls"] = list(calls.values())
        if not whole:
            _drop_held(delta, said)
        written = {"index": index, key: delta, "finish_reason": finish}
        if logprobs is not None:
            written["logprobs"] = logprobs
        return written

    @staticmethod
    def _text(value: Any, channel: Channel, outlets: Outlets) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise UpstreamFailed("The model server's answer has a text that is not a string.")
        return outlets.push(channel, value)


class CompletionFormat:
    """POST /v1/completions."""

    whole = "text_completion"
    chunk = "text_completion"

    def choice(self, raw: dict[str, Any], outlets: Outlets, head: Head, *, whole: bool) -> dict[str, Any]:
        said = raw.get("text")
        if not isinstance(said, str):
            raise UpstreamFailed("The model server's answer has a choice without a text.")
        index = raw["index"]
        finish = _finish(raw)
        channel = Channel(index, Field.CONTENT, 0, head.is_json)
        text = outlets.push(channel, said)
        if whole or finish is not None:
            text += outlets.flush(channel)
        written: dict[str, Any] = {"index": index, "text": text, "finish_reason": finish, "logprobs": None}
        if raw.get("logprobs") is not None:
            written["logprobs"] = _completion_logprobs(raw["logprobs"], Channel(index, Field.LOGPROBS), outlets)
        return written


def _finish(raw: dict[str, Any]) -> str | None:
    reason = raw.get("finish_reason")
    if reason is None:
        return None
    return reason if isinstance(reason, str) and reason in _FINISH_REASONS else "stop"


def _tool_calls(raw: Any, choice: int, outlets: Outlets, *, whole: bool) -> dict[int, dict[str, Any]]:
    """The calls of a message by their index; name and arguments are channels of their own."""
    written: dict[int, dict[str, Any]] = {}
    for position, call in enumerate(raw if isinstance(raw, list) else ()):
        if not isinstance(call, dict):
            raise UpstreamFailed("The model server's answer has a tool call that is not an object.")
        index = position if whole or (given := _int(call.get("index"))) is None else given
        # Two pieces of one call may come in one chunk.
        made = written.setdefault(index, {} if whole else {"index": index})
        if isinstance(call.get("id"), str):
            made["id"] = _call_id(call["id"])
        if isinstance(call.get("type"), str):
            made["type"] = "function"
        function = call.get("function")
        if isinstance(function, dict):
            for name, text in _function(function, choice, index, outlets).items():
                said = made.setdefault("function", {})
                said[name] = said.get(name, "") + text
    return written


def _call_id(raw: str) -> str:
    """The id of a call. One that the model may have written could say anything, so another stands in its place."""
    if _PLAIN_ID.fullmatch(raw):
        return raw
    return "call_" + hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _function(raw: dict[str, Any], choice: int, call: int, outlets: Outlets) -> dict[str, str]:
    made: dict[str, str] = {}
    if isinstance(raw.get("name"), str):
        channel = Channel(choice, Field.TOOL_NAME, call)
        if channel in outlets.flushed:
            raise UpstreamFailed("The model server's answer has the name of a tool in pieces.")
        made["name"] = outlets.push(channel, raw["name"]) + outlets.flush(channel)
    if isinstance(raw.get("arguments"), str):
        made["arguments"] = outlets.push(Channel(choice, Field.TOOL_ARGUMENTS, call, is_json=True), raw["arguments"])
    return made


def _flush_message(delta: dict[str, Any], calls: dict[int, dict[str, Any]], choice: int, outlets: Outlets) -> None:
    """Put what the filters still hold where it belongs."""
    for channel in outlets.open_channels(choice):
        tail = outlets.flush(channel)
        if not tail:
            continue
        if channel.field is Field.TOOL_ARGUMENTS:
            call = calls.setdefault(channel.part, {"index": channel.part})
            function = call.setdefault("function", {})
            function["arguments"] = function.get("arguments", "") + tail
        elif (channel.field, channel.part) in _TEXT_OF:
            name = _TEXT_OF[channel.field, channel.part]
            delta[name] = (delta.get(name) or "") + tail


def _drop_held(delta: dict[str, Any], said: dict[str, Any]) -> None:
    """A text that came in but is wholly held back leaves no trace in this chunk."""
    for name in _MESSAGE_TEXTS:
        if delta.get(name) == "" and said.get(name):
            del delta[name]


def _says_anything(raw: dict[str, Any]) -> bool:
    """Whether there is any text in a choice of the upstream's, wherever."""
    said = _said(raw)
    said = raw["delta"] if isinstance(raw.get("delta"), dict) else said
    return any(said.get(name) for name in (*_MESSAGE_TEXTS, "tool_calls", "text")) or bool(raw.get("logprobs"))


def _says_something(choice: dict[str, Any]) -> bool:
    return bool(choice.get("delta") or choice.get("text") or choice.get("finish_reason") or choice.get("logprobs"))


def _token(raw: Any, channel: Channel, outlets: Outlets) -> dict[str, Any]:
    if not isinstance(raw, dict) or not isinstance(raw.get("token"), str):
        raise UpstreamFailed("The model server's answer has log probabilities without tokens.")
    token = outlets.push(channel, raw["token"])
    made = _bytes(raw.get("bytes")) if token == raw["token"] else None
    # Bytes that are not those of the token would be a text that nobody has read.
    if made is not None and (max(made, default=0) > 255 or bytes(made).decode("utf-8", "replace") != token):
        made = None
    return {"token": token, "logprob": _number(raw.get("logprob")), "bytes": made}


def _chat_logprobs(raw: Any, channel: Channel, outlets: Outlets) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for name in ("content", "refusal"):
        tokens = raw.get(name) if isinstance(raw, dict) else None
        if isinstance(tokens, list):
            written[name] = [
                {
                    **_token(token, channel, outlets),
                    "top_logprobs": [_token(t, channel, outlets) for t in _list(token, "top_logprobs")],
                }
                for token in tokens
            ]
    return written


def _completion_logprobs(raw: Any, channel: Channel, outlets: Outlets) -> dict[str, Any]:
    if not isinstance(raw, dict) or not isinstance(raw.get("tokens"), list):
        raise UpstreamFailed("The model server's answer has log probabilities without tokens.")

    def tops(top: Any) -> dict[str, float | None]:
        found = top if isinstance(top, dict) else {}
        return {outlets.push(channel, token): _number(logprob) for token, logprob in found.items()}

    return {
        "tokens": [outlets.push(channel, str(token)) for token in raw["tokens"]],
        "token_logprobs": [_number(logprob) for logprob in _list(raw, "token_logprobs")],
        "top_logprobs": [tops(top) for top in _list(raw, "top_logprobs")],
        "text_offset": [_int(offset) for offset in _list(raw, "text_offset")],
    }


def _list(raw: dict[str, Any], name: str) -> list[Any]:
    found = raw.get(name)
    return found if isinstance(found, list) else []


def usage_of(raw: dict[str, Any]) -> dict[str, Any]:
    usage: dict[str, Any] = _ints(raw, _USAGE)
    for name, fields in _USAGE_DETAILS.items():
        if isinstance(raw.get(name), dict):
            usage[name] = _ints(raw[name], fields)
    return usage


def _ints(raw: dict[str, Any], names: Iterable[str]) -> dict[str, int]:
    return {name: value for name in names if (value := _int(raw.get(name))) is not None}


def _int(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _bytes(value: Any) -> list[int] | None:
    return value if isinstance(value, list) and all(_int(b) is not None for b in value) else None
