"""GET /admin/audit: what the audit log says of the tenant of the token. Counts by kind, as `gateway audit report`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from gateway.access.principal import Principal, Scope
from gateway.edge.act import Act, Answer, one_at_a_time
from gateway.edge.body import Receive
from gateway.edge.service import Service
from gateway.errors import InvalidValue, NotFound, Unavailable

Report = Callable[[str], dict[str, Any]]
"""From a tenant to what there is to tell. Reads the log, so it takes a while. Raises OSError."""


class AuditReport(Act):
    """`report` is None where no log is written that could be read."""

    scope = Scope.AUDIT_READ
    path = "/admin/audit"
    methods = ("GET",)

    def __init__(self, service: Service, report: Report | None) -> None:
        super().__init__(service)
        self._report = report
        # It takes up to a second of a core.
        self._one = asyncio.Lock()

    async def answer(self, principal: Principal, scope: Mapping[str, Any], receive: Receive) -> Answer:
        report = self._report
        if scope["query_string"]:
            raise InvalidValue("This URL has no query.")
        if report is None:
            raise NotFound("This gateway writes no audit log into a file; its operator can say --audit FILE.")
        async with one_at_a_time(self._one, "Somebody else is reading the audit log"):
            try:
                # Not by the threads that read prompts.
                told = await asyncio.to_thread(report, principal.tenant)
            except OSError:
                raise Unavailable("The audit log cannot be read now; see the log of the gateway.") from None
        return 200, {"object": "audit.report", "tenant": principal.tenant, **told}
