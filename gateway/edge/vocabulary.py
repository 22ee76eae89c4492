"""The words of the OpenAI wire format and of vLLM's extensions, and the fields that open a hole.

Sources: the OpenAI API reference for chat and text completions; the OpenAPI document of vLLM 0.32.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.pipeline.prompt import Vocabulary

COMMON_FIELDS = frozenset(
    "model stream stream_options n stop temperature top_p max_tokens presence_penalty frequency_penalty seed user "
    "metadata logit_bias logprobs best_of response_format service_tier store safety_identifier prompt_cache_key "
    # vLLM
    "add_special_tokens allowed_token_ids bad_words ignore_eos include_stop_str_in_output length_penalty min_p "
    "min_tokens repetition_detection repetition_penalty skip_special_tokens spaces_between_special_tokens "
    "stop_token_ids stream_interval structured_outputs thinking_token_budget top_k truncate_prompt_tokens "
    "truncation_side use_beam_search watermarking".split()
)
CHAT_FIELDS = COMMON_FIELDS | frozenset(
    [
        "messages",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "functions",
        "function_call",
        "top_logprobs",
        "max_completion_tokens",
        "reasoning_effort",
        "verbosity",
        "prediction",
        "modalities",
        "web_search_options",
        "add_generation_prompt",
        "chat_template_kwargs",
        "continue_final_message",
        "include_reasoning",
        "documents",
        "chat_template",
        "echo",
        "priority",
        "vllm_xargs",
    ]
)
COMPLETION_FIELDS = COMMON_FIELDS | frozenset(["prompt", "suffix", "echo", "priority", "vllm_xargs"])

EMBEDDING_FIELDS = frozenset("model input encoding_format dimensions user truncate_prompt_tokens".split())
"""The rest of vLLM's for vectors changes their bytes, or embeds a conversation by another way."""

_NESTED_KEYS = frozenset(
    "role content name type text refusal reasoning reasoning_content thinking tool_calls tool_call_id id index "
    "function arguments description parameters strict json_schema schema include_usage continuous_usage_stats "
    "input custom format grammar syntax definition mode allowed_tools "
    # JSON Schema
    "$schema $ref $defs properties required items additionalProperties enum const default title anyOf oneOf allOf not "
    "pattern minimum maximum minLength maxLength minItems maxItems uniqueItems examples "
    # vLLM's structured outputs
    "json regex choice json_object structural_tag disable_any_whitespace enable_thinking".split()
)
_VALUES = frozenset(
    [
        "system",
        "developer",
        "user",
        "assistant",
        "tool",
        "function",
        "text",
        "auto",
        "none",
        "required",
        "low",
        "medium",
        "high",
        "json_object",
        "json_schema",
        "object",
        "string",
        "number",
        "integer",
        "boolean",
        "array",
        "null",
        "custom",
        "allowed_tools",
        "default",
        "float",
        "base64",
    ]
)
_WORDED = frozenset(
    "role type tool_choice function_call mode format syntax reasoning_effort verbosity service_tier truncation_side "
    "encoding_format "
    "modalities".split()
)
_OPEN = frozenset(["properties", "patternProperties", "$defs", "metadata", "arguments", "logit_bias"])
# Where a client may name itself or its user, numbers are texts like any others.
_PARAMETERS = COMMON_FIELDS - frozenset(
    "metadata user structured_outputs response_format stop bad_words safety_identifier prompt_cache_key service_tier "
    "store".split()
)

VOCABULARY = Vocabulary(
    keys=CHAT_FIELDS | COMPLETION_FIELDS | EMBEDDING_FIELDS | _NESTED_KEYS,
    values=_VALUES,
    worded=_WORDED,
    open=_OPEN,
    numbers=_PARAMETERS | {"top_logprobs", "max_completion_tokens", "dimensions"},
    first=("tools", "functions", "messages", "prompt", "suffix"),
)
"""`first`: a model reads the tools before the messages, so a growing conversation leaves their numbers alone."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Why a field is refused, and whether a policy may let it through (`requests.unsafe_fields`)."""

    why: str
    allowable: bool = False


_TOKENS = "it answers with pieces of the prompt or of the answer that no filter reads"
_INTERNAL = "it is between the gateway and the model server"
_MEDIA = "images, audio and other media cannot be checked for personal data yet"

HOLES: dict[str, Hole] = {
    "cache_salt": Hole("the gateway sets it, so that tenants do not share a prefix cache"),
    "chat_template": Hole("it runs a template of the client on the model server", allowable=True),
    "documents": Hole("it puts texts into the prompt by a way of its own", allowable=True),
    "echo": Hole("it answers with the prompt", allowable=True),
    "priority": Hole("it lets one client overtake all others", allowable=True),
    "vllm_xargs": Hole("it passes arguments to extensions of the model server", allowable=True),
    "prompt_logprobs": Hole(_TOKENS),
    "return_prompt_text": Hole(_TOKENS),
    "return_token_ids": Hole(_TOKENS),
    "return_tokens_as_token_ids": Hole(_TOKENS),
    "return_token_offsets": Hole(_TOKENS),
    "logprob_token_ids": Hole(_TOKENS),
    "prompt_embeds": Hole("numbers instead of text cannot be checked for personal data"),
    "kv_transfer_params": Hole(_INTERNAL),
    "ec_transfer_params": Hole(_INTERNAL),
    "request_id": Hole(_INTERNAL),
    "session_id": Hole(_INTERNAL),
    "routed_experts_prompt_start": Hole(_INTERNAL),
    "logits_processors": Hole("it runs code of the client on the model server"),
    "mm_payload": Hole(_MEDIA),
    "mm_processor_kwargs": Hole(_MEDIA),
    "media_io_kwargs": Hole(_MEDIA),
    "return_mm_kwargs": Hole(_MEDIA),
    "audio": Hole(_MEDIA),
    "background": Hole("an answer that is fetched later passes no filter"),
    "previous_response_id": Hole("what the model server keeps of earlier requests cannot be checked"),
    "previous_input_messages": Hole("what the model server keeps of earlier requests cannot be checked"),
}
