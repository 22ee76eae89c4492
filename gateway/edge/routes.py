"""The paths that exist. Everything else is 404: what is not named here is not reachable, whatever vLLM offers."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from fastapi import FastAPI, Request
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route

from gateway.access.principal import Principal, Scope
from gateway.edge.act import Act, Answer
from gateway.edge.answers import AnswerWriter, ChatFormat, CompletionFormat, Format, Head
from gateway.edge.body import Receive
from gateway.edge.embeddings import EmbeddingsWriter
from gateway.edge.endpoint import Exchanges
from gateway.edge.envelope import Send, error_headers, error_object
from gateway.edge.life import Life
from gateway.edge.plain import PlainEndpoint
from gateway.edge.requests import check_chat, check_completion, check_embedding
from gateway.edge.service import Kind, Service, Writer
from gateway.errors import GatewayError, MethodNotAllowed, ModelNotFound, NotFound, NotReady, Unavailable
from gateway.pipeline.stage import Outlets

Ready = Callable[[], Awaitable[Mapping[str, bool]]]
Problems = Callable[[], Mapping[str, str]]
"""What is wrong with the files that are followed, by what they hold; empty if nothing is."""


class Endpoint(Protocol):
    """An ASGI endpoint that knows where it is; an Act is one."""

    @property
    def path(self) -> str: ...
    @property
    def methods(self) -> tuple[str, ...]: ...

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None: ...


Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
_OWNER = "gateway"
_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""FastAPI's own would send addresses, paths and messages of exceptions wherever the environment says."""


@dataclass(frozen=True, slots=True)
class Health:
    """What /health/ready asks."""

    ready: Ready
    problems: Problems
    life: Life


def _written(form: Format) -> Callable[[Outlets, Head, Mapping[str, Any]], Writer]:
    return lambda outlets, head, _body: AnswerWriter(form, outlets, head)


_KINDS = (
    Kind("/chat/completions", Scope.CHAT, "chatcmpl", check_chat, _written(ChatFormat())),
    Kind("/completions", Scope.COMPLETIONS, "cmpl", check_completion, _written(CompletionFormat())),
    Kind(
        "/embeddings",
        Scope.EMBEDDINGS,
        "embd",
        check_embedding,
        lambda _outlets, head, body: EmbeddingsWriter(head, body),
        is_cached=False,
    ),
)


class Models(Act):
    """GET /v1/models and /v1/models/{name}: what this token may use."""

    scope = Scope.MODELS
    path = "/v1/models"
    methods = ("GET",)
    kind = "exchange"

    async def answer(self, principal: Principal, scope: Mapping[str, Any], receive: Receive) -> Answer:
        listed = {
            name: {
                "id": name,
                "object": "model",
                "created": 0,
                "owned_by": _OWNER,
                **({"max_model_len": route.max_context} if route.max_context else {}),
            }
            for name, route in self._service.policies.of(principal).policy.models.items()
            if principal.may_use(name)
        }
        name = scope["path_params"].get("name")
        if name is None:
            return 200, {"object": "list", "data": list(listed.values())}
        if name not in listed:
            raise ModelNotFound(
                "There is no model of this name for this token; GET /v1/models lists them.", param="model"
            )
        return 200, listed[name]


class Live(PlainEndpoint):
    """GET /health/live: the process runs."""

    async def answer(self, scope: Mapping[str, Any]) -> Any:
        return {"status": "live"}


class ReadyCheck(PlainEndpoint):
    """GET /health/ready: requests can be served now."""

    def __init__(self, service: Service, health: Health) -> None:
        super().__init__(service)
        self._health = health

    async def answer(self, scope: Mapping[str, Any]) -> Any:
        if self._health.life.is_ending:
            raise NotReady("Not ready: the gateway is ending. Send requests elsewhere.")
        checks, found = await self._health.ready(), self._health.problems().items()
        if not all(checks.values()):
            failed = ", ".join(sorted(name for name, ok in checks.items() if not ok))
            raise NotReady(f"Not ready: {failed}. See the log of the gateway.")
        # Requests are served, by what was read before. What is wrong is in the log: not everybody's to read.
        files = {name: "not valid; what was read before is in force" if wrong else "in force" for name, wrong in found}
        return {"status": "ready", "checks": dict(checks), "files": files}


class Literal(Route):
    """A route whose path must stand in the request as it is, not percent-encoded: a proxy before us may go by it."""

    def matches(self, scope: Any) -> tuple[Match, Any]:
        if b"%" in scope.get("raw_path", b"").partition(b"?")[0]:
            return Match.NONE, {}
        return super().matches(scope)


def build_app(
    service: Service,
    endpoints: Iterable[Endpoint],
    health: Health,
    lifespan: Lifespan,
) -> FastAPI:
    """The ASGI app of a service. `endpoints`: what there is beside the API of models. `lifespan` opens and closes what
    the service holds."""
    app = FastAPI(
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    app.router.routes.extend(
        [
            *(Literal(f"/v1{kind.path}", Exchanges(service, kind), methods=["POST"]) for kind in _KINDS),
            Literal("/v1/models", Models(service), methods=["GET"]),
            Route("/v1/models/{name:path}", Models(service), methods=["GET"]),
            *(Literal(one.path, one, methods=list(one.methods)) for one in endpoints),
            Literal("/health/live", Live(service), methods=["GET"]),
            Literal("/health/ready", ReadyCheck(service, health), methods=["GET"]),
        ]
    )
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _any_error)
    return app


def _response(error: GatewayError) -> Response:
    headers = {name.decode(): value.decode() for name, value in error_headers(error)}
    body = error_object(error)
    return JSONResponse(body, error.status, {**headers, "x-request-id": secrets.token_hex(16)})


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    if status == 405:
        return _response(MethodNotAllowed("This path does not have this method; see the README for the API."))
    return _response(NotFound("There is no such path; the API is under /v1."))


async def _any_error(request: Request, error: Exception) -> Response:
    return _response(Unavailable("The gateway failed. Quote the x-request-id to its operator."))
