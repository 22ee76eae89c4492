"""An issuer's keys change, and the issuer fails: who is let in meanwhile, and how often the issuer is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.access.jwks import lifetime
from gateway.errors import NotReady
from gateway.settings import ConfigurationError
from tests.support.issuer import Fault, Gate, Issuer, broken, down, elsewhere, garbage, huge, slow

FAULTS = [down, garbage, huge, elsewhere, slow, broken]
JWKS = "/jwks"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    issuer.rotate("ES256")
    with issuer.serve():
        yield issuer


async def settled() -> None:
    """Wait for what runs in the background."""
    running = asyncio.all_tasks() - {asyncio.current_task()}
    if running:
        await asyncio.wait(running, timeout=5)


# Rotation


async def test_a_new_key_is_taken_and_the_old_one_stays(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer)
    old = issuer.token()
    await gate.takes(old)
    issuer.rotate("RS256")
    gate.clock.now += 31
    await gate.takes(issuer.token())
    await gate.takes(old)
    assert issuer.asked[JWKS] == 2


async def test_a_key_taken_away_is_refused_when_the_keys_are_fetched_anew(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer, jwks={"refresh": "10m"})
    gone = next(iter(issuer.keys))
    remembered, fresh = issuer.token(gone), issuer.token(gone)
    await gate.takes(remembered)
    issuer.rotate("ES256")
    del issuer.keys[gone]
    gate.clock.now += 599
    await settled()
    gate.clock.now += 1
    for token in (remembered, fresh):
        assert await gate.refuses(token) == "invalid_api_key"
    await gate.takes(issuer.token())


async def test_after_a_quiet_time_the_first_request_waits_for_new_keys(issuer: Issuer, tmp_path: Path) -> None:
    """So that a key taken away in the night does not open the door once more in the morning."""
    gate = Gate(tmp_path, issuer, jwks={"refresh": "10m", "outage": "24h"})
    token = issuer.token()
    await gate.takes(token)
    issuer.keys.clear()
    gate.clock.now += 7200
    assert await gate.refuses(token) == "invalid_api_key"


async def test_an_issuer_may_withdraw_all_its_keys(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer)
    token = issuer.token()
    await gate.takes(token)
    issuer.published = []
    gate.clock.now += 600
    assert await gate.refuses(token) == "invalid_api_key"


async def test_another_key_under_the_same_name_is_another_key(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer)
    token = issuer.token()
    await gate.takes(token)
    kid = next(iter(issuer.keys))
    issuer.published = [{**issuer.public(issuer.rotate("ES256")), "kid": kid}]
    gate.clock.now += 500
    await gate.takes(token)
    await settled()
    assert await gate.refuses(token) == "invalid_api_key"


async def test_keys_are_fetched_anew_in_the_background(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer, jwks={"refresh": "10m"})
    token = issuer.token()
    await gate.takes(token)
    gate.clock.now += 479
    await gate.takes(token)
    await settled()
    assert issuer.asked[JWKS] == 1
    gate.clock.now += 2
    await gate.takes(token)
    await settled()
    assert issuer.asked[JWKS] == 2


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, 600), ("max-age=300", 300), ("public, max-age=120, must-revalidate", 120), ("max-age=5", 60),
        ("max-age=0", 60), ("no-store", 60), ("no-cache, max-age=500", 60), ("max-age=999999999", 600),
        ("max-age=-1", 600), ("max-age=" + "9" * 50, 600), ("s-maxage=120", 600), ("MAX-AGE=120", 120),
        ("x" * 10_000, 600), ("max-age=1e3", 600),
    ],
)  # fmt: skip
def test_the_issuer_says_how_long_its_keys_are_good_for_within_bounds(said: str | None, seconds: float) -> None:
    assert lifetime(said, 600.0) == seconds
    assert lifetime(said, 20.0) == 20.0


async def test_a_max_age_counts(issuer: Issuer, tmp_path: Path) -> None:
    issuer.cache_control = "max-age=100"
    gate = Gate(tmp_path, issuer)
    token = issuer.token()
    await gate.takes(token)
    issuer.keys.clear()
    gate.clock.now += 101
    assert await gate.refuses(token) == "invalid_api_key"


# How often the issuer is asked


async def test_unknown_keys_make_nobody_hammer_the_issuer(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer, jwks={"cooldown": "30s", "refresh": "1h"})
    good = issuer.token()
    await gate.takes(good)
    for number in range(300):
        assert await gate.refuses(issuer.token(header={"kid": f"random-{number}"})) == "invalid_api_key"
        gate.clock.now += 0.5
    assert issuer.asked[JWKS] <= 1 + 150 / 30
    await gate.takes(good)


async def test_many_requests_at_once_ask_once(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer)
    tokens = [issuer.token() for _ in range(50)]
    await asyncio.gather(*(gate.takes(token) for token in tokens))
    assert issuer.asked[JWKS] == 1


async def test_a_request_that_goes_away_does_not_stop_what_others_wait_for(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer)
    first = asyncio.create_task(gate.takes(issuer.token()))
    second = asyncio.create_task(gate.takes(issuer.token()))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).tenant == "acme"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_tokens_of_strangers_ask_nobody(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer)
    assert await gate.refuses(issuer.token(iss="https://other.example")) == "invalid_api_key"
    assert await gate.refuses(issuer.token(header={"alg": "HS256"})) == "invalid_api_key"
    assert not issuer.asked


async def test_a_known_key_with_another_algorithm_asks_nobody(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer)
    await gate.takes(issuer.token())
    gate.clock.now += 100
    assert await gate.refuses(issuer.token(header={"alg": "RS256"})) == "invalid_api_key"
    assert issuer.asked[JWKS] == 1


async def test_an_issuer_that_fails_is_asked_less_and_less_often(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer, jwks={"url": f"{issuer.url}/jwks"})
    issuer.fault = broken
    token = issuer.token()
    for _ in range(600):
        assert await gate.refuses(token) == "not_ready"
        gate.clock.now += 0.5
    assert 10 <= issuer.asked[JWKS] <= 5 + 300 / 30


# An issuer that fails


@pytest.mark.parametrize("fault", FAULTS)
async def test_without_keys_nobody_is_let_in_and_it_is_not_the_tokens_fault(
    issuer: Issuer, tmp_path: Path, fault: Fault
) -> None:
    gate = Gate(tmp_path, issuer)
    issuer.fault = fault
    await gate.verifier.open()
    assert gate.verifier.ready() == {issuer.url: False}
    token = issuer.token()
    with pytest.raises(NotReady) as caught:
        await gate.takes(token)
    assert caught.value.status == 503
    assert caught.value.retry_after_s is not None
    issuer.fault = None
    gate.clock.now += caught.value.retry_after_s
    await gate.takes(token)
    assert gate.verifier.ready() == {issuer.url: True}


@pytest.mark.parametrize("fault", FAULTS)
async def test_known_keys_stay_in_force_for_a_while_and_then_no_more(
    issuer: Issuer, tmp_path: Path, fault: Fault
) -> None:
    gate = Gate(tmp_path, issuer, jwks={"refresh": "10m", "outage": "1h"})
    known, other = issuer.token(), issuer.token()
    await gate.takes(known)
    issuer.fault = fault
    gate.clock.now += 601
    for token in (known, other):
        await gate.takes(token)
    assert await gate.refuses(issuer.token(header={"kid": "unknown"})) == "not_ready"
    gate.clock.now += 3600
    for token in (known, other):
        assert await gate.refuses(token) == "not_ready"
    issuer.fault = None
    gate.clock.now += 60
    await gate.takes(known)


async def test_with_an_outage_of_nothing_old_keys_open_nothing(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer, jwks={"outage": "0s"})
    token = issuer.token()
    await gate.takes(token)
    issuer.fault = down
    gate.clock.now += 601
    assert await gate.refuses(token) == "not_ready"


async def test_a_slow_issuer_holds_nobody_up_whose_key_is_known(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer)
    token = issuer.token()
    await gate.takes(token)
    issuer.fault = slow
    gate.clock.now += 500
    for _ in range(20):
        with pytest.raises(StopIteration):
            gate.verifier.principal(token).send(None)
    await settled()
    assert issuer.asked["/.well-known/openid-configuration"] == 2


async def test_a_verifier_that_is_closed_says_that_it_is_not_ready(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer)
    issuer.fault = slow
    waiting = asyncio.create_task(gate.takes(issuer.token()))
    await asyncio.sleep(0.05)
    await gate.verifier.close()
    with pytest.raises(NotReady):
        await waiting


async def test_who_is_denied_while_keys_are_fetched_is_refused(issuer: Issuer, tmp_path: Path) -> None:
    async def fetch(_: str) -> tuple[bytes, str | None]:
        gate.rewrite(jwks={"url": f"{issuer.url}/jwks"}, deny={"subjects": ["jane"]})
        assert await gate.refuses("no.token.this") == "invalid_api_key"
        return json.dumps({"keys": [issuer.public(kid) for kid in issuer.keys]}).encode(), None

    gate = Gate(tmp_path, issuer, fetch=fetch, jwks={"url": f"{issuer.url}/jwks"})
    assert await gate.refuses(issuer.token()) == "invalid_api_key"
    await gate.takes(issuer.token(sub="joan"))


async def test_an_unexpected_failure_counts_as_one(tmp_path: Path, issuer: Issuer) -> None:
    calls = []

    async def fetch(url: str) -> tuple[bytes, str | None]:
        calls.append(url)
        raise RuntimeError("canary")

    gate = Gate(tmp_path, issuer, fetch=fetch)
    for _ in range(5):
        assert await gate.refuses(issuer.token()) == "not_ready"
    assert len(calls) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://other.example"}, {"issuer": None}, {"jwks_uri": None}, {"jwks_uri": 5},
        {"jwks_uri": "http://192.0.2.1/jwks"}, {"jwks_uri": "file:///etc/passwd"}, {"jwks_uri": "//x"},
        {"jwks_uri": ""}, {"jwks_uri": "https://"},
    ],
)  # fmt: skip
async def test_a_discovery_document_that_leads_astray(issuer: Issuer, tmp_path: Path, changes: dict[str, Any]) -> None:
    issuer.discovery.update(changes)
    gate = Gate(tmp_path, issuer)
    assert await gate.refuses(issuer.token()) == "not_ready"
    assert not issuer.asked[JWKS]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("place", ["127.0.0.1/jwks", "login.example.com/jwks"])
async def test_discovery_with_tls_leads_nowhere_without(
    issuer: Issuer, tmp_path: Path, scheme: str, place: str
) -> None:
    asked = []

    async def fetch(url: str) -> tuple[bytes, str | None]:
        asked.append(url)
        named = {"issuer": "https://login.example.com", "jwks_uri": f"{scheme}://{place}"}
        keys = {"keys": [issuer.public(kid) for kid in issuer.keys]}
        return json.dumps(keys if url.endswith("/jwks") else named).encode(), None

    gate = Gate(tmp_path, issuer, fetch=fetch, issuer="https://login.example.com")
    token = issuer.token(iss="https://login.example.com")
    if scheme == "https":
        await gate.takes(token)
    else:
        assert await gate.refuses(token) == "not_ready"
        assert asked == ["https://login.example.com/.well-known/openid-configuration"]


async def test_discovery_with_another_issuers_slash(issuer: Issuer, tmp_path: Path) -> None:
    """`iss` is compared to the letter, but both forms find the document."""
    issuer.discovery["issuer"] = f"{issuer.url}/"
    gate = Gate(tmp_path, issuer, issuer=f"{issuer.url}/")
    await gate.takes(issuer.token(iss=f"{issuer.url}/"))
    assert await gate.refuses(issuer.token()) == "invalid_api_key"


async def test_a_url_needs_no_discovery(issuer: Issuer, tmp_path: Path) -> None:
    await Gate(tmp_path, issuer, jwks={"url": f"{issuer.url}/jwks"}).takes(issuer.token())
    assert issuer.asked == {JWKS: 1}


@pytest.mark.parametrize("keys", [{}, "x", None, [[]] * 129])
async def test_a_document_that_is_no_jwks(issuer: Issuer, tmp_path: Path, keys: object) -> None:
    issuer.published = keys  # type: ignore[assignment]

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"keys": keys})

    issuer.fault = answer
    gate = Gate(tmp_path, issuer, jwks={"url": f"{issuer.url}/jwks"})
    assert await gate.refuses(issuer.token()) == "not_ready"


# Keys in a file


def write_keys(path: Path, issuer: Issuer) -> None:
    path.write_text(json.dumps({"keys": [issuer.public(kid) for kid in issuer.keys]}))


async def test_keys_in_a_file_need_no_network_and_are_read_again(tmp_path: Path, issuer: Issuer) -> None:
    write_keys(tmp_path / "keys.json", issuer)
    gate = Gate(tmp_path, issuer, jwks={"file": "keys.json"}, issuer="https://offline.example")
    old = issuer.token(iss="https://offline.example")
    await gate.takes(old)
    issuer.rotate("EdDSA")
    del issuer.keys[next(iter(issuer.keys))]
    write_keys(tmp_path / "keys.json", issuer)
    gate.clock.now += 1
    assert await gate.refuses(old) == "invalid_api_key"
    await gate.takes(issuer.token(iss="https://offline.example"))
    (tmp_path / "keys.json").write_text("{")
    gate.clock.now += 1
    await gate.takes(issuer.token(iss="https://offline.example"))
    assert not issuer.asked


@pytest.mark.parametrize("text", [None, "", "{}", '{"keys": []}', '{"keys": [{"kty": "oct", "k": "AA", "kid": "a"}]}'])
def test_a_file_without_keys_is_a_configuration_error(tmp_path: Path, issuer: Issuer, text: str | None) -> None:
    if text is not None:
        (tmp_path / "keys.json").write_text(text)
    with pytest.raises(ConfigurationError, match=r"keys\.json"):
        Gate(tmp_path, issuer, jwks={"file": "keys.json"})
