"""Endpoints that read no body and answer with one JSON object."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from gateway.edge.body import Receive
from gateway.edge.envelope import Send, send_error, send_json
from gateway.edge.service import Service
from gateway.errors import GatewayError


class PlainEndpoint:
    """An ASGI endpoint whose errors become the envelope."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        headers = [(b"x-request-id", secrets.token_hex(16).encode())]
        try:
            await send_json(send, 200, await self.answer(scope), headers)
        except GatewayError as error:
            await send_error(send, error, headers)

    async def answer(self, scope: Mapping[str, Any]) -> Any:
        raise NotImplementedError
