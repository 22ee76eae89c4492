"""A policy in, the list of stages out. This list is the order in which a prompt is treated; answers go backwards."""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterator

from gateway.pipeline.ports import Clock, SealerOf
from gateway.pipeline.stage import Chain
from gateway.policy.load import PolicyError, PolicyFile
from gateway.policy.schema import Action, Policy
from gateway.redact.detector import build_detector
from gateway.redact.finder import Finder, memos
from gateway.redact.rules import Rules
from gateway.redact.stage import RedactStage
from gateway.redact.structure.detector import StructureDetector
from gateway.redact.views.encodings import ENCODED
from gateway.redact.windows import WindowedDetector

_INLINE_CHARS = 2000


def build_stages(
    loaded: PolicyFile, *, hash_key: bytes, sealer_of: SealerOf | None = None, clock: Clock = time.monotonic
) -> Chain:
    """The stages of a policy. Raises ConfigurationError if one of them cannot do what the policy asks."""
    if sealer_of is None and (problems := list(_without_keys(loaded))):
        raise PolicyError("\n".join(problems))
    rules, finder = build_finder(loaded, clock)
    return Chain([RedactStage(rules, finder, hash_key, sealer_of)])


def build_finder(loaded: PolicyFile, clock: Clock = time.monotonic) -> tuple[Rules, Finder]:
    """What finds all that a policy acts on, and its rules."""
    detector = checked_detector(loaded)
    redact = loaded.policy.redact
    rules = Rules(redact, detector.entities)
    return rules, Finder(detector, rules, memos(clock, redact.memo), block_encoded=redact.encoded == "block")


def inline_chars(policy: Policy) -> int:
    """Characters that the stages read in a few milliseconds, so that a thread would cost more than it saves."""
    return _INLINE_CHARS if policy.redact.nlp.engine in ("builtin", "patterns") else 0


def checked_detector(loaded: PolicyFile, *, whole: bool = False) -> WindowedDetector:
    """The detector of a policy, after checking that every entity type it names can exist.

    `whole`: one that also looks for what the policy allows.
    """
    presidio, structure = build_detector(loaded.policy.redact, whole=whole), StructureDetector()
    detector = WindowedDetector(presidio, structure, presidio.entities | structure.entities | {ENCODED})
    if problems := list(_unknown_entities(loaded, detector.entities)):
        raise PolicyError("\n".join(problems))
    return detector


def _without_keys(loaded: PolicyFile) -> Iterator[str]:
    """The lines of a policy that ask for a keyset where there is none."""
    what = "encrypt needs a keyset: `gateway key init keys.json`, then `gateway serve --keyset keys.json`"
    redact = loaded.policy.redact
    if redact.default is Action.ENCRYPT:
        yield loaded.problem(("redact", "default"), what)
    for name, rule in redact.entities.items():
        if rule.action is Action.ENCRYPT:
            yield loaded.problem(("redact", "entities", name), what)


def _unknown_entities(loaded: PolicyFile, known: frozenset[str]) -> Iterator[str]:
    for name in loaded.policy.redact.entities:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"known are: {', '.join(sorted(known))}"
            yield loaded.problem(("redact", "entities", name), f"no recognizer finds {name}; {hint}")
