"""What the page asks of the gateway: who somebody is, what is found in a text, what a policy makes of it, counts."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from gateway.access.principal import Principal, Scope
from gateway.edge.account import Account
from gateway.edge.act import Act, Answer, Field, one_at_a_time
from gateway.edge.body import Receive, headers_of, parse_object, read_body
from gateway.edge.child import ChildFailed
from gateway.edge.connection import while_connected
from gateway.edge.page.sketch import sketch
from gateway.edge.service import Service
from gateway.edge.vocabulary import VOCABULARY
from gateway.errors import InvalidValue, RedactionUnavailable, TooLarge
from gateway.observe.hours import BOUNDS_MS, HourlyCounts
from gateway.pipeline.exchange import Deadline, Exchange
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.trace import inspected
from gateway.policy.schema import Action

_TEXT = Field("text", 128 << 10)
_TRIAL_BYTES = 256 << 10
_DEPTH = 4
_VEILS = {Action.HASH: "<{}#…>", Action.ENCRYPT: "<{}:enc:…>", Action.SURROGATE: "<{} stand-in>"}
_LIMIT_S = 30.0


class Trials(Protocol):
    """Runs `python -m gateway.trial`."""

    async def prepare(self) -> None:
        """Somebody will ask soon."""
        ...

    async def ask(self, line: str, limit_s: float) -> str:
        """Raises ChildFailed."""
        ...


class Session(Act):
    """GET /ui/session: what the token is good for on the page."""

    scope = Scope.UI
    path = "/ui/session"
    methods = ("GET",)

    def __init__(self, service: Service, trials: Trials) -> None:
        super().__init__(service)
        self._trials = trials

    async def answer(self, principal: Principal, scope: Mapping[str, Any], receive: Receive) -> Answer:
        policy = self._service.policies.of(principal).policy
        models = [name for name in policy.models if principal.may_use(name)]
        if may_try := principal.has(Scope.ADMIN_POLICY):
            await self._trials.prepare()
        return 200, {
            "object": "ui.session",
            "tenant": principal.tenant,
            "subject": principal.subject,
            "policy": policy.name,
            "models": models if principal.has(Scope.CHAT) else [],
            "may_ask": principal.has(Scope.CHAT),
            "may_try": may_try,
            "sees_all": principal.has(Scope.UI_ALL),
            "sketch": sketch(policy, models) if may_try else "",
        }


class Inspect(Act):
    """POST /ui/inspect: what is found in a text by the bearer's policy, and what a model would see of it.

    The body is `{"text": "…"}`. No model is asked.
    """

    scope = Scope.UI
    path = "/ui/inspect"
    methods = ("POST",)

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        # A page asks after each pause in typing: of the threads that read prompts it never takes more than one.
        self._one = asyncio.Lock()

    async def answer(self, principal: Principal, scope: Mapping[str, Any], receive: Receive) -> Answer:
        service, active = self._service, self._service.policies.of(principal)
        text = await self._sent_text(scope, receive, _TEXT)
        limits = active.policy.limits
        if len(text) > limits.prompt_chars:
            raise TooLarge(f"The text has more than {limits.prompt_chars} characters; send less.")
        exchange = Exchange(
            id="",
            tenant=principal.tenant,
            subject=principal.person,
            model="",
            deadline=Deadline.after(service.clock, limits.analysis),
        )
        # As a chat would have it, so that it is read in the same way.
        prompt = Prompt.of({"messages": [{"role": "user", "content": text}]}, VOCABULARY)
        account = Account(service)
        async with one_at_a_time(self._one, "Another text is being inspected"):
            await account.admit_reading(principal, active)
            try:
                told = await service.offload(lambda: inspected(active.chain, prompt, exchange))
            finally:
                account.close()
        pieces = [_veiled(piece) for piece in told["pieces"]]
        return 200, {"object": "ui.inspection", "policy": active.policy.name, **told, "pieces": pieces}


def _veiled(piece: Mapping[str, Any]) -> Mapping[str, Any]:
    """A piece without what is made with a key of the tenant: as many values as one likes could be tried, until one
    gives what was seen elsewhere. Who asks a model is told all, and is limited in how often."""
    veil = _VEILS.get(piece.get("action", ""))
    return piece if veil is None else {**piece, "becomes": veil.format(piece["entity"])}


class Try(Act):
    """POST /ui/try: what is wrong with a policy, or else what it would make of a text. It is never put in force.

    For whoever has the scopes ui and admin:policy. The body is `{"policy": "the YAML", "text": "…"}`.
    """

    scope = Scope.UI
    path = "/ui/try"
    methods = ("POST",)

    def __init__(self, service: Service, trials: Trials) -> None:
        super().__init__(service)
        self._trials = trials
        # It takes seconds of a core, and patterns can be written that take more: one at a time.
        self._one = asyncio.Lock()

    async def answer(self, principal: Principal, scope: Mapping[str, Any], receive: Receive) -> Answer:
        principal.require_scope(Scope.ADMIN_POLICY)
        raw = await read_body(receive, headers_of(scope), _TRIAL_BYTES, self._service.settings.body_timeout)
        body = parse_object(raw, _DEPTH)
        if set(body) != {"policy", "text"} or not all(isinstance(value, str) for value in body.values()):
            raise InvalidValue("The body is an object with the fields policy, the YAML of a policy, and text.")
        async with one_at_a_time(self._one, "Another policy is being tried"):
            told = await while_connected(receive, self._tried(json.dumps(body)))
        return 200, {"object": "ui.trial", "ok": not told["problems"], **told}

    async def _tried(self, asked: str) -> dict[str, Any]:
        try:
            told: dict[str, Any] = orjson.loads(await self._trials.ask(asked, _LIMIT_S))
        except (ChildFailed, orjson.JSONDecodeError):
            raise RedactionUnavailable(
                "This takes more time or memory than a trial may have: write the policy more simply, or try less text."
            ) from None
        return told


class Counts(Act):
    """GET /ui/counts: the last 24 hours of the bearer's tenant, or with the scope ui:all of all tenants together.

    As one worker has counted them; `worker` tells them apart, so that whoever asks often enough can add them up.
    """

    scope = Scope.UI
    path = "/ui/counts"
    methods = ("GET",)
    # The next connection may be taken by another worker.
    headers = ((b"connection", b"close"),)

    def __init__(self, service: Service, hours: HourlyCounts) -> None:
        super().__init__(service)
        self._hours = hours
        self._worker = secrets.token_hex(4)

    async def answer(self, principal: Principal, scope: Mapping[str, Any], receive: Receive) -> Answer:
        query = scope["query_string"]
        if query not in (b"", b"all"):
            raise InvalidValue("The query is empty, or all for all tenants together.")
        if query:
            principal.require_scope(Scope.UI_ALL)
        hours = self._hours.of_all() if query else self._hours.of(principal.tenant)
        return 200, {
            "object": "ui.counts",
            "worker": self._worker,
            "workers": self._service.settings.workers,
            "bounds_ms": BOUNDS_MS,
            "hours": hours,
        }
