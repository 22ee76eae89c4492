"""Attacks in what a token says, with a good signature over it: claims, and text that two parsers read in two ways."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.issuer import AUDIENCE, Gate, Issuer, sign

_WRONG = "invalid_api_key"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    issuer.rotate("ES256")
    with issuer.serve():
        yield issuer


@pytest.fixture
def gate(issuer: Issuer, tmp_path: Path) -> Gate:
    return Gate(tmp_path, issuer)


def key_of(issuer: Issuer) -> tuple[str, Any]:
    """The id of the issuer's key, and the key."""
    ((kid, (_, key)),) = issuer.keys.items()
    return kid, key


async def test_what_a_token_gives_cannot_outlive_it(gate: Gate, issuer: Issuer) -> None:
    """A token that may mint others would else last for ever."""
    now = int(gate.wall())
    principal = await gate.takes(issuer.token(exp=now + 300))
    assert principal.expires is not None
    assert principal.expires.timestamp() == now + 300
    gate.rewrite(max_age="60s")
    principal = await gate.takes(issuer.token(exp=now + 3000, iat=now - 10))
    assert principal.expires is not None
    assert principal.expires.timestamp() == now + 50


# Claims


@pytest.mark.parametrize("audience", [
    "other", AUDIENCE + "/", AUDIENCE.upper(), f"{AUDIENCE} x", "", None, [], ["x", "y"], [AUDIENCE, 5], {AUDIENCE: 1},
    5, True, [[AUDIENCE]],
])  # fmt: skip
async def test_a_wrong_audience(gate: Gate, issuer: Issuer, audience: object) -> None:
    assert await gate.refuses(issuer.token(aud=audience)) == _WRONG


@pytest.mark.parametrize(
    "form", ["{0}/", "{0}x", "{0}/..", "{0}?", "{0}#", " {0}", "{0} ", "HTTP{1}", "", "https{1}", "{0}\x00"]
)
async def test_a_wrong_issuer(gate: Gate, issuer: Issuer, form: str) -> None:
    wrong = form.format(issuer.url, issuer.url.removeprefix("http"))
    assert await gate.refuses(issuer.token(iss=wrong)) == _WRONG
    assert await gate.refuses(issuer.token(iss=issuer.url[:-1])) == _WRONG


@pytest.mark.parametrize("value", [None, 5, True, ["url"], {"url": 1}])
async def test_an_issuer_that_is_no_text(gate: Gate, issuer: Issuer, value: object) -> None:
    value = [issuer.url] if value == ["url"] else value
    assert await gate.refuses(issuer.token(iss=value)) == _WRONG


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize(
    "written",
    [
        '"{0}"', "{0}.0", "{0}.5", "{0}e0", "9e99", "1e400", "NaN", "Infinity", "-Infinity", "-1", "-{0}", "true",
        "null", "[{0}]", '{{"a": {0}}}', "99999999999999999999", "1" + "0" * 5000, "253402300800", "0x7fffffff",
        "+{0}", '""',
    ],
)  # fmt: skip
async def test_a_time_that_is_none(gate: Gate, issuer: Issuer, name: str, written: str) -> None:
    kid, key = key_of(issuer)
    now = int(gate.wall.now)
    payload = json.dumps({**issuer.claims(), name: "HERE"}).replace(
        '"HERE"', written.format(now + 60 if name == "exp" else now - 60)
    )
    assert await gate.refuses(sign(key, "ES256", {"alg": "ES256", "kid": kid}, payload)) == _WRONG


async def test_times_that_are_not_now(gate: Gate, issuer: Issuer) -> None:
    now = int(gate.wall.now)
    assert await gate.refuses(issuer.token(exp=None)) == _WRONG
    assert await gate.refuses(issuer.token(exp=now - 3600)) == "expired_api_key"
    assert await gate.refuses(issuer.token(exp=0)) == "expired_api_key"
    assert await gate.refuses(issuer.token(nbf=now + 3600)) == _WRONG
    assert await gate.refuses(issuer.token(iat=now + 10**8)) == _WRONG


@pytest.mark.parametrize(
    "tenant",
    [
        "", ".", "..", "../acme", "acme/../beta", "acme\n", "acme\x00", "acme ", "ACME", "Acme", "аcme", "ａｃｍｅ",
        "acme\u200b", "\u202eemca", "acm\u00e9", "acme\ud800", "a" * 64, ["acme"], {"acme": 1}, 5, True, "acme,beta",
        "*",
    ],
    ids=ascii,
)  # fmt: skip
@pytest.mark.parametrize("rule", [{"among": ["acme", "beta"]}, {"any": True}])
async def test_a_tenant_that_looks_like_another(
    gate: Gate, issuer: Issuer, tenant: object, rule: dict[str, Any]
) -> None:
    gate.rewrite(tenant={"claim": "org.id", **rule})
    token = issuer.token(org={"id": tenant})
    if rule.get("any") and tenant in ("ACME", "Acme"):
        assert (await gate.takes(token)).tenant == tenant
    else:
        assert await gate.refuses(token) == "scope_missing"


