"""What one request is admitted for, and what it has used in the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.access.limiter import Admission
from gateway.access.limits import Estimate, LimitRules, estimate, tokens_of
from gateway.access.principal import Principal
from gateway.edge.answers import chars_added
from gateway.edge.service import ActivePolicy, Service
from gateway.errors import Header, NotReady


class Account:
    """Of one request, which may ask the model more than once."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._admission: Admission | None = None
        self._estimate = Estimate(0, 0)
        self._before: int | None = 0
        self._used: int | None = 0
        """Tokens, as the models say; None if that cannot be known."""
        self._seen = 0
        """Those of answers that have come, as far as it can be told: one in an event at least."""

    @property
    def headers(self) -> tuple[Header, ...]:
        """What the client is told of its limits."""
        return self._admission.headers if self._admission is not None else ()

    async def admit(self, body: Mapping[str, Any], principal: Principal, active: ActivePolicy, model: str) -> None:
        """Raises LimitReached, and NotReady if nobody can tell."""
        asked = estimate(body, active.policy.limits.completion_tokens)
        await self._admit(principal, active, model, asked)

    async def admit_reading(self, principal: Principal, active: ActivePolicy) -> None:
        """For a request that asks no model: it counts as one, and uses no tokens. Raises the same."""
        await self._admit(principal, active, "", Estimate(0, 0))

    async def _admit(self, principal: Principal, active: ActivePolicy, model: str, asked: Estimate) -> None:
        service, limits = self._service, active.policy.limits
        rules = service.policies.limits_of(principal, active, model)
        if rules is None and principal.limits is None:
            return
        if not service.counts_together:
            raise NotReady("This token has limits, which several workers can count in a store that they share only.")
        self._estimate = asked
        self._admission = await service.limiter.admit(
            principal,
            active.served[model] if model else "",
            rules or LimitRules(),
            asked.all,
            principal.limits,
            local=limits.when_store_fails == "local",
        )

    def ask(self) -> None:
        """The model is asked now: until it says so, nobody knows what it uses."""
        self._before, self._used = self._used, None

    def refused(self) -> None:
        """No model has worked on what was not taken."""
        self._used = self._before

    def see(self, event: dict[str, Any]) -> None:
        """Something of an answer has come."""
        if self._admission is not None:
            self._seen += max(1, tokens_of(chars_added(event)))

    def told(self, tokens: int | None) -> None:
        """The answer is there, and used so many tokens on top of what was used before it; None: nobody says."""
        if tokens is not None and self._before is not None:
            self._used = self._before + tokens

    def close(self) -> None:
        """The models are done with the request. A second time it does nothing."""
        if self._admission is None:
            return
        used = self._used
        if used is None:  # as a stream that was broken off has not said it
            used = max(self._estimate.all, self._estimate.prompt + self._seen)
        self._service.limiter.settle(self._admission, used)
