"""What people have done to JWTs, one test each: signatures, headers, keys. All of it is refused."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.access.jwks import read_keys
from gateway.access.jwt import make_key
from tests.support.issuer import Gate, Issuer, new_key, part, sign

pytestmark = pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_WRONG = "invalid_api_key"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    for algorithm in ("RS256", "EdDSA", "ES256"):
        issuer.rotate(algorithm)
    with issuer.serve():
        yield issuer


@pytest.fixture
def gate(issuer: Issuer, tmp_path: Path) -> Gate:
    return Gate(tmp_path, issuer)


def of(issuer: Issuer, algorithm: str) -> tuple[str, Any]:
    """The id of the issuer's key for an algorithm, and the key."""
    return next((kid, key) for kid, (name, key) in issuer.keys.items() if name == algorithm)


def flipped(token: str) -> str:
    head, payload, signature = token.split(".")
    return f"{head}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


async def test_the_token_that_the_attacks_start_from_is_good(gate: Gate, issuer: Issuer) -> None:
    await gate.takes(issuer.token())


# No signature, another's signature


@pytest.mark.parametrize(
    "name", [*sorted({"".join(letters) for letters in product("nN", "oO", "nN", "eE")}), "", " none"]
)
@pytest.mark.parametrize("signature", ["", "AA", "good"])
async def test_none_is_no_algorithm(gate: Gate, issuer: Issuer, name: str, signature: str) -> None:
    good = issuer.token()
    kid, _ = of(issuer, "ES256")
    head = part({"alg": name, "kid": kid, "typ": "at+jwt"})
    last = good.split(".")[2] if signature == "good" else signature
    assert await gate.refuses(f"{head}.{part(issuer.claims())}.{last}") == _WRONG


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_public_key_is_no_shared_secret(gate: Gate, issuer: Issuer, algorithm: str) -> None:
    kid, key = of(issuer, algorithm)
    public = issuer.public(kid)
    secrets = [
        key.as_pem(private=False), key.as_pem(private=False).strip(), key.as_der(private=False),
        json.dumps(public).encode(), json.dumps(key.as_dict(private=False), sort_keys=True).encode(),
        str(public.get("n", public.get("x"))).encode(), b"", kid.encode(),
    ]  # fmt: skip
    for secret, (name, digest) in product(secrets, [("HS256", hashlib.sha256), ("HS512", hashlib.sha512)]):
        signed = f"{part({'alg': name, 'kid': kid, 'typ': 'at+jwt'})}.{part(issuer.claims())}"
        token = f"{signed}.{part(hmac.new(secret, signed.encode(), digest).digest())}"
        assert await gate.refuses(token) == _WRONG
        # The same with the algorithm of the key named, in case only the name is looked at.
        signed = f"{part({'alg': algorithm, 'kid': kid, 'typ': 'at+jwt'})}.{part(issuer.claims())}"
        token = f"{signed}.{part(hmac.new(secret, signed.encode(), digest).digest())}"
        assert await gate.refuses(token) == _WRONG


@pytest.mark.parametrize("named", ["RS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("used", ["RS256", "ES256", "EdDSA"])
async def test_a_key_signs_with_its_own_algorithm_only(gate: Gate, issuer: Issuer, named: str, used: str) -> None:
    if named == used:
        return
    kid, key = of(issuer, used)
    other_kid, _ = of(issuer, named)
    for name in (kid, other_kid):
        assert await gate.refuses(sign(key, used, {"alg": named, "kid": name}, issuer.claims())) == _WRONG


@pytest.mark.parametrize("algorithm", ["PS256", "PS512", "RS384", "RS512"])
async def test_an_rsa_key_signs_rs256_only(gate: Gate, issuer: Issuer, algorithm: str) -> None:
    kid, key = of(issuer, "RS256")
    for named in (algorithm, "RS256"):
        assert await gate.refuses(sign(key, algorithm, {"alg": named, "kid": kid}, issuer.claims())) == _WRONG


@pytest.mark.parametrize(
    "algorithm", ["rs256", "Rs256", "RS256 ", "es256", "EDDSA", "Ed25519", ["RS256"], None, 256, {}]
)
async def test_algorithms_are_named_to_the_letter(gate: Gate, issuer: Issuer, algorithm: object) -> None:
    for true in ("RS256", "ES256", "EdDSA"):
        kid, key = of(issuer, true)
        assert await gate.refuses(sign(key, true, {"alg": algorithm, "kid": kid}, issuer.claims())) == _WRONG


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_somebody_elses_key_under_a_good_name(gate: Gate, issuer: Issuer, algorithm: Any) -> None:
    kid, _ = of(issuer, algorithm)
    token = sign(new_key(algorithm, kid), algorithm, {"alg": algorithm, "kid": kid}, issuer.claims())
    assert await gate.refuses(token) == _WRONG


# Headers that say where the key is


@pytest.mark.parametrize("name", ["jku", "jwk", "x5u", "x5c", "crit", "b64", "enc", "zip", "epk", "cty"])
async def test_a_header_that_brings_a_key_or_an_extension(gate: Gate, issuer: Issuer, name: str) -> None:
    own = new_key("ES256", "own")
    value: Any = {
        "jwk": own.as_dict(private=False), "jku": f"{issuer.url}/jwks", "x5u": f"{issuer.url}/cert", "x5c": ["AA"],
        "crit": ["exp"], "b64": False, "zip": "DEF", "enc": "A128GCM", "cty": "JWT",
    }.get(name, {})  # fmt: skip
    before = sum(issuer.asked.values())
    kid, good = of(issuer, "ES256")
    for key, named in ((own, "own"), (own, kid), (good, kid)):
        token = sign(key, "ES256", {"alg": "ES256", "kid": named, name: value}, issuer.claims())
        assert await gate.refuses(token) == _WRONG
    assert sum(issuer.asked.values()) == before, "nobody was asked"


@pytest.mark.parametrize("value", [[], None, False, "", ["b64"]])
async def test_crit_is_refused_whatever_it_says(gate: Gate, issuer: Issuer, value: object) -> None:
    assert await gate.refuses(issuer.token(header={"crit": value})) == _WRONG


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null", "/dev/null", "file:///dev/null", "' OR '1'='1", "x' UNION SELECT 'AA", "k; ls", "$(id)",
        "http://127.0.0.1/k", "a" * 257, "a" * 3000, "", None, 0, 5, True, ["k"], {"k": 1}, "\x00", "\ud800", "k\u200b",
        "__class__", "%s%s%s", "*",
    ],
    ids=ascii,
)  # fmt: skip
async def test_a_kid_is_a_name_in_a_dictionary(gate: Gate, issuer: Issuer, kid: object) -> None:
    _, key = of(issuer, "ES256")
    assert await gate.refuses(sign(key, "ES256", {"alg": "ES256", "kid": kid}, issuer.claims())) == _WRONG
    for secret in (b"", b"AA"):
        signed = f"{part({'alg': 'HS256', 'kid': kid})}.{part(issuer.claims())}"
        mac = part(hmac.digest(secret, signed.encode(), "sha256"))
        assert await gate.refuses(f"{signed}.{mac}") == _WRONG


