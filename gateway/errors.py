"""Every error that a client can see: its status, type and code.

    GatewayError
    ├── InvalidRequest          400 invalid_request_error
    │   ├── InvalidJSON             invalid_json
    │   ├── InvalidValue            invalid_value        (param: a JSON path)
    │   ├── ContextLengthExceeded   context_length_exceeded
    │   ├── Blocked                 content_filter
    │   ├── NotFound            404 not_found, model_not_found
    │   ├── MethodNotAllowed    405 method_not_allowed
    │   └── TooLarge            413 request_too_large
    ├── Unauthenticated         401 authentication_error
    ├── Forbidden               403 permission_error
    ├── LimitReached            429 rate_limit_error
    │   ├── RateLimited             rate_limit_exceeded
    │   └── BudgetExceeded          budget_exceeded
    ├── UpstreamFailed          502 upstream_error
    ├── UpstreamTimeout         504 upstream_error
    └── Unavailable             503 service_unavailable
        ├── RedactionUnavailable    redaction_unavailable (StageFailed: on the answer)
        ├── Overloaded              overloaded
        └── NotReady                not_ready

A message says what to do next. It never quotes a prompt, an answer, a token or an upstream's body: whoever
raises one of these passes text of their own only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol, Self

Header = tuple[bytes, bytes]


class Bearer(Protocol):
    """Whose request it is; a Principal is one."""

    @property
    def token_id(self) -> str: ...
    @property
    def tenant(self) -> str: ...
    @property
    def subject(self) -> str: ...


class GatewayError(Exception):
    """Base of all errors that leave the gateway as an answer.

    `message` is for people, `param` is a JSON path such as `messages[0].content` or None,
    `retry_after_s` becomes the Retry-After header, `headers` go with the answer. `whose`: for the record, who was
    refused although the token was proved to be theirs.
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "service_unavailable"
    code: ClassVar[str] = "internal_error"

    def __init__(self, message: str, *, param: str | None = None, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s
        self.headers: tuple[Header, ...] = ()
        self.whose: Bearer | None = None

    def by(self, whose: Bearer) -> Self:
        """The same error of somebody."""
        self.whose = whose
        return self


class InvalidRequest(GatewayError):
    status = 400
    type = "invalid_request_error"
    code = "invalid_value"


class InvalidJSON(InvalidRequest):
    """The body is not one JSON object in UTF-8."""

    code = "invalid_json"


class InvalidValue(InvalidRequest):
    """One field has a value that is not accepted; `param` says which."""


class ContextLengthExceeded(InvalidRequest):
    code = "context_length_exceeded"


class Blocked(InvalidRequest):
    """A stage stops the exchange: on the request a 400, on the answer finish_reason `content_filter`."""

    code = "content_filter"

    def __init__(self, rule: str, *, again: bool = False) -> None:
        """`again`: another answer of the model may do."""
        super().__init__(
            f"The policy does not allow this content (rule: {rule}). Remove it and send the request again."
        )
        self.rule = rule
        self.again = again


class NotFound(InvalidRequest):
    status = 404
    code = "not_found"


class ModelNotFound(NotFound):
    code = "model_not_found"


class MethodNotAllowed(InvalidRequest):
    status = 405
    code = "method_not_allowed"


class TooLarge(InvalidRequest):
    status = 413
    code = "request_too_large"


class Unauthenticated(GatewayError):
    status = 401
    type = "authentication_error"
    code = "invalid_api_key"


class MissingKey(Unauthenticated):
    code = "missing_api_key"


class ExpiredKey(Unauthenticated):
    code = "expired_api_key"


class Forbidden(GatewayError):
    status = 403
    type = "permission_error"
    code = "scope_missing"


class ModelNotAllowed(Forbidden):
    code = "model_not_allowed"


class LimitReached(GatewayError):
    """Something is used up. `headers` say how much there is of what, as OpenAI's do."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: int | None,
        headers: Sequence[Header] = (),
        limit: tuple[str, str] = ("other", "other"),
    ) -> None:
        """`retry_after_s` is None if trying again is of no use. `limit`: whose it is and of what, in words of ours."""
        super().__init__(message, retry_after_s=retry_after_s)
        self.headers = tuple(headers)
        self.limit = limit


class RateLimited(LimitReached):
    """Too many requests or tokens a minute, or too many requests at a time."""


class BudgetExceeded(LimitReached):
    """The tokens of the day or of the month are used up."""

    code = "budget_exceeded"


class UpstreamFailed(GatewayError):
    status = 502
    type = "upstream_error"
    code = "upstream_failed"


class UpstreamTimeout(GatewayError):
    status = 504
    type = "upstream_error"
    code = "upstream_timeout"


class Unavailable(GatewayError):
    status = 503
    type = "service_unavailable"
    code = "not_ready"

    def __init__(self, message: str, *, param: str | None = None, retry_after_s: int | None = 1) -> None:
        super().__init__(message, param=param, retry_after_s=retry_after_s)


class RedactionUnavailable(Unavailable):
    code = "redaction_unavailable"


class StageFailed(RedactionUnavailable):
    """A stage broke on the answer, which could not be checked: nothing more of it may leave."""


class Overloaded(Unavailable):
    code = "overloaded"


class NotReady(Unavailable):
    code = "not_ready"
