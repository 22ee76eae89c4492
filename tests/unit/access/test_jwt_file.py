"""The OIDC file: what is wrong in it, where, and what would be right. Nothing is granted that it does not spell out."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.access.issuers import Oidc
from gateway.access.oidc_file import load_oidc
from gateway.settings import ConfigurationError

GOOD = """\
version: 1
issuers:
  - issuer: https://login.example.com/realms/acme
    audiences: gateway
    tenant: acme
    scopes: [chat]
    models: ['*']
"""


def load(tmp_path: Path, text: str) -> Oidc:
    path = tmp_path / "oidc.yaml"
    path.write_text(text, "utf-8")
    return load_oidc(path)


def problem(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    return str(caught.value).replace(f"{tmp_path}/", "")


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def test_what_is_not_said_is_safe(tmp_path: Path) -> None:
    issuer = load(tmp_path, GOOD).issuers[0]
    assert issuer.algorithms == ("RS256", "ES256", "EdDSA")
    assert issuer.leeway == 30
    assert issuer.id_tokens == "refuse"
    assert issuer.subject.claim == ("sub",)
    assert issuer.jwks.url is None
    assert not issuer.unsafe_http


def test_a_file_with_all_there_is(tmp_path: Path) -> None:
    issuer = load(
        tmp_path,
        """\
