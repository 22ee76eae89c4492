"""The exchange's own system prompt is a protected document for that exchange, but for what the user says as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.guard.passages import Cutting, Followed, Stopping, Watching, tokens
from gateway.guard.regurgitation import Echo, Rule, Watch
from gateway.guard.said import Said
from gateway.guard.trail import Trail
from gateway.pipeline.channel import Channel
from gateway.pipeline.exchange import Exchange
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.stage import PassThrough, StreamFilter

RULE = "answers.system_prompt"
Treatment = Literal["block", "redact", "report"]
_PASSAGE = Rule(12)
"""Instructions are short sentences: fewer words in a row are a passage than of a document."""


@dataclass(frozen=True, slots=True)
class _Instructions:
    """Kept for one exchange. A watch that stops cannot cut, so one of the two is used."""

    stopping: Watch
    cutting: Watch
    echo: Echo
    trail: Trail


class SystemPromptStage:
    """Costs nothing where there is no system prompt."""

    name = "system_prompt"

    def __init__(self, treatment: Treatment) -> None:
        self._treatment = treatment

    def on_request(self, prompt: Prompt, exchange: Exchange) -> Prompt:
        said = Said.in_prompt(prompt)
        if said.system:
            # One text, so that instructions in many short messages are protected, too.
            texts = ["\n".join(said.system)]
            stopping = Watch.of_text(texts, _PASSAGE)
            cutting = Watch.of_text(texts, _PASSAGE, redact=True) if self._treatment == "redact" else stopping
            exchange.keep(_Instructions(stopping, cutting, stopping.echo(said.others), Trail()))
        return prompt

    def open(self, exchange: Exchange, channel: Channel) -> StreamFilter:
        instructions = exchange.kept(_Instructions)
        if instructions is None:
            return PassThrough()
        if self._treatment != "report" and (wordless := tokens(channel)) is not None:
            return wordless

        def note() -> None:
            exchange.found("system_prompt", "passage", self._treatment)

        # A mark could end a string of JSON, so there an answer is stopped.
        if self._treatment == "redact" and not channel.is_json:
            return Cutting(instructions.cutting.open(instructions.echo), instructions.trail, note)
        reader = Followed(instructions.stopping.open(instructions.echo), instructions.trail)
        return Watching(reader, note) if self._treatment == "report" else Stopping(reader, RULE, note)
