"""A redaction stage around any detector."""

from __future__ import annotations

import time
from collections.abc import Iterable

from gateway.pipeline.ports import Detector
from gateway.policy.schema import Redact
from gateway.redact.finder import Finder, memos
from gateway.redact.rules import Rules
from gateway.redact.stage import RedactStage


def redact_stage(
    policy: Redact, detector: Detector, entities: Iterable[str] = (), key: bytes = b"k" * 32
) -> RedactStage:
    rules = Rules(policy, entities)
    finder = Finder(detector, rules, memos(time.monotonic, policy.memo), block_encoded=policy.encoded == "block")
    return RedactStage(rules, finder, key)