async def test_a_token_without_a_kid(gate: Gate, issuer: Issuer) -> None:
    _, key = of(issuer, "ES256")
    assert await gate.refuses(sign(key, "ES256", {"alg": "ES256"}, issuer.claims())) == _WRONG


# The signature itself


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_signature_changed_cut_or_made_longer(gate: Gate, issuer: Issuer, algorithm: str) -> None:
    kid, key = of(issuer, algorithm)
    token = issuer.token(kid)
    head, payload, _ = token.split(".")
    made = jws.default_registry.algorithms[algorithm].sign(f"{head}.{payload}".encode(), key)
    zeros = bytes(len(made))
    wrong = [b"", made[:-1], made[1:], made + b"\x00", b"\x00" + made, made * 2, zeros, b"\xff" * len(made), made[::-1]]
    for signature in wrong:
        assert await gate.refuses(f"{head}.{payload}.{part(signature)}") == _WRONG
    assert await gate.refuses(flipped(token)) == _WRONG
    assert await gate.refuses(f"{head}.{part(issuer.claims(sub='admin'))}.{part(made)}") == _WRONG


@pytest.mark.parametrize(
    ("r", "s"), [(0, 0), (0, 1), (1, 0), (1, 1), (_P256_ORDER, 1), (1, _P256_ORDER), (_P256_ORDER,) * 2]
)
async def test_an_elliptic_signature_of_nothing(gate: Gate, issuer: Issuer, r: int, s: int) -> None:
    """As with Java's psychic signatures (CVE-2022-21449)."""
    head, payload, _ = issuer.token(of(issuer, "ES256")[0]).split(".")
    assert await gate.refuses(f"{head}.{payload}.{part(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}") == _WRONG


async def test_an_elliptic_signature_in_der(gate: Gate, issuer: Issuer) -> None:
    kid, key = of(issuer, "ES256")
    head, payload, _ = issuer.token(kid).split(".")
    raw = jws.default_registry.algorithms["ES256"].sign(f"{head}.{payload}".encode(), key)
    numbers = [int.from_bytes(half, "big").to_bytes(33, "big") for half in (raw[:32], raw[32:])]
    der = b"".join(b"\x02\x21" + number for number in numbers)
    assert await gate.refuses(f"{head}.{payload}.{part(b'0' + bytes([len(der)]) + der)}") == _WRONG


