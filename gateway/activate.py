"""Policies put in force: what app.py composes once for each of them, and again when one of its files changes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from gateway.build import beside, build_stages, files_of, inline_chars, limit_rules
from gateway.cache.upstream import CachedUpstream
from gateway.edge.policies import PolicySet, Reading
from gateway.edge.service import ActivePolicy
from gateway.observe.measured import MeasuredUpstream, UpstreamMeter
from gateway.pipeline.ports import Upstream
from gateway.policy.load import PolicyFile
from gateway.policy.schema import Policy, Rates
from gateway.policy.tenants import load_tenants
from gateway.seal.keyring import Keyring
from gateway.settings import ConfigurationError, Settings, read_text
from gateway.store.port import Store
from gateway.upstream.client import Target, VllmClient
from gateway.upstream.queue import FairQueue, QueuedUpstream


def _named_targets(loaded: PolicyFile) -> dict[str, Target]:
    """Where the upstreams are that a policy names. Raises ConfigurationError."""
    return {
        name: Target(
            at.url,
            read_key(None if at.key_file is None else beside(loaded, at.key_file)),
            None if at.ca_file is None else beside(loaded, at.ca_file),
        )
        for name, at in loaded.policy.upstreams.items()
    }


class PolicyBuilder:
    """Makes of policies what serves by them."""

    def __init__(
        self,
        settings: Settings,
        keyring: Keyring,
        store: Store,
        upstream: VllmClient,
        report: Callable[[str], None],
        meter: UpstreamMeter,
    ) -> None:
        self._settings = settings
        self._keyring = keyring
        self._store = store
        self._upstream = upstream
        self._report = report
        self._default = Target(settings.upstream, read_key(settings.upstream_key_file), settings.upstream_ca)
        self._meter = meter
        self.queue: FairQueue | None = None
        """In front of the models, if there are so many places only."""
        if settings.places:
            self.queue = FairQueue(settings.places, settings.queue, settings.queue_timeout, meter)
        # One for as long as the gateway serves, so that equal values of a tenant have equal hashes under all policies.
        self._hash_key = keyring.secret("redact hash")
        self._made_of: dict[str, object] = {}
        """By name: the digest of a policy that is in force, and the stamps of the files that it names."""

    def build(self, before: PolicySet | None, reading: Reading) -> PolicySet:
        """All policies, read anew; those that are as before are taken from there. Raises ConfigurationError."""
        first, tenants = load_tenants(self._settings.policy, self._settings.tenants, reading.note)
        active: dict[str, ActivePolicy] = {}
        made_of: dict[str, object] = {}
        for name, loaded in tenants.policies.items():
            files = files_of(loaded)
            for path in files:
                reading.note(path)
            made_of[name] = loaded.digest, [reading.stamps[path] for path in files]
            same = before is not None and self._made_of.get(name) == made_of[name]
            active[name] = before.by_name[name] if before is not None and same else self._activated(loaded)
        self._made_of = made_of
        return PolicySet(active[first.policy.name], active, tenants.by_tenant)

    def _activated(self, loaded: PolicyFile) -> ActivePolicy:
        settings, keyring, policy = self._settings, self._keyring, loaded.policy
        _check_limits(settings, policy)
        targets = {"default": self._default, **_named_targets(loaded)}
        client: Upstream = MeasuredUpstream(self._upstream.with_targets(targets), self._meter)
        chain = build_stages(
            loaded,
            hash_key=self._hash_key,
            # What is sealed with keys that end with the server could be opened by nobody afterwards.
            keyring=keyring if settings.keyset else None,
        )
        for weakening in policy.weakenings():
            extra = {"setting": weakening, "policy": policy.name}
            logging.getLogger("gateway").warning("the policy weakens privacy", extra=extra)
        return ActivePolicy(
            policy=policy,
            digest=loaded.digest,
            chain=chain,
            answers=CachedUpstream(
                client if self.queue is None else QueuedUpstream(client, self.queue),
                self._store,
                keyring,
                policy.cache,
                # What `default` means is said by the settings, not by the policy.
                f"{loaded.digest} {settings.upstream}",
                wall_clock=time.time,
                report=self._report,
            ),
            limit_rules=limit_rules(policy),
            targets=targets,
            served={name: f"{targets[route.upstream].url} {route.id}" for name, route in policy.models.items()},
            inline_chars=inline_chars(policy),
        )


def counts_together(settings: Settings) -> bool:
    """What one of several workers keeps in its own memory the others do not know."""
    return settings.workers == 1 or not settings.store.startswith("memory:")


def _check_limits(settings: Settings, policy: Policy) -> None:
    """Raises ConfigurationError if the policy limits what the workers cannot count together."""
    limits = policy.limits
    rates = (limits.token, limits.subject, limits.tenant, *limits.tenants.values(), *limits.model.values())
    if not counts_together(settings) and any(rate != Rates() for rate in rates):
        raise ConfigurationError(
            "setting store: limits of several workers need a store that they share; "
            "write --store redis://… or --workers 1"
        )


def read_key(path: Path | None) -> str | None:
    """What is sent to an upstream as a bearer token; None for none. Raises ConfigurationError."""
    if path is None:
        return None
    return read_text(path, "the key of an upstream", 1).strip()
