"""Personal data and secrets in an answer that the prompt did not contain.

The model never saw the user's own values, only placeholders. So whatever looks like a value in its raw answer is of
somebody else: learned by heart, made up, or public.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from gateway.guard.edits import Wordless, filtered
from gateway.guard.prompt_texts import PromptTexts, read, texts_of
from gateway.guard.secrets import GUESSED, SECRET, is_documentation, openings
from gateway.guard.windowed import Judged, WindowedEditor
from gateway.pipeline.channel import Channel, Field
from gateway.pipeline.exchange import Deadline, Exchange
from gateway.pipeline.ports import Clock, Detector
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.span import Span, merge
from gateway.pipeline.stage import PassThrough, StreamFilter

Measure = Literal["allow", "report", "mask", "block"]
"""What is done with a finding, from the mildest to the strictest."""
_STRICTNESS: tuple[Measure, ...] = ("allow", "report", "mask", "block")
_CHANGING = ("mask", "block")
_LETTER = re.compile(r"[^\W_]")
"""A letter or a digit."""


@dataclass(frozen=True, slots=True)
class AnswerRules:
    """What is done with which entity type: `secrets` for keys and tokens that have a format, `guessed` for what only
    the words around it call a secret, `default` for all other types."""

    default: Measure = "mask"
    entities: Mapping[str, Measure] = field(default_factory=dict)
    secrets: Measure = "block"
    guessed: Measure = "report"
    guessed_sources: frozenset[str] = frozenset()
    """The finders whose secrets are guessed."""
    threshold: float = 0.5
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """The least score that counts, by entity type where it is another one."""
    wordy: frozenset[str] = frozenset()
    """Types whose values may be plain words."""

    def measure(self, entity: str) -> Measure:
        if entity == SECRET:
            return self.secrets
        return self.guessed if entity == GUESSED else self.entities.get(entity, self.default)

    def strictness(self, entity: str) -> int:
        return _STRICTNESS.index(self.measure(entity))

    def rule(self, entity: str) -> str:
        """What the policy calls the rule for an entity type."""
        return "answers.secrets" if entity in (SECRET, GUESSED) else f"answers.pii.{entity}"

    def typed(self, span: Span) -> Span:
        """The span under the type by which it is treated."""
        if span.entity == SECRET and span.source in self.guessed_sources:
            return replace(span, entity=GUESSED)
        return span

    def acts_on(self, span: Span) -> bool:
        return self.measure(span.entity) != "allow" and span.score >= self.thresholds.get(span.entity, self.threshold)

    @property
    def may_change(self) -> bool:
        """Whether anything that is found changes or stops an answer."""
        measures = (self.default, self.secrets, self.guessed, *self.entities.values())
        return any(measure in _CHANGING for measure in measures)

    @property
    def words_flow(self) -> bool:
        """Whether nothing that changes or stops an answer is made of plain words."""
        return not any(self.measure(entity) in _CHANGING for entity in (*self.wordy, GUESSED))


class PersonalStage:
    """Masks, blocks or reports personal data and secrets in every text of an answer.

    `analysis_s`: seconds for one window. What the detector raises stops the exchange.
    """

    name = "pii"

    def __init__(self, detector: Detector, rules: AnswerRules, clock: Clock, analysis_s: float) -> None:
        self._detector = detector
        self._rules = rules
        self._clock = clock
        self._analysis_s = analysis_s
        self._words_flow = rules.words_flow

    def on_request(self, prompt: Prompt, exchange: Exchange) -> Prompt:
        read(prompt, exchange)
        return prompt

    def open(self, exchange: Exchange, channel: Channel) -> StreamFilter:
        if channel.field is Field.LOGPROBS:
            return Wordless() if self._rules.may_change else PassThrough()
        said = texts_of(exchange)

        def note(judged: Judged) -> None:
            stage = "secrets" if judged.kind in (SECRET, GUESSED) else "pii"
            exchange.found(stage, judged.kind, judged.action)

        editor = WindowedEditor(lambda text: self._judged(text, said), note, words_flow=self._words_flow)
        return filtered(editor, channel)

    def _judged(self, text: str, said: PromptTexts) -> list[Judged]:
        if _LETTER.search(text) is None:
            return []
        found = self._detector.detect([text], Deadline.after(self._clock, self._analysis_s))[0]
        rules = self._rules
        judged = list(self._new(text, found, said)) if found else []
        if rules.secrets != "allow":
            judged += [
                Judged(one.start, one.end, SECRET, rules.secrets, rules.rule(SECRET), one.ending, one.is_open)
                for one in openings(text)
            ]
        return sorted(judged, key=lambda one: (one.start, one.ending is None))

    def _new(self, text: str, found: Sequence[Span], said: PromptTexts) -> Iterator[Judged]:
        """What of the findings is not the prompt's own."""
        rules = self._rules
        new = [span for span in map(rules.typed, found) if rules.acts_on(span) and _is_new(text, span, said)]
        for span in merge(new, rules.strictness):
            for start, end in _beside_placeholders(span, text, said):
                yield Judged(start, end, span.entity, rules.measure(span.entity), rules.rule(span.entity))


def _is_new(text: str, span: Span, said: PromptTexts) -> bool:
    value = text[span.start : span.end]
    return not said.say(value) and not (span.entity == SECRET and is_documentation(value))


def _beside_placeholders(span: Span, text: str, said: PromptTexts) -> Iterator[tuple[int, int]]:
    """The parts of a span that are no placeholders: these have to be restored, so they stay whole."""
    at = span.start
    for start, end in (*_placeholders(span, text, said), (span.end, span.end)):
        if _LETTER.search(text, at, start):
            yield at, start
        at = max(at, end)


def _placeholders(span: Span, text: str, said: PromptTexts) -> Sequence[tuple[int, int]]:
    if said.placeholders is None:
        return ()
    matches = said.placeholders.finditer(text)
    return [match.span() for match in matches if match.start() < span.end and match.end() > span.start]
