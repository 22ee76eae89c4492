"""What gets an issuer's keys takes a short good answer, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from aiohttp import web

from gateway.access.jwks import read_keys
from gateway.access.jwt import make_key
from gateway.upstream.keys import KeyFetcher
from tests.support.issuer import Fault, Issuer, broken, down, elsewhere, garbage, huge, slow


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    issuer.rotate("ES256")
    with issuer.serve():
        yield issuer


@pytest.mark.parametrize("fault", [down, garbage, huge, elsewhere, slow, broken])
async def test_the_fetcher_takes_a_short_good_answer_only(issuer: Issuer, fault: Fault) -> None:
    fetch = KeyFetcher(timeout_s=0.3)
    issuer.cache_control = "max-age=5"
    body, said = await fetch(f"{issuer.url}/jwks")
    assert json.loads(body)["keys"]
    assert said == "max-age=5"
    issuer.fault = fault
    asked = sum(issuer.asked.values())
    if fault is garbage:
        await fetch(f"{issuer.url}/jwks")
    else:
        with pytest.raises(OSError) as caught:  # noqa: PT011
            await fetch(f"{issuer.url}/jwks")
        assert issuer.url not in str(caught.value)
    # One kept connection that breaks may be tried again.
    assert sum(issuer.asked.values()) - asked <= 2
    assert not issuer.asked["/other/realms/acme/jwks"]


async def test_the_fetcher_unpacks_nothing(issuer: Issuer) -> None:
    async def bomb(_: web.Request) -> web.StreamResponse:
        return web.Response(body=b"\x1f\x8b packed", headers={"content-encoding": "gzip"})

    issuer.fault = bomb
    assert await KeyFetcher()(f"{issuer.url}/jwks") == (b"\x1f\x8b packed", None)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "", "http://", "http://[::1"]
)
async def test_what_cannot_be_asked_is_an_oserror(url: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011
        await KeyFetcher(timeout_s=0.5)(url)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"keys": []}' + b" " * 2**20])
def test_what_is_no_jwks_is_a_valueerror(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        read_keys(body, make_key)
