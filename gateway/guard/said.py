"""What a prompt says, by who says it: a user's own words may come back, those of the system may not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.pipeline.prompt import Kind, Prompt

_SYSTEM = frozenset({"system", "developer"})
_MODEL = "assistant"


@dataclass(frozen=True, slots=True)
class Said:
    """Texts of a prompt as the model sees them, in order."""

    system: tuple[str, ...]
    model: tuple[str, ...]
    """What the model said in earlier turns, as the client has it."""
    others: tuple[str, ...]
    """What the user and tools said, and all fields beside the messages."""

    @classmethod
    def in_prompt(cls, prompt: Prompt) -> Said:
        by_role: dict[str, list[str]] = {"system": [], "model": [], "others": []}
        for role, text in _texts(prompt):
            place = "system" if role in _SYSTEM else "model" if role == _MODEL else "others"
            by_role[place].append(text)
        return cls(tuple(by_role["system"]), tuple(by_role["model"]), tuple(by_role["others"]))


def _texts(prompt: Prompt) -> Iterator[tuple[str, str]]:
    messages = prompt.body.get("messages")
    for segment in prompt.segments:
        if segment.kind is not Kind.VALUE:
            continue
        role = ""
        if len(segment.path) > 1 and segment.path[0] == "messages" and isinstance(messages, list):
            role = str(messages[segment.path[1]].get("role", ""))  # type: ignore[index]
        yield role, segment.text
