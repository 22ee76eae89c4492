"""Holds requests to their limits: takes what a request will use before it begins, and puts it right when it is over.

One call to the store before the request: what a token, a person and their tenant may use is kept together, under the
tenant. A model's limit is for all tenants and needs a call of its own. What is put right afterwards is sent by a task
of the limiter, with what else there is at the time, so that no request waits for it and none that is cancelled can
break it off.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from weakref import WeakSet

from gateway.access.limits import Gauge, LimitRules, Limits, limit_headers
from gateway.errors import Bearer, BudgetExceeded, Header, LimitReached, NotReady, RateLimited
from gateway.store.port import (
    NEVER,
    Budget,
    Calendar,
    Correction,
    Demand,
    Grant,
    Lease,
    LimitStore,
    Rate,
    StoreUnavailable,
    Trouble,
)

MINUTE_MS = 60_000
LEASE_S = 60.0
"""How long a request that nobody hears of any more counts as one of those under way."""
_RENEWALS = 3
_BATCH = 100
_LEASE_WAIT_S = 1
"""When to try again if too many requests are under way: nobody knows when one ends."""

NameOf = Callable[[str, str], str]
"""From what (token, subject, tenant, model) and its name to one that tells nothing: letters and digits, 64 at most."""
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A demand, and what it is for."""

    demand: Demand
    of: str
    """token, subject, tenant or model."""
    what: str
    """As people say it."""
    tokens: bool


@dataclass(frozen=True, slots=True)
class _Part:
    """What is asked of one owner, and what was granted."""

    owner: str
    asked: tuple[_Asked, ...]
    grants: tuple[Grant, ...] = ()

    @property
    def demands(self) -> tuple[Demand, ...]:
        return tuple(asked.demand for asked in self.asked)

    @property
    def leases(self) -> list[Lease]:
        return [demand for demand in self.demands if isinstance(demand, Lease)]


@dataclass(slots=True, eq=False, weakref_slot=True)
class Admission:
    """A request that may begin. Hand it back to `Limiter.settle` when the request is over, however it ended.

    The leases of one that is lost without that are renewed no more, and end by themselves.
    """

    headers: tuple[Header, ...] = ()
    tokens: int = 0
    """What was taken for it."""
    parts: tuple[_Part, ...] = ()
    store: LimitStore | None = None
    settled: bool = False


