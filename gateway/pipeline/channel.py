"""The separate texts of an answer. Each has stream filters of its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Field(Enum):
    """Which text of a choice."""

    CONTENT = "content"
    REASONING = "reasoning"
    REFUSAL = "refusal"
    TOOL_NAME = "tool_name"
    TOOL_ARGUMENTS = "tool_arguments"
    LOGPROBS = "logprobs"


@dataclass(frozen=True, slots=True)
class Channel:
    """Choice index, field, and for tool calls which of them. `is_json`: the text is a JSON document."""

    choice: int
    field: Field
    part: int = 0
    is_json: bool = False
