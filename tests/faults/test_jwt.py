"""JWTs of an identity provider, through a real gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.wire import CANARY, CHAT, ask, assert_error, chat, wait_for
from tests.support.gateway import GatewayProcess, start_gateway
from tests.support.issuer import AUDIENCE, Issuer, down
from tests.support.upstream import ScriptedUpstream

POLICY = Path(__file__).parent.parent / "support" / "policy.yaml"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    issuer.rotate("ES256")
    with issuer.serve():
        yield issuer


@pytest.fixture(scope="module")
def gateway(
    issuer: Issuer, _scripted: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    directory = tmp_path_factory.mktemp("jwt")
    trusted = {
        "issuer": issuer.url,
        "audiences": AUDIENCE,
        "tenant": {"claim": "org.id", "among": ["acme"]},
        "scopes": {"claim": "scope", "map": {"gateway.chat": "chat"}},
        "models": ["*"],
        "jwks": {"cooldown": "1s"},
    }
    (directory / "oidc.yaml").write_text(json.dumps({"issuers": [trusted]}))
    process = start_gateway(directory, _scripted.url, POLICY, "--oidc", str(directory / "oidc.yaml"))
    yield process
    process.stop()


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_both_kinds_of_tokens_open_the_gateway(
    gateway: GatewayProcess, issuer: Issuer, upstream: ScriptedUpstream
) -> None:
    for headers in (gateway.headers, bearer(issuer.token())):
        assert ask(gateway, chat(), headers=headers).status == 200
    assert len(upstream.bodies) == 2


def test_a_wrong_jwt_is_a_401_and_reaches_nobody(
    gateway: GatewayProcess, issuer: Issuer, upstream: ScriptedUpstream
) -> None:
    good = issuer.token()
    for wrong, code in (
        (good[:-4] + "AAAA", "invalid_api_key"),
        (issuer.token(exp=5), "expired_api_key"),
        (issuer.token(aud="other"), "invalid_api_key"),
        (f"{good},{good}", "invalid_api_key"),
    ):
        error = assert_error(ask(gateway, chat(CANARY), path=CHAT, headers=bearer(wrong)), 401, code, param=None)
        assert wrong[:20] not in error["message"]
    assert not upstream.bodies


def test_scopes_and_tenants_are_those_of_the_file(gateway: GatewayProcess, issuer: Issuer) -> None:
    for changes in ({"scope": "admin:cache"}, {"org": {"id": "beta"}}):
        assert_error(ask(gateway, chat(), headers=bearer(issuer.token(**changes))), 403, "scope_missing", param=None)


def test_an_issuer_that_is_down_stops_new_keys_only(gateway: GatewayProcess, issuer: Issuer) -> None:
    known = issuer.token()
    assert ask(gateway, chat(), headers=bearer(known)).status == 200
    issuer.rotate("RS256")
    issuer.fault = down
    try:
        assert ask(gateway, chat(), headers=bearer(known)).status == 200
        # Not within a second of the last time that keys were fetched.
        assert wait_for(lambda: ask(gateway, chat(), headers=bearer(issuer.token())).status == 503, 5)
        assert_error(ask(gateway, chat(), headers=bearer(issuer.token())), 503, "not_ready", param=None)
    finally:
        issuer.fault = None