@dataclass(slots=True)
class _Batch:
    corrections: list[Correction] = field(default_factory=list)
    sent: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Limiter:
    """`fallback` takes the store's place while that fails, in this process alone; without one, nothing is admitted.

    `report` is told, by kind, of what failed: limits_local, limits_closed, limits_unsettled, limits_unrenewed.
    """

    def __init__(
        self,
        store: LimitStore,
        name_of: NameOf,
        report: Report,
        fallback: LimitStore | None = None,
        lease_s: float = LEASE_S,
    ) -> None:
        self._store = store
        self._name_of = name_of
        self._report = report
        self._fallback = fallback
        self._lease_ms = int(lease_s * 1000)
        # Only to tell them from those of other processes: asking the system for chance takes longer than all the rest.
        self._lease_prefix = secrets.token_hex(8)
        self._lease_number = itertools.count()
        self._pending: dict[tuple[LimitStore, str], _Batch] = {}
        self._held: WeakSet[Admission] = WeakSet()
        self._sender: asyncio.Task[None] | None = None
        self._renewer: asyncio.Task[None] | None = None

    async def admit(
        self,
        bearer: Bearer,
        model: str,
        rules: LimitRules,
        tokens: int,
        own: Limits | None = None,
        *,
        local: bool = True,
    ) -> Admission:
        """Take one request and an estimate of its tokens. `own`: limits of this very token, instead of the rules'.
        `local`: whether the fallback will do.

        Raises RateLimited, BudgetExceeded, and NotReady if the store fails and nothing stands in for it.
        """
        parts = self._parts(bearer, model, rules, tokens, own)
        if not parts:
            return Admission()
        try:
            return await self._admitted(self._store, parts, tokens)
        except StoreUnavailable as error:
            if self._fallback is None or not local:
                self._report("limits_closed")
                raise _closed() from error
        self._report("limits_local")
        try:
            return await self._admitted(self._fallback, parts, tokens)
        except StoreUnavailable as error:
            self._report("limits_closed")
            raise _closed() from error

    def settle(self, admission: Admission, tokens: int | None) -> Awaitable[None]:
        """The request is over and used so many tokens; None: nobody knows, so that what was taken stays taken.

        It is done even if nobody awaits it, and to its end even if who awaits it is cancelled. Await it where the next
        request must not come first. The second time it does nothing.
        """
        if admission.settled or admission.store is None:
            return _nothing()
        admission.settled = True
        self._held.discard(admission)
        difference = 0 if tokens is None else tokens - admission.tokens
        return self._correct(admission.store, admission.parts, difference, requests=False)

    async def close(self) -> None:
        """Send what is still to be sent, and renew no leases any more."""
        if self._renewer is not None:
            self._renewer.cancel()
        while self._sender is not None and not self._sender.done():
            await asyncio.wait([self._sender])

    def _parts(
        self, bearer: Bearer, model: str, rules: LimitRules, tokens: int, own: Limits | None
    ) -> tuple[_Part, ...]:
        """What is asked of whom. Of what is not limited nothing is asked."""
        tenant, subject = bearer.tenant, bearer.subject
        of_token = own.instead_of(rules.token) if own is not None else rules.token
        lease = f"{self._lease_prefix}-{next(self._lease_number)}"
        parts = []
        asked: list[_Asked] = []
        if rules.tenant.any or rules.subject.any or of_token.any:
            name_of = self._name_of
            if of_token.any:
                asked += self._asked("token", name_of("token", bearer.token_id), of_token, tokens, lease)
            if rules.subject.any:
                # Without a name each token is a person of its own. The tenant has no blank in it.
                person = f"{tenant} subject {subject}" if subject else f"{tenant} token {bearer.token_id}"
                asked += self._asked("subject", name_of("subject", person), rules.subject, tokens, lease)
            if rules.tenant.any:
                asked += self._asked("tenant", "all", rules.tenant, tokens, lease)
            parts.append(_Part(name_of("tenant", tenant), tuple(asked)))
        if rules.model.any:
            of_model = self._asked("model", "all", rules.model, tokens, lease)
            parts.append(_Part(self._name_of("model", model), tuple(of_model)))
        return tuple(parts)

    def _asked(self, of: str, name: str, limits: Limits, tokens: int, lease: str) -> list[_Asked]:
        asked: list[_Asked] = []
        base = f"{of}-{name}"
        if (most := limits.requests_per_minute) is not None:
            asked.append(_Asked(Rate(f"{base}-requests", 1, most, MINUTE_MS), of, "requests a minute", False))
        if (most := limits.tokens_per_minute) is not None:
            asked.append(_Asked(Rate(f"{base}-tokens", tokens, most, MINUTE_MS), of, "tokens a minute", True))
        if (most := limits.concurrent) is not None:
            asked.append(_Asked(Lease(f"{base}-leases", lease, most, self._lease_ms), of, "requests at a time", False))
        if (most := limits.tokens_per_day) is not None:
            asked.append(_Asked(Budget(f"{base}-day", tokens, most, Calendar.DAY), of, "tokens a day", True))
        if (most := limits.tokens_per_month) is not None:
            asked.append(_Asked(Budget(f"{base}-month", tokens, most, Calendar.MONTH), of, "tokens a month", True))
        return asked

    async def _admitted(self, store: LimitStore, parts: Sequence[_Part], tokens: int) -> Admission:
        """Take from one owner after the other. If that comes to nothing, what was taken before is given back."""
        done: list[_Part] = []
        try:
            for part in parts:
                try:
                    taken = await store.take(part.owner, part.demands)
                except (asyncio.CancelledError, StoreUnavailable) as error:
                    # It may have been done. No place is kept for it; of the rest, what was taken stays taken.
                    if not (isinstance(error, StoreUnavailable) and error.trouble is Trouble.SUSPENDED):
                        self._correct(store, [part], 0, requests=False)
                    raise
                done.append(_Part(part.owner, part.asked, taken.grants))
                if not taken.granted:
                    raise _refusal(done)
        except BaseException as error:
            finished = done[:-1] if isinstance(error, LimitReached) else done
            self._correct(store, finished, -tokens, requests=True)
            raise
        admission = Admission(tuple(_headers(done)), tokens, tuple(done), store)
        if any(part.leases for part in done):
            self._hold(admission)
        return admission

    def _correct(self, store: LimitStore, parts: Sequence[_Part], tokens: int, *, requests: bool) -> Awaitable[None]:
        """Add so many tokens to what was taken, end the leases and, if `requests`, take the requests back."""
        sent: list[asyncio.Future[None]] = []
        for part in parts:
            corrections = _corrections(part, tokens, requests=requests)
            if not corrections or store.settle_now(part.owner, corrections):
                continue
            batch = self._pending.setdefault((store, part.owner), _Batch())
            batch.corrections += corrections
            sent.append(batch.sent)
        if not sent:
            return _nothing()
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send(), context=Context())
        # A shield, since whoever is cancelled while it awaits a future cancels that.
        return asyncio.shield(sent[0]) if len(sent) == 1 else asyncio.shield(_all(sent))

    async def _send(self) -> None:
        """Send what there is, until there is nothing."""
        while self._pending:
            place = next(iter(self._pending))
            batch = self._pending.pop(place)
            store, owner = place
            try:
                for start in range(0, len(batch.corrections), _BATCH):
                    await store.settle(owner, batch.corrections[start : start + _BATCH])
            except StoreUnavailable:
                # Leases end by themselves, and what was taken stays taken.
                self._report("limits_unsettled")
            finally:
                batch.sent.set_result(None)

    def _hold(self, admission: Admission) -> None:
        self._held.add(admission)
        if self._renewer is None or self._renewer.done():
            self._renewer = asyncio.create_task(self._renew(), context=Context())

    async def _renew(self) -> None:
        """Renew the leases of all requests under way, until there are none."""
        while self._held:
            await asyncio.sleep(self._lease_ms / 1000 / _RENEWALS)
            for (store, owner), held in self._leases().items():
                for start in range(0, len(held), _BATCH):
                    batch = held[start : start + _BATCH]
                    try:
                        renewed = await store.renew(owner, [lease for _, lease in batch])
                    except StoreUnavailable:
                        renewed = [False] * len(batch)
                    # One that was settled in the meantime has none any more.
                    if not all(done or admission.settled for done, (admission, _) in zip(renewed, batch, strict=True)):
                        self._report("limits_unrenewed")

    def _leases(self) -> Mapping[tuple[LimitStore, str], list[tuple[Admission, Lease]]]:
        leases: dict[tuple[LimitStore, str], list[tuple[Admission, Lease]]] = {}
        for admission in self._held:
            for part in admission.parts:
                if admission.store is not None and part.leases:
                    held = leases.setdefault((admission.store, part.owner), [])
                    held += [(admission, lease) for lease in part.leases]
        return leases