async def test_the_twin_of_an_elliptic_signature_is_the_same_token(gate: Gate, issuer: Issuer) -> None:
    """(r, n-s) is as good as (r, s): so nothing may hang on a token's text, neither its id nor denial."""
    kid, key = of(issuer, "ES256")
    head, payload, signature = issuer.token(kid, jti="one").split(".")
    raw = jws.default_registry.algorithms["ES256"].sign(f"{head}.{payload}".encode(), key)
    twin = raw[:32] + (_P256_ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    tokens = [f"{head}.{payload}.{last}" for last in (signature, part(twin))]
    assert len({(await gate.takes(token)).token_id for token in tokens}) == 1
    gate.rewrite(deny={"jti": ["one"]})
    for token in tokens:
        assert await gate.refuses(token) == _WRONG


# Tokens that are something else


async def test_a_token_in_a_token(gate: Gate, issuer: Issuer) -> None:
    kid, key = of(issuer, "ES256")
    inner = issuer.token()
    for header in ({"alg": "ES256", "kid": kid, "cty": "JWT"}, {"alg": "ES256", "kid": kid}):
        assert await gate.refuses(sign(key, "ES256", header, inner)) == _WRONG
        assert await gate.refuses(sign(key, "ES256", header, json.dumps(inner))) == _WRONG


async def test_an_encrypted_token(gate: Gate, issuer: Issuer) -> None:
    head = part({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": of(issuer, "RS256")[0]})
    for token in (f"{head}.AA.AA.AA.AA", f"{head}..AA.AA.AA", f"{head}.AA.AA"):
        assert await gate.refuses(token) == _WRONG


async def test_a_token_as_json(gate: Gate, issuer: Issuer) -> None:
    head, payload, signature = issuer.token().split(".")
    flat = json.dumps({"protected": head, "payload": payload, "signature": signature})
    assert await gate.refuses(flat) == _WRONG
    assert await gate.refuses(f"{flat}..") == _WRONG


async def test_a_token_of_another_issuer_who_is_trusted_too(issuer: Issuer, tmp_path: Path) -> None:
    """Each issuer's keys are good for its own tokens only, and each speaks for its own tenants."""
    other = Issuer()
    other.rotate("ES256")
    with other.serve():
        gate = Gate(tmp_path, issuer)
        text = json.loads(gate.path.read_text())
        text["issuers"][0]["tenant"] = "acme"
        text["issuers"].append({**text["issuers"][0], "issuer": other.url, "tenant": "beta"})
        gate.path.write_text(json.dumps(text))
        gate.clock.now += 1
        assert (await gate.takes(issuer.token())).tenant == "acme"
        assert (await gate.takes(other.token())).tenant == "beta"
        assert await gate.refuses(other.token(iss=issuer.url)) == _WRONG
        kid = of(issuer, "ES256")[0]
        assert await gate.refuses(other.token(iss=issuer.url, header={"kid": kid})) == _WRONG


# Keys that are none

NO_KEYS = [
    "private",
    "oct",
    "small",
    "use",
    "ops",
    "alg",
    "curve",
    "ed448",
    "twice",
    "twice, ours last",
    "kidless",
    "off",
]


def published_badly(case: str, kid: str, issuer: Issuer) -> tuple[str, Any, list[dict[str, Any]]]:
    """An algorithm, a key that signs with it, and how it is published."""
    key: Any = issuer.keys[kid][1]
    public = issuer.public(kid)
    other: dict[str, tuple[str, Any]] = {
        "small": ("RS256", RSAKey.generate_key(1024, auto_kid=False)),
        "ed448": ("EdDSA", OKPKey.generate_key("Ed448")),
    }
    if case in other:
        algorithm, another = other[case]
        return algorithm, another, [another.as_dict(private=False) | {"kid": kid}]
    published: dict[str, list[dict[str, Any]]] = {
        "private": [key.as_dict(private=True) | {"kid": kid}],
        "oct": [{"kty": "oct", "k": "AAAA", "kid": kid}],
        "use": [public | {"use": "enc"}],
        "ops": [public | {"key_ops": ["encrypt"]}],
        "alg": [public | {"alg": "ES384"}],
        "curve": [ECKey.generate_key("P-384").as_dict(private=False) | {"kid": kid}],
        "twice": [public, new_key("ES256", kid).as_dict(private=False) | {"kid": kid}],
        "twice, ours last": [new_key("ES256", kid).as_dict(private=False) | {"kid": kid}, public],
        "kidless": [{name: value for name, value in public.items() if name != "kid"}],
        "off": [public | {"y": public["x"]}],
    }
    return "ES256", key, published[case]


def test_an_rsa_key_that_makes_checks_slow_is_none() -> None:
    good = new_key("RS256", "k").as_dict(private=False) | {"kid": "k"}
    for change in ({}, {"e": part(b"\x01" + bytes(15) + b"\x01")}, {"n": "A" * 2000}, {"n": 5}, {"e": 65537}):
        body = json.dumps({"keys": [{**good, **change}]}).encode()
        assert bool(read_keys(body, make_key)) is (not change)


@pytest.mark.parametrize("case", NO_KEYS)
async def test_a_published_key_that_is_none(tmp_path: Path, case: str) -> None:
    issuer = Issuer()
    kid = issuer.rotate("ES256")
    algorithm, key, published = published_badly(case, kid, issuer)
    issuer.published = [*published]
    with issuer.serve():
        gate = Gate(tmp_path, issuer)
        assert await gate.refuses(sign(key, algorithm, {"alg": algorithm, "kid": kid}, issuer.claims())) == _WRONG
        # One bad key does not take the good ones with it.
        good = issuer.rotate("ES256")
        issuer.published = [*published, issuer.public(good), 5, None, {}, {"kty": "RSA"}]  # type: ignore[list-item]
        gate.clock.now += 60
        await gate.takes(issuer.token(good))
