"""What a policy says of a finding: what is done with it, whether it counts at all, which of two decides."""

from __future__ import annotations

from collections.abc import Iterable

import regex

from gateway.pipeline.exchange import Deadline
from gateway.pipeline.span import Span
from gateway.policy.schema import Action, Allowed, EntityRule, Redact
from gateway.redact.placeholder import LITERAL
from gateway.redact.views.encodings import ENCODED

STRICTNESS = (
    Action.ALLOW,
    Action.SURROGATE,
    Action.PLACEHOLDER,
    Action.ENCRYPT,
    Action.HASH,
    Action.MASK,
    Action.REMOVE,
    Action.BLOCK,
)
"""From what hides least to what hides most: where findings overlap, the strictest action decides."""


class Rules:
    """A policy's rules by entity type, looked up once."""

    def __init__(self, policy: Redact, entities: Iterable[str]) -> None:
        self.names = frozenset({*entities, *policy.entities, ENCODED, LITERAL})
        """All types that may occur."""
        self._rules = {name: policy.rule(name) for name in self.names}
        self._rules[LITERAL] = EntityRule(action=Action.PLACEHOLDER, threshold=0.0)
        self._default = policy.rule("")
        self._strictness = {name: STRICTNESS.index(rule.action) for name, rule in self._rules.items()}
        self._exact = frozenset(value for value in policy.allow if isinstance(value, str))
        self._patterns = [
            regex.compile(allowed.pattern, regex.IGNORECASE) for allowed in policy.allow if isinstance(allowed, Allowed)
        ]

    def action(self, entity: str) -> Action:
        return self._of(entity).action

    def strictness(self, entity: str) -> int:
        known = self._strictness.get(entity)
        return STRICTNESS.index(self._default.action) if known is None else known

    def acts_on(self, text: str, span: Span, deadline: Deadline) -> bool:
        """Whether anything is done with a finding. Raises DeadlineExceeded, TimeoutError from a pattern."""
        rule = self._of(span.entity)
        if rule.action is Action.ALLOW or span.score < (rule.threshold or 0.0):
            return False
        return not self._is_allowed(text[span.start : span.end], deadline)

    def _is_allowed(self, value: str, deadline: Deadline) -> bool:
        if value in self._exact:
            return True
        return any(pattern.fullmatch(value, timeout=deadline.left()) for pattern in self._patterns)

    def _of(self, entity: str) -> EntityRule:
        return self._rules.get(entity, self._default)