def _corrections(part: _Part, tokens: int, *, requests: bool) -> list[Correction]:
    corrections = []
    windows = [grant.window for grant in part.grants] or [0] * len(part.asked)
    for asked, window in zip(part.asked, windows, strict=True):
        demand = asked.demand
        if isinstance(demand, Lease):
            corrections.append(Correction(demand))
        elif asked.tokens and tokens:
            corrections.append(Correction(demand, tokens, window))
        elif requests and not asked.tokens:
            corrections.append(Correction(demand, -1))
    return corrections


def _headers(parts: Sequence[_Part]) -> list[Header]:
    requests: list[Gauge] = []
    tokens: list[Gauge] = []
    for part in parts:
        for asked, grant in zip(part.asked, part.grants, strict=True):
            demand = asked.demand
            if not isinstance(demand, Lease):
                gauge = Gauge(demand.limit, grant.remaining, grant.reset_ms)
                (tokens if asked.tokens else requests).append(gauge)
    return limit_headers("requests", requests) + limit_headers("tokens", tokens)


def _refusal(parts: Sequence[_Part]) -> LimitReached:
    """The refusal that lasts longest, for trying again before that is of no use."""
    last = parts[-1]
    refused = [(asked, grant) for asked, grant in zip(last.asked, last.grants, strict=True) if grant.wait_ms]
    asked, grant = max(refused, key=lambda pair: float("inf") if pair[1].wait_ms == NEVER else pair[1].wait_ms)
    demand = asked.demand
    kind = BudgetExceeded if isinstance(demand, Budget) else RateLimited
    reached = f"The limit of {demand.limit} {asked.what} of this {asked.of}"
    if grant.wait_ms == NEVER:
        message = f"{reached} is less than this request may use; send less, or lower max_completion_tokens."
        return kind(message, retry_after_s=None, headers=_headers(parts), limit=(asked.of, asked.what))
    retry_s = -(-grant.wait_ms // 1000)
    if isinstance(demand, Lease):
        retry_s = min(retry_s, _LEASE_WAIT_S)
    message = f"{reached} is reached; try again in {retry_s} s."
    return kind(message, retry_after_s=max(1, retry_s), headers=_headers(parts), limit=(asked.of, asked.what))


def _closed() -> NotReady:
    return NotReady("The gateway cannot tell how much has been used, so it let nothing through; try again.")


async def _all(sent: Sequence[asyncio.Future[None]]) -> None:
    await asyncio.wait(sent)


def _nothing() -> Awaitable[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future
