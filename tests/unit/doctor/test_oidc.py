"""The OIDC file and its issuers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.doctor.oidc import Looked, Oidc, judge, look
from gateway.doctor.result import Result
from tests.support.issuer import Fault, Issuer, down, garbage
from tests.unit.doctor.scene import is_well, problems, warnings

FILE = """issuers:
  - issuer: {issuer}
    audiences: gateway
    tenant: acme
    scopes: [chat]
    models: ['*']
"""


def results(folder: Path, text: str) -> list[Result]:
    path = folder / "oidc.yaml"
    path.write_text(text)
    return list(judge(look(path), path))


def test_an_issuer_with_keys_and_without(tmp_path: Path) -> None:
    with Issuer().serve() as issuer:
        issuer.rotate()
        assert is_well(results(tmp_path, FILE.format(issuer=issuer.url)))
        issuer.published = []
        assert "none of its keys is usable" in problems(results(tmp_path, FILE.format(issuer=issuer.url)))


@pytest.mark.parametrize(("fault", "told"), [(down, "cannot be fetched"), (garbage, "is no JWKS")])
def test_an_issuer_that_fails(tmp_path: Path, fault: Fault, told: str) -> None:
    with Issuer().serve() as issuer:
        issuer.rotate()
        issuer.fault = fault
        assert told in problems(results(tmp_path, FILE.format(issuer=issuer.url)))


def test_keys_in_a_file(tmp_path: Path) -> None:
    text = FILE.format(issuer="https://login.example.com") + "    jwks: {file: jwks.json}\n"
    assert "jwks.json: cannot be read" in problems(results(tmp_path, text))
    issuer = Issuer()
    kid = issuer.rotate()
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [issuer.public(kid)]}))
    assert is_well(results(tmp_path, text))
    (tmp_path / "jwks.json").write_text('{"keys": [{"kty": "oct", "k": "canary"}]}')
    told = problems(results(tmp_path, text))
    assert "no usable key" in told
    assert "canary" not in told


def test_a_file_that_is_wrong(tmp_path: Path) -> None:
    assert "issuers is missing" in problems(results(tmp_path, "version: 1\n"))


def test_keys_without_tls_are_a_warning(tmp_path: Path) -> None:
    text = FILE.format(issuer="http://login.example.com") + "    unsafe_http: true\n    jwks: {file: no.json}\n"
    (tmp_path / "oidc.yaml").write_text(text)
    issuer = look(tmp_path / "oidc.yaml").issuers[0].issuer
    assert "make tokens" in warnings(judge(Oidc("", (Looked(issuer, 1),)), tmp_path))
