"""An OpenID Connect provider on loopback: discovery, JWKS, client credentials; its keys change and it fails at will.

It makes its tokens with another library than the gateway checks them with, so that no mistake is made twice.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from aiohttp import web
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.access.jwks import Fetch
from gateway.access.jwt import JwtVerifier
from gateway.access.principal import Principal
from gateway.errors import GatewayError
from gateway.upstream.keys import KeyFetcher

Algorithm = Literal["RS256", "ES256", "EdDSA"]
AnyKey = RSAKey | ECKey | OKPKey
Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]
AUDIENCE = "https://gateway.example"
CLIENT = ("client", "secret-of-the-client")


def new_key(algorithm: Algorithm, kid: str) -> AnyKey:
    match algorithm:
        case "RS256":
            return RSAKey.generate_key(2048, {"kid": kid})
        case "ES256":
            return ECKey.generate_key("P-256", {"kid": kid})
        case "EdDSA":
            return OKPKey.generate_key("Ed25519", {"kid": kid})


def part(value: object) -> str:
    """Base64url of JSON, of a text as it stands, or of bytes."""
    raw = value if isinstance(value, bytes) else (value if isinstance(value, str) else json.dumps(value)).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(key: AnyKey, algorithm: str, header: object, payload: object) -> str:
    """A token with a good signature over any header and any payload, also such as no library would write."""
    signed = f"{part(header)}.{part(payload)}"
    made = jws.default_registry.algorithms[algorithm].sign(signed.encode(), key)
    return f"{signed}.{part(made)}"


@dataclass
class Issuer:
    """Keys by id, the newest last: it signs. `published` is what the JWKS says if a test wants another thing."""

    keys: dict[str, tuple[Algorithm, AnyKey]] = field(default_factory=dict)
    published: list[Mapping[str, Any]] | None = None
    discovery: dict[str, Any] = field(default_factory=dict)
    cache_control: str | None = None
    fault: Fault | None = None
    """Answers instead of the issuer, or nothing."""
    asked: Counter[str] = field(default_factory=Counter)
    """How often each path was asked for."""
    origin: str = ""

    @property
    def url(self) -> str:
        return f"{self.origin}/realms/acme"

    def rotate(self, algorithm: Algorithm = "ES256") -> str:
        """A new key that signs from now on; the old ones stay. Its id."""
        kid = f"k{len(self.keys)}-{secrets.token_hex(4)}"
        self.keys[kid] = (algorithm, new_key(algorithm, kid))
        return kid

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Of an access token; a change to None leaves the claim out."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "jane",
            "exp": now + 300,
            "iat": now,
            "jti": secrets.token_hex(8),
            "scope": "openid gateway.chat",
            "org": {"id": "acme"},
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, kid: str | None = None, *, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """An access token, signed with a key or the newest."""
        name = kid or list(self.keys)[-1]
        algorithm, key = self.keys[name]
        return sign(
            key, algorithm, {"alg": algorithm, "kid": name, "typ": "at+jwt", **(header or {})}, self.claims(**changes)
        )

    def public(self, kid: str) -> dict[str, Any]:
        algorithm, key = self.keys[kid]
        return {**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": algorithm}

    def reset(self) -> None:
        self.published = self.cache_control = self.fault = None
        self.discovery.clear()
        self.asked.clear()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/realms/acme")
        self.asked[path] += 1
        if self.fault is not None:
            return await self.fault(request)
        match request.method, path:
            case "GET", "/.well-known/openid-configuration":
                return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **self.discovery})
            case "GET", "/jwks":
                keys = self.published if self.published is not None else [self.public(kid) for kid in self.keys]
                headers = {"cache-control": self.cache_control} if self.cache_control else {}
                return web.json_response({"keys": keys}, headers=headers)
            case "POST", "/token":
                form = await request.post()
                if form["grant_type"] != "client_credentials" or (form["client_id"], form["client_secret"]) != CLIENT:
                    return web.json_response({"error": "invalid_client"}, status=401)
                return web.json_response({"access_token": self.token(), "token_type": "Bearer", "expires_in": 300})
            case _:
                return web.Response(status=404)

    def serve(self) -> AbstractContextManager[Issuer]:
        return _Served(self)


class _Served(AbstractContextManager[Issuer]):
    """Runs the issuer in a thread with an event loop of its own."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Issuer:
        self._thread.start()
        assert self._started.wait(10)
        return self._issuer

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._issuer._answer)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
        self._loop.run_until_complete(runner.setup())
        self._loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0).start())
        self._issuer.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())


async def down(request: web.Request) -> web.StreamResponse:
    """Breaks the connection off."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def garbage(_: web.Request) -> web.StreamResponse:
    return web.Response(body=b"<html>\xff not what you want", content_type="application/json")


async def huge(_: web.Request) -> web.StreamResponse:
    return web.Response(body=b'{"keys": [' + b" " * 2**20 + b"]}")


async def elsewhere(request: web.Request) -> web.StreamResponse:
    """A redirect to a place that would answer well."""
    raise web.HTTPFound(f"/other{request.path}")


async def slow(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def broken(_: web.Request) -> web.StreamResponse:
    return web.Response(status=500, body=b'{"keys": []}')


class Clock:
    """Stands still until a test moves it."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Gate:
    """A verifier that trusts one issuer and fetches its keys over HTTP, with clocks that a test moves."""

    def __init__(self, directory: Path, issuer: Issuer, /, *, fetch: Fetch | None = None, **changes: Any) -> None:
        self.path = directory / "oidc.yaml"
        self.issuer = issuer
        self.clock = Clock(1000.0)
        self.wall = Clock(time.time())
        self.write(**changes)
        self.verifier = JwtVerifier(
            self.path, fetch or KeyFetcher(timeout_s=0.5), clock=self.clock, wall_clock=self.wall
        )

    def write(self, **changes: Any) -> None:
        """The OIDC file; a change to None leaves a key out."""
        entry = {
            "issuer": self.issuer.url,
            "audiences": [AUDIENCE],
            "tenant": {"claim": "org.id", "among": ["acme", "beta"]},
            "scopes": {"claim": "scope", "map": {"gateway.chat": "chat", "hr": ["docs:hr", "completions"]}},
            "models": ["*"],
            **changes,
        }
        # JSON is YAML.
        text = json.dumps({"issuers": [{name: value for name, value in entry.items() if value is not None}]})
        self.path.write_text(text, "utf-8")

    def rewrite(self, **changes: Any) -> None:
        """Change the file, and let the second pass in which that is seen."""
        self.write(**changes)
        self.clock.now += 1.0

    async def takes(self, token: str) -> Principal:
        return await self.verifier.principal(token)

    async def refuses(self, token: str) -> str:
        """The code of the error. Nothing of the token may be in its message."""
        with pytest.raises(GatewayError) as caught:
            await self.verifier.principal(token)
        assert not [piece for piece in token.split(".") if len(piece) > 8 and piece in caught.value.message]
        return caught.value.code
