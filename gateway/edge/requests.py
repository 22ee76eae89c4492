"""Checks a request's fields as vLLM would, before anything is done with them.

The types here check; what is sent on is the request as it came. So nothing that vLLM understands is lost, and
nothing of it is unread: every text of it is a segment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gateway.edge.vocabulary import CHAT_FIELDS, COMPLETION_FIELDS, EMBEDDING_FIELDS, HOLES, VOCABULARY
from gateway.errors import GatewayError, InvalidValue
from gateway.pipeline.prompt import Path, dotted
from gateway.pipeline.stage import MOST_CHANNELS
from gateway.policy.schema import Policy

_TEXT_PARTS = frozenset({"text", "input_text", "output_text", "refusal", "thinking"})
_PART_TEXTS = frozenset({"text", "refusal", "thinking"})
_MEDIA_WORDS = ("image", "audio", "video", "file", "embed", "pil")
_MODALITIES = ("text",)


_T = TypeVar("_T")
# The first wrong item is enough: an error for each of a million takes gigabytes.
_List = Annotated[list[_T], Field(fail_fast=True)]


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow", allow_inf_nan=False, strict=True)


class _StreamOptions(_Open):
    include_usage: bool | None = None


class _Function(_Open):
    name: Annotated[str, Field(min_length=1, max_length=256)]
    description: str | None = None
    parameters: dict[str, Any] | None = None


class _Tool(_Open):
    type: Literal["function"]
    function: _Function


class _CalledFunction(_Open):
    name: str
    arguments: str | dict[str, Any] = ""


class _ToolCall(_Open):
    id: str | None = None
    type: Literal["function"] = "function"
    function: _CalledFunction


class _Part(_Open):
    type: str


class _Message(_Open):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | _List[_Part | str] | None = None
    name: str | None = None
    tool_calls: _List[_ToolCall] | None = None
    tool_call_id: str | None = None


class _Common(_Open):
    model: Annotated[str, Field(min_length=1, max_length=256)]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    stop: str | _List[str] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=-1)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=0)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    repetition_penalty: Annotated[float, Field(gt=0)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    user: str | None = None
    metadata: dict[str, Any] | None = None
    logit_bias: dict[str, float] | None = None
    response_format: dict[str, Any] | None = None
    structured_outputs: dict[str, Any] | None = None


class _Chat(_Common):
    messages: Annotated[list[_Message], Field(min_length=1, fail_fast=True)]
    tools: _List[_Tool] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=0)] | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    modalities: _List[str] | None = None


class _Completion(_Common):
    prompt: str | Annotated[list[str], Field(min_length=1, fail_fast=True)]
    suffix: str | None = None
    echo: bool | None = None
    best_of: Annotated[int, Field(ge=1, le=128)] | None = None
    logprobs: Annotated[int, Field(ge=0)] | None = None


class _Embedding(_Open):
    model: Annotated[str, Field(min_length=1, max_length=256)]
    input: str | Annotated[list[str], Field(min_length=1, max_length=2048, fail_fast=True)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Field(ge=1)] | None = None
    user: str | None = None
    truncate_prompt_tokens: int | None = None


_CHAT = TypeAdapter(_Chat)
_EMBEDDING = TypeAdapter(_Embedding)
_COMPLETION = TypeAdapter(_Completion)


def check_chat(body: Mapping[str, Any], policy: Policy) -> None:
    """Raises InvalidValue with a JSON path; the message never quotes the request."""
    _check_fields(body, policy, CHAT_FIELDS)
    _check_types(_CHAT, body)
    top = body.get("top_logprobs") or 0
    _check_logprobs(top if body.get("logprobs") else 0, "top_logprobs", policy)
    if body.get("logprobs") and policy.requests.logprobs == 0:
        _check_logprobs(1, "logprobs", policy)
    for index, message in enumerate(body["messages"]):
        if isinstance(message.get("content"), list):
            _check_parts(message["content"], ("messages", index, "content"))
    _check_chat_template_kwargs(body, policy)
    if any(m not in _MODALITIES for m in body.get("modalities") or ()):
        raise InvalidValue("Only text can be checked for personal data; ask for the modality text.", param="modalities")


def check_completion(body: Mapping[str, Any], policy: Policy) -> None:
    """Raises InvalidValue with a JSON path; the message never quotes the request."""
    _check_fields(body, policy, COMPLETION_FIELDS)
    prompt = body.get("prompt")
    if isinstance(prompt, list) and any(not isinstance(p, str) for p in prompt):
        raise InvalidValue("A prompt of token numbers cannot be checked for personal data; send text.", param="prompt")
    _check_types(_COMPLETION, body)
    if choices_of(body) > MOST_CHANNELS:
        raise InvalidValue(f"At most {MOST_CHANNELS} answers can be asked for at a time; send fewer.", param="prompt")
    _check_logprobs(body.get("logprobs") or 0, "logprobs", policy)


def check_embedding(body: Mapping[str, Any], policy: Policy) -> None:
    """Raises InvalidValue with a JSON path; the message never quotes the request."""
    if unknown := next((field for field in body if field not in EMBEDDING_FIELDS), None):
        known = ", ".join(sorted(EMBEDDING_FIELDS))
        told = unknown if unknown in VOCABULARY.keys else None
        raise InvalidValue(f"A request for embeddings has no other fields than {known}.", param=told)
    asked = body.get("input")
    if isinstance(asked, list) and any(not isinstance(text, str) for text in asked):
        raise InvalidValue("An input of token numbers cannot be checked for personal data; send text.", param="input")
    _check_types(_EMBEDDING, body)


def choices_of(body: Mapping[str, Any]) -> int:
    """How many choices an answer has: so many for each prompt."""
    prompts = body.get("prompt")
    return (body.get("n") or 1) * (len(prompts) if isinstance(prompts, list) else 1)


def _check_fields(body: Mapping[str, Any], policy: Policy, known: frozenset[str]) -> None:
    for field, value in body.items():
        hole = HOLES.get(field)
        if hole is not None and value is not None and value is not False and field not in policy.requests.unsafe_fields:
            way = f"The policy line `requests: {{unsafe_fields: [{field}]}}` would allow it." if hole.allowable else ""
            raise InvalidValue(f"The field {field} is not accepted: {hole.why}. {way}".rstrip(), param=field)
        if hole is None and field not in known and policy.redact.unknown_fields == "refuse":
            raise InvalidValue(
                "The request has a field that is not part of the API. Remove it, or have the policy say "
                "`redact: {unknown_fields: scan}`."
            )
    if body.get("stream_options") and not body.get("stream"):
        raise InvalidValue("stream_options is only for streams; set stream to true.", param="stream_options")


def _check_types(adapter: TypeAdapter[Any], body: Mapping[str, Any]) -> None:
    try:
        adapter.validate_python(body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        # A union has a problem per branch; the one that got deepest is the one that was meant.
        problem = max(problems, key=lambda problem: len(_path(body, problem["loc"])))
        raise _invalid(_path(body, problem["loc"]), problem["msg"]) from None


def _path(body: Mapping[str, Any], loc: tuple[int | str, ...]) -> Path:
    """Pydantic names the branch of a union in its path; only what stands in the body belongs to a JSON path."""
    node: Any = body
    path: Path = ()
    for part in loc:
        if isinstance(part, int) and isinstance(node, list):
            node, path = node[part], (*path, part)
        elif isinstance(node, dict) and (part in node or part in VOCABULARY.keys):
            node = node.get(part)
            path = (*path, part if part in VOCABULARY.keys else "*")
    return path


def _invalid(path: Path, why: str) -> GatewayError:
    return InvalidValue(f"{dotted(path)}: {why}.", param=dotted(path))


def _check_logprobs(asked: int, field: str, policy: Policy) -> None:
    allowed = policy.requests.logprobs
    if asked > allowed:
        raise InvalidValue(
            f"At most {allowed} log probabilities per token are allowed here. "
            f"The policy line `requests: {{logprobs: {min(asked, 20)}}}` would allow more.",
            param=field,
        )


def _check_parts(parts: list[Any], path: Path) -> None:
    for index, part in enumerate(parts):
        if isinstance(part, str):
            continue
        where = dotted((*path, index))
        kind = part.get("type")
        media = [key for key in part if any(word in key.lower() for word in _MEDIA_WORDS)]
        if kind not in _TEXT_PARTS or media:
            raise InvalidValue(
                "Only text parts are accepted: images, audio and other media cannot be checked for personal data yet.",
                param=f"{where}.type",
            )
        if not any(isinstance(part.get(key), str) for key in _PART_TEXTS):
            raise InvalidValue("A text part needs its text as a string.", param=f"{where}.text")


def _check_chat_template_kwargs(body: Mapping[str, Any], policy: Policy) -> None:
    inner = body.get("chat_template_kwargs") or {}
    for field in inner:
        if field in HOLES and field not in policy.requests.unsafe_fields:
            raise InvalidValue(
                f"chat_template_kwargs cannot set {field}: {HOLES[field].why}.", param="chat_template_kwargs"
            )
