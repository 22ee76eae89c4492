"""The policy of a bearer as somebody may begin to edit it on the page: what can be seen by trying, and nothing else.

Its own patterns, lists of words, hosts, files, upstreams and limits are left out: they may be of other tenants.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.policy.schema import EntityRule, Policy
from gateway.settings import write_yaml

_OWN_ENGINES = ("builtin", "patterns")
_HEAD = """\
# The policy in force for you, as a sketch. Left out: its own
# recognizers, lists, plugins, hosts, upstreams and limits.
# Nothing that you write here is kept or put in force.
"""


def sketch(policy: Policy, models: Iterable[str]) -> str:
    """YAML of a valid policy. `models`: those that the bearer may use."""
    redact, answers = policy.redact, policy.answers
    own = {one.entity for one in redact.recognizers} | {one.entity for one in redact.deny}
    # Nobody can tell here which types a plugin finds.
    entities = {} if redact.plugins else redact.entities
    document: dict[str, Any] = {
        "version": 1,
        "name": policy.name,
        "models": {name: {"id": name} for name in models} or {"llama": {"id": "llama"}},
        "redact": {
            "languages": list(redact.languages),
            "nlp": {"engine": redact.nlp.engine if redact.nlp.engine in _OWN_ENGINES else "builtin"},
            "threshold": redact.threshold,
            "default": redact.default.value,
            "entities": {name: _rule(rule) for name, rule in entities.items() if name not in own},
        },
        "answers": {
            "system_prompt": answers.system_prompt,
            "pii": {"default": answers.pii.default},
            "secrets": answers.secrets.formats,
            "links": {"action": answers.links.action},
        },
    }
    return _HEAD + write_yaml(document)


def _rule(rule: EntityRule) -> Any:
    if rule.threshold is None:
        return rule.action.value
    return {"action": rule.action.value, "threshold": rule.threshold}
