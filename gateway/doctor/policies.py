"""Policies: whether they can be put in force, what in them weakens privacy, and whether they do as they say."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.build import build_stages, checked_detector, files_of
from gateway.doctor.result import Result, bad, good, warn
from gateway.doctor.setup import Setup
from gateway.policy.cases import failures
from gateway.policy.load import PolicyFile, load_policy
from gateway.policy.schema import Action, Policy, Rates
from gateway.policy.tenants import load_tenants
from gateway.seal.keyring import Keyring
from gateway.settings import ConfigurationError
from gateway.trial import sees, trial

_HASH_KEY = bytes(32)
"""What is made with it here is thrown away."""


@dataclass(frozen=True, slots=True)
class Policies:
    """All that could be read, by name, the tenants that have one of their own, and what was wrong with the rest."""

    loaded: tuple[PolicyFile, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """A policy that was put together. `failing` and `missing` are places and files, never a text."""

    loaded: PolicyFile
    problem: str = ""
    failing: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def read(setup: Setup) -> Policies:
    """The policy for all and those of tenants; of these nothing if one is wrong."""
    settings = setup.settings
    try:
        first, tenants = load_tenants(settings.policy, settings.tenants)
        others = [loaded for loaded in tenants.policies.values() if loaded is not first]
        return Policies((first, *others))
    except ConfigurationError as error:
        problem = str(error)
    try:
        return Policies((load_policy(settings.policy),), problem)
    except ConfigurationError:
        return Policies((), problem)


def look(policies: Policies, keyring: Keyring | None, *, is_keyed: bool) -> list[Tried]:
    """Try each of them. `is_keyed`: there should be a keyset, whether or not one could be opened."""
    return [_tried(loaded, keyring, is_keyed) for loaded in policies.loaded]


def _tried(loaded: PolicyFile, keyring: Keyring | None, is_keyed: bool) -> Tried:
    missing = tuple(str(path) for path in files_of(loaded) if not os.access(path, os.R_OK))
    try:
        if keyring is None and is_keyed:
            checked_detector(loaded)
        else:
            build_stages(loaded, hash_key=_HASH_KEY, keyring=keyring)
        return Tried(loaded, "", tuple(_failing(loaded)), missing)
    except ConfigurationError as error:
        return Tried(loaded, str(error), (), missing)
    except Exception as error:  # an engine or a plugin of somebody else; what it says could quote anything
        return Tried(loaded, f"its engine or a plugin cannot be loaded ({type(error).__name__})", (), missing)


def _failing(loaded: PolicyFile) -> Iterator[str]:
    """Where the cases stand that do not hold. What they say may be personal data, so it is not told here."""
    if not loaded.policy.tests:
        return
    with trial(loaded) as chain:
        for index, _ in failures(loaded.policy, lambda text: sees(chain, loaded.policy, text)):
            yield loaded.problem(("tests", index), "").rstrip(": ")


def judge(policies: Policies, tried: Iterable[Tried], *, counts_together: bool) -> Iterator[Result]:
    """`counts_together`: the workers can count what is used of limits."""
    if policies.problem:
        yield bad("policies", policies.problem, "`gateway policy check FILE` says the same after each change")
    for one in tried:
        yield from _judged(one, counts_together)


def _judged(tried: Tried, counts_together: bool) -> Iterator[Result]:
    loaded, policy = tried.loaded, tried.loaded.policy
    where = f"policy {loaded.path}"
    wrong: list[Result] = []
    for name in tried.missing:
        wrong.append(
            bad(where, f"it names {name}, which is not there or cannot be read", "bring the file, or its line")
        )
    if tried.problem and not tried.missing:
        wrong.append(bad(where, tried.problem, f"`gateway policy check {loaded.path}`, and docs/policy.md"))
    if tried.failing:
        problem = f"test cases that do not hold: {', '.join(tried.failing)}"
        wrong.append(bad(where, problem, f"`gateway policy test {loaded.path}` says what the model sees"))
    if has_limits(policy) and not counts_together:
        remedy = "--store redis://…, or --workers 1"
        wrong.append(bad(where, "it has limits, which several workers cannot count with memory://", remedy))
    yield from wrong or [good(f"{where}: {len(policy.tests)} test cases hold")]
    for problem, remedy in weaknesses(policy):
        yield warn(where, problem, remedy)


def has_limits(policy: Policy) -> bool:
    """Whether the policy bounds what may be used."""
    limits = policy.limits
    rates = (limits.token, limits.subject, limits.tenant, *limits.tenants.values(), *limits.model.values())
    return any(rate != Rates() for rate in rates)


def weaknesses(policy: Policy) -> Iterator[tuple[str, str]]:
    """What a policy does on purpose, one hopes, and what would be stronger."""
    for setting in policy.weakenings():
        yield f"{setting} lets a field through that opens a hole", "remove it if no client needs it"
    redact, answers = policy.redact, policy.answers
    if redact.default is Action.ALLOW:
        named = [rule for rule in redact.entities.values() if rule.action is not Action.ALLOW]
        what = "what is not named under redact.entities is sent as it is" if named else "nothing at all is hidden"
        yield f"redact.default: allow, so {what}", "leave `default` at placeholder, and allow single types"
    personal = {answers.pii.default, *answers.pii.entities.values()}
    secrets = {answers.secrets.formats, answers.secrets.guessed}
    if personal | secrets == {"allow"} and answers.system_prompt == "allow":
        yield (
            "answers: personal data, secrets and the system prompt may all leave",
            "leave out these lines: docs/answers.md",
        )
    if policy.cache.scope == "tenant" and policy.cache.when != "never":
        yield "cache.scope: tenant, so people of a tenant can tell what others asked", "scope: subject"
    if policy.limits.when_store_fails == "local":
        yield "limits.when_store_fails: local, so limits are not exact while Redis is away", "closed, if they must hold"
