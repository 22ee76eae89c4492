"""What is served beside the API of models: what administrators may do, and the page."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from gateway.access.desk import TokenDesk
from gateway.edge.admin import CacheAdmin
from gateway.edge.audit_admin import AuditReport
from gateway.edge.page.acts import Counts, Inspect, Session, Try
from gateway.edge.page.asking import Asking
from gateway.edge.page.files import page_files
from gateway.edge.policy_admin import PolicyCheck
from gateway.edge.reveal import Reveal
from gateway.edge.routes import Endpoint
from gateway.edge.service import Service
from gateway.edge.standby import Standby
from gateway.edge.token_admin import OneToken, Rotation, Tokens
from gateway.evaluate.audit_totals import of_tenant
from gateway.observe.audit_reading import last_events
from gateway.observe.hours import HourlyCounts
from gateway.redact.actions import revealed
from gateway.seal.keyring import Keyring

_AUDIT_BYTES = 64 * 2**20
_STANDBY_S = 300.0
_TRIAL_BYTES = 8 * 2**20


def acts(service: Service, desk: TokenDesk, keyring: Keyring) -> Iterator[Endpoint]:
    """What administrators may do."""
    settings = service.settings
    yield CacheAdmin(service)
    yield PolicyCheck(service, (sys.executable, "-m", "gateway", "policy", "check", "--sent"))
    yield AuditReport(service, None if settings.audit in ("none", "-") else partial(_audited, Path(settings.audit)))
    # What is sealed with keys that end with the server could be opened by nobody afterwards.
    yield Reveal(service, partial(_revealed, keyring) if settings.keyset else None)
    if service.counts_together:
        yield Tokens(service, desk)
        yield OneToken(service, desk)
        yield Rotation(service, desk)


def page(service: Service, hours: HourlyCounts | None) -> Iterator[Endpoint]:
    """The page /ui, if there is one."""
    if hours is not None:
        yield from page_files()
        trials = Standby((sys.executable, "-m", "gateway.trial"), idle_s=_STANDBY_S, most_bytes=_TRIAL_BYTES)
        yield Session(service, trials)
        yield Inspect(service)
        yield Asking(service)
        yield Try(service, trials)
        yield Counts(service, hours)


def _audited(path: Path, tenant: str) -> dict[str, Any]:
    return of_tenant(tenant, last_events(path, _AUDIT_BYTES))


def _revealed(keyring: Keyring, tenant: str, text: str) -> tuple[str, int]:
    return revealed(text, partial(keyring.opened, tenant))
