"""All checks in their order. One that fails, hangs or breaks is a line of the report, and the others go on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from gateway.activate import counts_together
from gateway.doctor import audit, clock, keys, oidc, policies, ports, process, settings, store, tls, tokens, upstreams
from gateway.doctor.result import Result, bad, shown
from gateway.doctor.setup import Setup

_SHORT_S, _NETWORK_S = 5.0, 20.0
_KEYS_S = 35.0  # the command of a master key may take 30
_POLICY_S = 90.0  # a first start compiles for 20, and a large engine is loaded from the disk

Facts = TypeVar("Facts")


def examine(setup: Setup, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> list[Result]:
    """What there is to say of a setup. It takes a few seconds, and at most some minutes if everything hangs."""
    report = _Report()
    settings_of, together = setup.settings, counts_together(setup.settings)
    is_open = report.looked("settings", _SHORT_S, partial(settings.is_readable_by_others, setup))
    report.say("settings", settings.judge(setup, bool(is_open)))
    read = report.looked("policies", _NETWORK_S, partial(policies.read, setup)) or policies.Policies()
    ring = report.looked("keyset", _KEYS_S, partial(keys.look, setup))
    keyring, is_keyed = None if ring is None else ring.keyring, settings_of.keyset is not None
    tried = report.looked("policies", _POLICY_S, partial(policies.look, read, keyring, is_keyed=is_keyed))
    report.say("policies", policies.judge(read, tried or [], counts_together=together))
    names = {loaded.policy.name for loaded in read.loaded}
    minted = report.looked("tokens", _SHORT_S, partial(tokens.look, settings_of.tokens))
    if minted is not None:
        has_oidc = settings_of.oidc is not None
        report.say("tokens", tokens.judge(minted, now(), names, counts_together=together, has_oidc=has_oidc))
    if ring is not None:
        is_needed = settings_of.audit != "none" or settings_of.store.startswith(("redis:", "rediss:"))
        report.say("keys", keys.judge(ring, now(), is_needed=is_needed))
    ahead = dict(_network(report, setup, read, minted))
    report.say("clock", clock.judge(now(), ahead))
    secured = report.looked("tls", _SHORT_S, partial(tls.look, settings_of))
    if secured is not None:
        report.say("tls", tls.judge(secured, settings_of, now()))
    _machine(report, setup)
    return [shown(result, setup.secrets) for result in report.results]


def _network(
    report: _Report, setup: Setup, read: policies.Policies, minted: tokens.Tokens | None
) -> Iterator[tuple[str, float]]:
    """Store, upstreams and issuers; how far the clocks of those that answered are before ours."""
    kept = report.looked("store", _NETWORK_S, partial(store.look, setup))
    if kept is not None:
        report.say("store", store.judge(kept, setup, holds_what_must_stay=_must_stay(read, minted)))
        if kept.probe is not None and kept.probe.trouble is None:
            yield "Redis", kept.probe.ahead_s
    for upstream in upstreams.upstreams_of(setup, read.loaded):
        name = f"upstream {', '.join(upstream.names)}"
        looked = report.looked(name, _NETWORK_S, partial(upstreams.look, setup, upstream))
        if looked is not None:
            report.say(name, upstreams.judge([looked]))
            if looked.seen is not None and looked.seen.ahead_s is not None:
                yield name, looked.seen.ahead_s
    if (path := setup.settings.oidc) is not None:
        issuers = report.looked("oidc", _NETWORK_S, partial(oidc.look, path))
        if issuers is not None:
            report.say("oidc", oidc.judge(issuers, path))


def _must_stay(read: policies.Policies, minted: tokens.Tokens | None) -> bool:
    """Whether limits are counted, or administrators may mint tokens, which then are in the store alone."""
    records = list(minted.records.values()) if minted is not None else []
    of_tokens = any(record.limits is not None or "admin:tokens" in record.scopes for record in records)
    return of_tokens or any(policies.has_limits(loaded.policy) for loaded in read.loaded)


def _machine(report: _Report, setup: Setup) -> None:
    of_log = report.looked("audit", _SHORT_S, partial(audit.look, setup.settings))
    if of_log is not None:
        report.say("audit", audit.judge(of_log, setup.settings))
    listened = report.looked("ports", _SHORT_S, partial(ports.look, setup.settings))
    if listened is not None:
        report.say("ports", ports.judge(listened))
    machine = report.looked("process", _SHORT_S, process.look)
    if machine is not None:
        report.say("process", process.judge(machine, setup.settings))


@dataclass
class _Report:
    """What was found so far."""

    results: list[Result] = field(default_factory=list)

    def say(self, what: str, results: Iterable[Result]) -> None:
        """What a judge says, as far as it comes."""
        try:
            self.results.extend(results)
        except Exception as error:  # what it says could quote anything
            self.results.append(_broken(what, error))

    def looked(self, what: str, limit_s: float, look: Callable[[], Facts]) -> Facts | None:
        """What a look gave, or None and a line that says why there is nothing.

        It runs in a thread that nobody waits for longer than that: what hangs in the system cannot be broken off.
        """
        given: list[Facts] = []
        broken: list[Result] = []

        def run() -> None:
            try:
                given.append(look())
            except Exception as error:  # what it says could quote anything
                broken.append(_broken(what, error))

        thread = threading.Thread(target=run, daemon=True, name=f"doctor {what}")
        thread.start()
        thread.join(limit_s)
        if given:
            return given[0]
        late = bad(what, f"it took longer than {limit_s:g} s", "look for what hangs: a disk, a network, a command")
        self.results += broken or [late]
        return None


def _broken(what: str, error: Exception) -> Result:
    problem = f"it could not be looked at ({type(error).__name__})"
    return bad(what, problem, "this is a fault of the check: report it, with the settings but without secrets")
