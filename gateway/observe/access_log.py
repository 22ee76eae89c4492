"""One line in the log for each exchange, for who asks for it: how it went, in kinds and counts."""

from __future__ import annotations

import logging

from gateway.observe.events import ExchangeEvent

_LOG = logging.getLogger("gateway.access")
_MOST = 50


class AccessLog:
    """Whoever is in the audit log by a pseudonym is not in it at all."""

    def __init__(self) -> None:
        # It was asked for by a setting of its own, whatever else is logged.
        _LOG.setLevel(logging.INFO)

    def exchange_done(self, event: ExchangeEvent) -> None:
        steps: dict[str, float] = {}
        for step, began_s, ended_s in event.steps:
            steps[step] = round(steps.get(step, 0.0) + ended_s - began_s, 6)
        fields = {
            "endpoint": event.endpoint,
            "status": event.status,
            "code": event.code,
            "token": event.token_id,
            "tenant": event.tenant,
            "model": event.model,
            "streamed": event.streamed,
            "cache": event.cache,
            "seconds": round(event.seconds, 6),
            "steps": steps,
            "usage": dict(event.usage),
            "findings": [[one.stage, one.kind, one.action, one.count] for one in event.findings[:_MOST]],
            "rules": list(event.rules)[:_MOST],
            "finish_reasons": list(event.finish_reasons)[:_MOST],
        }
        if event.first_token_s is not None:
            fields["first_token_seconds"] = round(event.first_token_s, 6)
        _LOG.info("exchange", extra={"request_id": event.request_id, "exchange": fields})
