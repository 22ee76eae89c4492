"""The audit log: one JSON line per exchange, with kinds and counts and never content."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

import orjson

from gateway.observe.events import ExchangeEvent
from gateway.settings import ConfigurationError


class AuditLog:
    """Appends to a file (`-`: standard output). Lines are written whole, so that workers can share the file."""

    def __init__(self, target: str) -> None:
        if target == "-":
            self._file = sys.stdout.fileno()
            return
        try:
            self._file = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigurationError(f"setting audit: {target} cannot be written ({error.strerror})") from None

    def exchange_done(self, event: ExchangeEvent) -> None:
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "event": "exchange",
            "request_id": event.request_id,
            "endpoint": event.endpoint,
            "status": event.status,
            "code": event.code,
            "token": event.token_id,
            "tenant": event.tenant,
            "model": event.model,
            "policy": event.policy_digest,
            "findings": [
                {"stage": f.stage, "kind": f.kind, "action": f.action, "count": f.count} for f in event.findings
            ],
            "usage": event.usage,
            "streamed": event.streamed,
            "cache": event.cache,
            "seconds": round(event.seconds, 6),
        }
        os.write(self._file, orjson.dumps(line) + b"\n")