issuers:
- issuer: http://idp.internal:8080/
  audiences: [gateway, other]
  jwks: {url: 'http://idp.internal:8080/keys', refresh: 5m, outage: 10m, cooldown: 1m}
  unsafe_http: true
  algorithms: [ES256]
  leeway: 5m
  max_age: 1h
  token_types: at+jwt
  id_tokens: allow
  require: [jti, 'org.plan', ['https://example.com/x']]
  tenant: {claim: [https://example.com/org, id], among: [acme, beta]}
  subject: {claim: email, prefix: 'idp:'}
  scopes: {claim: scope, map: {chat: chat, hr: [docs:hr, 'admin:cache']}}
  models: {claim: models}
  deny: {jti: [x], subjects: y}
""",
    ).issuers[0]
    assert issuer.tenant.claim == ("https://example.com/org", "id")
    assert issuer.require == (("jti",), ("org", "plan"), ("https://example.com/x",))
    assert issuer.scopes.map["hr"] == ("docs:hr", "admin:cache")
    assert issuer.deny.subjects == {"y"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "oidc.yaml:1:1: the file is empty"),
        ("issuers: [", "oidc.yaml:2:1: not valid YAML"),
        ("[]", "oidc.yaml:1:1: the file"),
        ("issuers: []", "oidc.yaml:1:1: issuers: Tuple should have at least 1 item"),
        ("{}", "oidc.yaml:1:1: issuers is missing; a list of those whose tokens are taken"),
        (GOOD + "    scope: x\n", "oidc.yaml:8:5: unknown key scope; did you mean scopes?"),
        (GOOD + "    xyz: x\n", "oidc.yaml:8:5: unknown key xyz; the keys: issuer, audiences"),
        (GOOD + "    tenant: beta\n", "oidc.yaml:8:5: the key tenant stands twice; keep one"),
        (changed("version: 1", "version: 2"), "oidc.yaml:1:1: version: Input should be 1"),
        (changed("    tenant: acme\n", ""), "oidc.yaml:3:5: issuers.0.tenant is missing; name the tenant"),
        (changed("    scopes: [chat]\n", ""), "issuers.0.scopes is missing; name what these tokens may do"),
        (
            changed("    models: ['*']\n", ""),
            "issuers.0.models is missing; name the models these tokens may use, or `models: ['*']`",
        ),
        (changed("    audiences: gateway\n", ""), "issuers.0.audiences is missing; name the audience"),
        (changed("audiences: gateway", "audiences: []"), "oidc.yaml:4:5: issuers.0.audiences"),
        (changed("tenant: acme", "tenant: ../acme"), "oidc.yaml:5:5: issuers.0.tenant: a tenant has letters"),
        (
            changed("tenant: acme", "tenant: {claim: org}"),
            "oidc.yaml:5:5: issuers.0.tenant: say which tenants the issuer may name",
        ),
        (changed("tenant: acme", "tenant: {claim: org, among: [a], any: true}"), "issuers.0.tenant: say which tenants"),
        (changed("tenant: acme", "tenant: {}"), "issuers.0.tenant: give either a value or `{claim: NAME, …}`"),
        (
            changed("tenant: acme", "tenant: {claim: 'https://x.y/org', any: true}"),
            "as a list of names: ['https://example.com/org', id]",
        ),
        (changed("tenant: acme", "tenant: {claim: a..b, any: true}"), "oidc.yaml:5:14: issuers.0.tenant.claim"),
        (
            changed("[chat]", "[caht]"),
            "oidc.yaml:6:14: issuers.0.scopes.0: no such scope; the scopes are: chat, completions",
        ),
        (changed("[chat]", "['docs:../x']"), "no such scope"),
        (changed("[chat]", "['*']"), "no such scope"),
        (changed("[chat]", "{claim: scope}"), "a claim needs a `map`"),
        (changed("[chat]", "{claim: scope, map: {x: root}}"), "issuers.0.scopes.map.x.0: no such scope"),
        (changed("['*']", "{claim: m, fixed: [x]}"), "give either a value or"),
        (
            GOOD + "    algorithms: [HS256]\n",
            "oidc.yaml:8:18: issuers.0.algorithms.0: expected 'RS256', 'ES256' or 'EdDSA'; no other",
        ),
        (GOOD + "    algorithms: none\n", "no other algorithm is taken"),
        (GOOD + "    algorithms: []\n", "issuers.0.algorithms"),
        (GOOD + "    algorithms: [RS256, PS256]\n", "oidc.yaml:8:25: issuers.0.algorithms.1"),
        (GOOD + "    leeway: 6m\n", "issuers.0.leeway: Input should be less than or equal to 300"),
        (GOOD + "    leeway: 30\n", "expected a duration with its unit"),
        (
            GOOD + "    jwks: {url: 'http://login.example.com/keys'}\n",
            "is not https; use https (or `unsafe_http: true`",
        ),
        (GOOD + "    jwks: {url: 'https://u:p@x.y/keys'}\n", "no user name"),
        (GOOD + "    jwks: {url: 'ftp://x.y/keys'}\n", "expected a URL"),
        (GOOD + "    jwks: {url: 'https://x.y/keys', file: x}\n", "give a url or a file, not both"),
        (GOOD + "    jwks: {uri: x}\n", "oidc.yaml:8:12: unknown key uri; did you mean url?"),
        (
            changed("https://login", "http://login"),
            "oidc.yaml:3:5: issuers.0: http://login.example.com/realms/acme is not https",
        ),
        (changed("https://login", "http://127.0.0.1.login"), "is not https"),
        (changed("https://login", "http://localhost.login"), "is not https"),
        (
            changed("https://login.example.com/realms/acme", "login.example.com"),
            "oidc.yaml:3:5: issuers.0.issuer: expected a URL",
        ),
        (changed("realms/acme", "realms?x=1"), "no query"),
        (GOOD + GOOD[GOOD.index("  - ") :], "oidc.yaml:8:5: this issuer stands twice; keep one"),
    ],
)
def test_a_problem_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    assert said in problem(tmp_path, text)


def test_all_problems_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    lines = problem(tmp_path, changed("gateway", "[]").replace("[chat]", "[x]") + "    leeway: 1d\n").splitlines()
    assert [line.split(":")[1] for line in lines] == ["4", "6", "8"]


@pytest.mark.parametrize("place", ["missing", "folder", "bytes", "large"])
def test_a_file_that_cannot_be_read(tmp_path: Path, place: str) -> None:
    path = tmp_path / "oidc.yaml"
    match place:
        case "folder":
            path.mkdir()
        case "bytes":
            path.write_bytes(b"version: 1\n\xff")
        case "large":
            path.write_bytes(b"#" * (2**20 + 1))
        case _:
            pass
    with pytest.raises(ConfigurationError, match=r"oidc\.yaml:\d+:1: "):
        load_oidc(path)


SECOND = """\
  - issuer: https://other.example.com
    audiences: gateway
    tenant: TENANT
    subject: {prefix: PREFIX}
    scopes: [chat]
    models: ['*']
"""


@pytest.mark.parametrize(
    ("tenant", "former", "prefix", "good"),
    [
        ("beta", "", "", True),
        ("{claim: org, among: [beta, gamma]}", "", "", True),
        ("acme", "", "", False),
        ("{claim: org, among: [beta, acme]}", "", "", False),
        ("{claim: org, any: true}", "", "", False),
        ("acme", "", "b:", False),
        ("acme", "a:", "a:b:", False),
        ("acme", "a:", "b:", True),
    ],
)
def test_two_issuers_never_speak_for_the_same_person(
    tmp_path: Path, tenant: str, former: str, prefix: str, good: bool
) -> None:
    text = GOOD + f"    subject: {{prefix: '{former}'}}\n"
    text += SECOND.replace("TENANT", tenant).replace("PREFIX", f"'{prefix}'")
    if good:
        assert len(load(tmp_path, text).issuers) == 2
    else:
        assert "oidc.yaml:11:5: https://login.example.com/realms/acme may name the same tenants" in problem(
            tmp_path, text
        )


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/x", "http://localhost/x", "http://[::1]:80/x", "http://127.9.9.9"]
)
def test_this_machine_may_be_asked_without_tls(tmp_path: Path, url: str) -> None:
    assert load(tmp_path, changed("https://login.example.com/realms/acme", url)).issuers[0].may_ask(url)


def test_discovery_does_not_lead_from_another_machine_to_this_one(tmp_path: Path) -> None:
    issuer = load(tmp_path, GOOD).issuers[0]
    assert issuer.may_ask("https://keys.example.com/jwks")
    assert not issuer.may_ask("http://127.0.0.1/jwks")
    assert not issuer.may_ask("http://login.example.com/jwks")


def examples() -> list[str]:
    """Those of docs/oidc.md: a file, then lines of an issuer or whole issuers."""
    text = (Path(__file__).parents[3] / "docs" / "oidc.md").read_text("utf-8")
    first, *others = [block.split("```")[0] for block in text.split("```yaml\n")[1:]]
    top = GOOD[: GOOD.index("  - ")]
    added = []
    for block in others:
        named = {line.split(":")[0].strip() for line in block.splitlines() if line.startswith("    ") and ":" in line}
        kept = [line for line in GOOD.splitlines() if line.split(":")[0].strip() not in named]
        added.append(top + block if block.startswith("  - ") else "\n".join(kept) + "\n" + block)
    return [first, *added]


@pytest.mark.parametrize("text", examples())
def test_the_examples_of_the_documentation_are_good(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text).issuers