@pytest.mark.parametrize("subject", [
    "", None, 5, ["jane"], {"a": 1}, "j\nane", "jane\x00", "\ud800", "jane\u200b", "\u202ejane", "j" * 257, True,
    "token Ab12Cd34",
], ids=ascii)  # fmt: skip
async def test_a_subject_that_is_none(gate: Gate, issuer: Issuer, subject: object) -> None:
    assert await gate.refuses(issuer.token(sub=subject)) == _WRONG


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "n"}, {"at_hash": "h"}, {"c_hash": "h"}, {"typ": "ID"}, {"typ": "Refresh"}, {"token_use": "id"},
        {"events": {}}, {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
    ],
)  # fmt: skip
async def test_an_id_token_is_no_access_token(gate: Gate, issuer: Issuer, claims: dict[str, Any]) -> None:
    token = issuer.token(header={"typ": "JWT"}, **claims)
    assert await gate.refuses(token) == _WRONG
    gate.rewrite(id_tokens="allow")
    if "events" in claims:
        assert await gate.refuses(token) == _WRONG
    else:
        await gate.takes(token)


async def test_an_access_token_that_says_so_may_carry_the_nonce_of_its_login(gate: Gate, issuer: Issuer) -> None:
    await gate.takes(issuer.token(nonce="n"))
    others: list[dict[str, Any]] = [{"typ": "ID"}, {"token_use": "id"}, {"events": {}}]
    for claims in others:
        assert await gate.refuses(issuer.token(nonce="n", **claims)) == _WRONG


# Text that two parsers read in two ways


@pytest.mark.parametrize("place", ["header", "payload", "inner"])
async def test_a_name_that_stands_twice(gate: Gate, issuer: Issuer, place: str) -> None:
    kid, key = key_of(issuer)
    header = json.dumps({"alg": "ES256", "kid": kid})
    payload = json.dumps(issuer.claims())
    if place == "header":
        header = header.replace("{", '{"alg": "none", ', 1)
    elif place == "payload":
        payload = payload.replace("{", '{"sub": "admin", ', 1)
    else:
        payload = payload.replace('{"id": "acme"', '{"id": "beta", "id": "acme"')
        assert '"beta"' in payload
    assert await gate.refuses(sign(key, "ES256", header, payload)) == _WRONG


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1"])
async def test_json_is_utf8(gate: Gate, issuer: Issuer, encoding: str) -> None:
    kid, key = key_of(issuer)
    header, payload = (
        json.dumps({"alg": "ES256", "kid": kid}),
        json.dumps(issuer.claims(sub="jané"), ensure_ascii=False),
    )
    assert await gate.refuses(sign(key, "ES256", header, payload.encode(encoding))) == _WRONG
    if encoding != "latin-1":
        assert await gate.refuses(sign(key, "ES256", header.encode(encoding), payload)) == _WRONG


@pytest.mark.parametrize(
    "payload", ["[]", '"text"', "5", "null", "", "{", "{}x", "{'a': 1}", "{}", b"\xff\xfe", "{}" * 2]
)
async def test_a_payload_that_is_no_object(gate: Gate, issuer: Issuer, payload: object) -> None:
    kid, key = key_of(issuer)
    header = {"alg": "ES256", "kid": kid}
    assert await gate.refuses(sign(key, "ES256", header, payload)) == _WRONG
    assert await gate.refuses(sign(key, "ES256", payload, issuer.claims())) == _WRONG


@pytest.mark.parametrize("depth", [13, 100, 5000])
@pytest.mark.parametrize("form", [("[", "]"), ('{"a":', "}")])
async def test_claims_nested_deeply(gate: Gate, issuer: Issuer, depth: int, form: tuple[str, str]) -> None:
    kid, key = key_of(issuer)
    depth = min(depth, 10_000 // len("".join(form)))
    deep = form[0] * depth + ("1" if form[0] != "[" else "") + form[1] * depth
    payload = json.dumps(issuer.claims(deep="HERE")).replace('"HERE"', deep)
    assert await gate.refuses(sign(key, "ES256", {"alg": "ES256", "kid": kid}, payload)) == _WRONG


async def test_a_huge_token(gate: Gate, issuer: Issuer) -> None:
    await gate.takes(issuer.token(fill="x" * 11_000))
    assert await gate.refuses(issuer.token(fill="x" * 12_500)) == _WRONG
    assert await gate.refuses(issuer.token(fill="x" * 10**6)) == _WRONG
    assert await gate.refuses(issuer.token(header={"fill": "x" * 3200})) == _WRONG


@pytest.mark.parametrize("form", [
    "{0}=.{1}.{2}", "{0}.{1}=.{2}", "{0}.{1}.{2}=", "{0}.{1}.{2}==", "{0}\n.{1}.{2}", "{0}. {1}.{2}", "{0}.{1}.{2}\n",
    "{0}.{1}.{2}+", "{0}.{1}.{2}/", "{0}.{1}.", "..{2}", ".{1}.{2}", "{0}..{2}", "{0}.{1}", "{0}", "", "..", ".",
    "{0}.{1}.{2}.", "{0}.{1}.{2}.x.y", "{1}.{0}.{2}", "{0}.{1}.{2}é",
])  # fmt: skip
async def test_other_ways_to_write_it(gate: Gate, issuer: Issuer, form: str) -> None:
    token = issuer.token()
    await gate.takes(token)
    assert await gate.refuses(form.format(*token.split("."))) == _WRONG


async def test_bits_that_nobody_needs(gate: Gate, issuer: Issuer) -> None:
    """64 bytes are 86 characters, the last of which has four bits that mean nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = issuer.token()
    last = alphabet.index(token[-1])
    for bits in range(1, 16):
        assert await gate.refuses(token[:-1] + alphabet[last | bits]) == _WRONG
