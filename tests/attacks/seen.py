"""What the upstream would see of a request, without a server in between."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from gateway.edge.vocabulary import VOCABULARY
from gateway.pipeline.exchange import Deadline, Exchange
from gateway.pipeline.prompt import Prompt
from gateway.policy.load import load_policy
from gateway.policy.schema import Redact
from gateway.redact.detector import build_detector
from gateway.redact.stage import RedactStage
from tests.conftest import POLICY
from tests.support.stages import redact_stage

VALUES = {
    "email": "ada@example.org",
    "phone": "212-555-0187",
    "card": "4111111111111111",
    "spaced card": "4111 1111 1111 1111",
    "iban": "DE89370400440532013000",
    "ssn": "536-90-4399",
    "address": "203.0.113.77",
    "employee": "E-123456",
    "project": "Bluebird",
    "person": "Ada Lovelace",
    "apostrophe": "Conan O'Brien",
}


def stage(redact: Redact) -> RedactStage:
    detector = build_detector(redact)
    return redact_stage(redact, detector, detector.entities, b"k" * 32)


@lru_cache(maxsize=1)
def default_stage() -> RedactStage:
    return stage(load_policy(POLICY).policy.redact)


def exchange() -> Exchange:
    deadline = Deadline.after(time.monotonic, 30)
    return Exchange(id="x", tenant="acme", subject="s", model="llama", deadline=deadline)


def seen(body: Mapping[str, Any], by: RedactStage | None = None) -> dict[str, Any]:
    return dict((by or default_stage()).on_request(Prompt.of(body, VOCABULARY), exchange()).body)


def written(body: Mapping[str, Any], by: RedactStage | None = None) -> str:
    return json.dumps(seen(body, by), ensure_ascii=False)


def says(content: Any, **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}], **fields}


def calls(arguments: Any) -> dict[str, Any]:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    return {"messages": [{"role": "assistant", "content": None, "tool_calls": [call]}]}
