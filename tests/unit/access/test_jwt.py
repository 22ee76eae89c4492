"""Tokens of a real identity provider on loopback: who is let in, as whom, and for how long."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.access.authenticate import Authenticator
from gateway.access.bearer import Bearer
from gateway.access.principal import Scope
from gateway.access.token_file import edit_tokens
from gateway.errors import GatewayError, MissingKey, Unauthenticated
from tests.support.issuer import AUDIENCE, CLIENT, Algorithm, Gate, Issuer, down, sign
from tests.unit.access.test_tokens import add


@pytest.fixture(scope="module")
def _served() -> Iterator[Issuer]:
    issuer = Issuer()
    for algorithm in ("RS256", "EdDSA", "ES256"):
        issuer.rotate(algorithm)
    with issuer.serve():
        yield issuer


@pytest.fixture
def issuer(_served: Issuer) -> Issuer:
    _served.reset()
    return _served


def kid_of(issuer: Issuer, algorithm: str) -> str:
    return next(kid for kid, (name, _) in issuer.keys.items() if name == algorithm)


async def test_a_token_from_the_token_endpoint_names_its_principal(issuer: Issuer, tmp_path: Path) -> None:
    form = {"grant_type": "client_credentials", "client_id": CLIENT[0], "client_secret": CLIENT[1]}
    async with aiohttp.ClientSession() as session, session.post(f"{issuer.url}/token", data=form) as response:
        token = (await response.json())["access_token"]
    principal = await Gate(tmp_path, issuer).takes(token)
    assert (principal.tenant, principal.subject) == ("acme", "jane")
    assert principal.scopes == {Scope.CHAT}
    assert principal.models == {"*"}
    assert issuer.asked == {"/token": 1, "/.well-known/openid-configuration": 1, "/jwks": 1}


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_each_algorithm_is_taken_unless_it_is_not_listed(
    issuer: Issuer, tmp_path: Path, algorithm: Algorithm
) -> None:
    token = issuer.token(kid_of(issuer, algorithm))
    gate = Gate(tmp_path, issuer, algorithms=[algorithm])
    assert (await gate.takes(token)).tenant == "acme"
    others = [name for name in ("RS256", "ES256", "EdDSA") if name != algorithm]
    gate.rewrite(algorithms=others)
    assert await gate.refuses(token) == "invalid_api_key"


async def test_the_id_of_a_token_tells_tokens_apart_and_is_no_part_of_one(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer)
    one, other = [(await gate.takes(issuer.token())).token_id for _ in range(2)]
    again = issuer.token(jti="the-same")
    assert one != other
    assert one.startswith("jwt-")
    assert (await gate.takes(again)).token_id == (await gate.takes(issuer.token(jti="the-same"))).token_id
    nameless = await gate.takes(issuer.token(jti=None))
    assert nameless.token_id not in (one, other)
    assert hashlib.sha256(b"jane").hexdigest()[:12] not in nameless.token_id


@pytest.mark.parametrize(
    ("value", "scopes"),
    [
        ("gateway.chat hr", {"chat", "docs:hr", "completions"}),
        (["gateway.chat", "hr"], {"chat", "docs:hr", "completions"}),
        ("chat admin:cache docs:law", set()),
        ("", set()),
        (None, set()),
        (["gateway.chat", 5], set()),
        ({"gateway.chat": True}, set()),
        ("gateway.chat\tadmin", set()),
    ],
)
async def test_a_scope_that_the_file_does_not_map_is_worth_nothing(
    issuer: Issuer, tmp_path: Path, value: object, scopes: set[str]
) -> None:
    assert (await Gate(tmp_path, issuer).takes(issuer.token(scope=value))).scopes == scopes


@pytest.mark.parametrize(
    ("rule", "value", "models"),
    [
        (["llama"], ["other"], {"llama"}),
        ([], ["llama"], set()),
        ({"claim": "models"}, ["llama", "other"], {"llama", "other"}),
        ({"claim": "models"}, "llama other", {"llama", "other"}),
        ({"claim": "models"}, None, set()),
        ({"claim": "models"}, ["*"], set()),
        ({"claim": "models"}, "*", set()),
        ({"claim": "models"}, {"llama": 1}, set()),
    ],
)
async def test_models_are_those_of_the_file_or_of_a_claim_which_never_means_all(
    issuer: Issuer, tmp_path: Path, rule: object, value: object, models: set[str]
) -> None:
    assert (await Gate(tmp_path, issuer, models=rule).takes(issuer.token(models=value))).models == models


async def test_fixed_values_and_a_prefix_and_a_claim_whose_name_is_a_url(issuer: Issuer, tmp_path: Path) -> None:
    subject = {"claim": ["https://example.com/person", "id"], "prefix": "okta:"}
    gate = Gate(tmp_path, issuer, tenant="beta", subject=subject, scopes="chat")
    named: dict[str, Any] = {"https://example.com/person": {"id": "j.doe"}}
    principal = await gate.takes(issuer.token(**named))
    assert (principal.tenant, principal.subject) == ("beta", "okta:j.doe")
    assert principal.scopes == {"chat"}
    assert await gate.refuses(issuer.token()) == "invalid_api_key"


@pytest.mark.parametrize("missing", [{"org": None}, {"org": "acme"}, {"org": {"id": "gamma"}}, {"org": {"id": 5}}])
async def test_a_good_token_of_no_tenant_is_forbidden(issuer: Issuer, tmp_path: Path, missing: dict[str, Any]) -> None:
    assert await Gate(tmp_path, issuer).refuses(issuer.token(**missing)) == "scope_missing"


async def test_required_claims_must_be_there(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer, require=["jti", "org.plan"])
    assert await gate.refuses(issuer.token()) == "invalid_api_key"
    await gate.takes(issuer.token(org={"id": "acme", "plan": "gold"}))
    assert await gate.refuses(issuer.token(org={"id": "acme", "plan": "gold"}, jti=None)) == "invalid_api_key"


async def test_clocks_may_differ_by_the_leeway_and_no_more(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer, leeway="30s")
    now = 1_800_000_000
    gate.wall.now = float(now)
    times: dict[str, Any] = {"exp": now + 60, "iat": now}
    for change in ({"exp": now - 29}, {"nbf": now + 30}, {"iat": now + 30}):
        await gate.takes(issuer.token(**{**times, **change}))
    for change in ({"nbf": now + 31}, {"iat": now + 31}):
        assert await gate.refuses(issuer.token(**{**times, **change})) == "invalid_api_key"
    times["exp"] = now - 30
    assert await gate.refuses(issuer.token(**times)) == "expired_api_key"


async def test_a_token_may_not_be_older_than_the_file_says(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer, max_age="10m", leeway="0s")
    token = issuer.token(iat=int(gate.wall.now), exp=int(gate.wall.now) + 86_400)
    await gate.takes(token)
    gate.wall.now += 599
    await gate.takes(token)
    gate.wall.now += 2
    assert await gate.refuses(token) == "expired_api_key"
    assert await gate.refuses(issuer.token(iat=None)) == "invalid_api_key"


async def test_a_remembered_token_ends_when_it_says(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer)
    token = issuer.token(exp=int(gate.wall.now) + 10)
    for _ in range(3):
        await gate.takes(token)
    gate.wall.now += 41
    assert await gate.refuses(token) == "expired_api_key"


async def test_no_more_tokens_are_remembered_than_there_is_room_for(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer)
    gate.verifier._remembered = 3
    tokens = [issuer.token() for _ in range(5)]
    for token in tokens:
        await gate.takes(token)
    assert len(gate.verifier._seen) == 3
    assert not [key for key in gate.verifier._seen if any(token.encode() in key for token in tokens)]


@pytest.mark.parametrize("kind", ["jti", "subjects"])
async def test_who_is_denied_is_refused_within_a_second(issuer: Issuer, tmp_path: Path, kind: str) -> None:
    gate = Gate(tmp_path, issuer)
    gone, stays = issuer.token(jti="gone", sub="eve"), issuer.token()
    await gate.takes(gone)
    gate.rewrite(deny={kind: ["gone", "eve"]})
    assert await gate.refuses(gone) == "invalid_api_key"
    await gate.takes(stays)
    assert issuer.asked["/jwks"] == 1, "a change of the file alone does not make the keys old"


async def test_an_issuer_taken_out_is_not_trusted_any_more(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer)
    token = issuer.token()
    await gate.takes(token)
    gate.rewrite(issuer="https://other.example")
    assert await gate.refuses(token) == "invalid_api_key"


async def test_a_file_that_has_become_invalid_changes_nothing(
    issuer: Issuer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate(tmp_path, issuer, deny={"jti": ["gone"]})
    token = issuer.token()
    await gate.takes(token)
    gate.path.write_text("issuers: [")
    gate.clock.now += 1
    await gate.takes(token)
    assert await gate.refuses(issuer.token(jti="gone")) == "invalid_api_key"
    assert "OIDC file" in caplog.text


async def test_neither_messages_nor_the_log_quote_a_token_or_its_claims(
    issuer: Issuer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    gate = Gate(tmp_path, issuer)
    secret = "canary-4711"
    wrong: list[dict[str, Any]] = [
        {"aud": secret}, {"iss": secret}, {"exp": secret}, {"exp": 5}, {"sub": f"{secret}\n"}, {"jti": [secret]},
        {"org": {"id": f"{secret}/"}}, {"nbf": 99_999_999_999},
    ]  # fmt: skip
    for changes in wrong:
        with pytest.raises(GatewayError) as caught:
            await gate.takes(issuer.token(**{"sub": secret, **changes}))
        assert secret not in repr(caught.value)
        assert caught.value.__cause__ is None
    assert secret not in caplog.text


# Which kind of token it is


@pytest.fixture
def bearer(issuer: Issuer, tmp_path: Path) -> Bearer:
    return Bearer(_opaque(tmp_path), Gate(tmp_path, issuer).verifier)


def _opaque(tmp_path: Path) -> Authenticator:
    with edit_tokens(tmp_path / "tokens.yaml"):
        pass
    return Authenticator(tmp_path / "tokens.yaml", lambda: 0.0)


async def test_both_kinds_of_tokens_are_taken(issuer: Issuer, tmp_path: Path) -> None:
    token = add(tmp_path / "tokens.yaml", subject="opaque")
    bearer = Bearer(_opaque(tmp_path), Gate(tmp_path, issuer).verifier)
    assert (await bearer.principal(f"Bearer {token.text}".encode())).subject == "opaque"
    assert (await bearer.principal(f"bEARER  {issuer.token()}".encode())).subject == "jane"


async def test_without_an_oidc_file_a_jwt_is_no_token(issuer: Issuer, tmp_path: Path) -> None:
    with pytest.raises(Unauthenticated):
        await Bearer(_opaque(tmp_path), None).principal(f"Bearer {issuer.token()}".encode())


async def test_no_header_is_a_missing_key(bearer: Bearer) -> None:
    for header in (None, b""):
        with pytest.raises(MissingKey):
            await bearer.principal(header)


@pytest.mark.parametrize(
    "form",
    [
        "Bearer {0},{0}", "Bearer {0} {0}", "Bearer {0}, Bearer {0}", "Bearer {0};", "Basic {0}", "{0}", "Bearer",
        "Bearer ..", "Bearer \t{0}", "Bearer pgw_{0}", "Bearer {0}\x00", 'Bearer "{0}"', "Bearer {0}é", "Token {0}",
        "Bearer {0}.", "Bearer .{0}",
    ],
)  # fmt: skip
async def test_what_is_not_one_token_is_refused(bearer: Bearer, issuer: Issuer, form: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        await bearer.principal(form.format(issuer.token()).encode("latin-1"))
    assert caught.value.code == "invalid_api_key"


async def test_a_known_key_does_not_suspend(issuer: Issuer, tmp_path: Path) -> None:
    """A request with a token whose key is known runs on without the event loop."""
    gate = Gate(tmp_path, issuer)
    await gate.verifier.open()
    issuer.fault = down
    steps = gate.verifier.principal(issuer.token())
    with pytest.raises(StopIteration) as ended:
        steps.send(None)
    assert ended.value.value.tenant == "acme"
    await asyncio.sleep(0)
    await gate.verifier.close()


async def test_a_token_of_someone_elses_audience_among_many_is_taken_if_ours_is_there(
    issuer: Issuer, tmp_path: Path
) -> None:
    await Gate(tmp_path, issuer).takes(issuer.token(aud=["account", AUDIENCE]))


async def test_a_type_is_read_as_the_rfc_says(issuer: Issuer, tmp_path: Path) -> None:
    gate = Gate(tmp_path, issuer)
    for type_ in ("JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"):
        await gate.takes(issuer.token(header={"typ": type_}))
    kid = kid_of(issuer, "ES256")
    untyped = sign(issuer.keys[kid][1], "ES256", {"alg": "ES256", "kid": kid}, issuer.claims())
    await gate.takes(untyped)
    gate.rewrite(token_types="at+jwt")
    assert await gate.refuses(untyped) == "invalid_api_key"
    assert await gate.refuses(issuer.token(header={"typ": "JWT"})) == "invalid_api_key"
    for type_ in ("", "id+jwt", "logout+jwt", "secevent+jwt", "dpop+jwt", "JWT ", "none"):
        assert await gate.refuses(issuer.token(header={"typ": type_})) == "invalid_api_key"
