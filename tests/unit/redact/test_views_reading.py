"""What the real detector finds in a text with all its views, and what the model would see of it."""

from __future__ import annotations

import time
from functools import lru_cache

from gateway.pipeline.exchange import Deadline
from gateway.pipeline.prompt import Segment
from gateway.policy.schema import Redact
from gateway.redact.detector import PresidioDetector, build_detector
from gateway.redact.views.views import Views

POLICY = Redact.model_validate(
    {"nlp": {"engine": "patterns"}, "threshold": 0.4, "entities": {"URL": "allow", "DATE_TIME": "allow"}}
)


@lru_cache(maxsize=1)
def detector() -> PresidioDetector:
    return build_detector(POLICY)


def found(text: str) -> list[tuple[str, str, str]]:
    """Type, piece of the text and source of each finding above the threshold."""
    views = Views([Segment(("x",), text)])
    detected = detector().detect(views.texts, Deadline.after(time.monotonic, 60))
    kept = [[s for s in spans if s.score >= 0.4 and s.entity not in ("URL", "DATE_TIME")] for spans in detected]
    return sorted({(s.entity, text[s.start : s.end], s.source) for s in views.back(kept)[0]})


def values(text: str, entity: str) -> set[str]:
    return {value for kind, value, _ in found(text) if kind == entity}
